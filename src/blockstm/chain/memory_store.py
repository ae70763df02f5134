"""A store in memory: for tests, and for chains that need not last."""

from __future__ import annotations

import sys
import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Final
from weakref import ref

from blockstm.chain.store import Batch, FileSize, Table, TableSize
from blockstm.errors import ClosedError

__all__ = ["MemoryStore"]

_SNAPSHOTS_MIN: Final = 64


class MemoryStore:
    """Dictionaries. A snapshot costs nothing until what it sees is changed: then it keeps the old.

    Thread-safety: any thread may use it; calls take turns.
    """

    def __init__(self) -> None:
        self._tables: dict[Table, dict[bytes, bytes]] = {table: {} for table in Table}
        # No `WeakSet`: a Ctrl-C that comes to one of its callbacks is lost.
        self._snapshots: list[ref[MemorySnapshot]] = []
        self._snapshots_max = _SNAPSHOTS_MIN  # when there are so many those that are no more go
        self._lock = threading.RLock()  # a signal handler in the middle of a call may take it
        self._is_closed = False

    def snapshot(self) -> MemorySnapshot:
        """See `Store`."""
        with self._lock:
            self._check_open()
            snapshot = MemorySnapshot(self._tables, self._lock)
            if len(self._snapshots) >= self._snapshots_max:
                self._forget_ended()
            self._snapshots.append(ref(snapshot))
            return snapshot

    def _forget_ended(self) -> None:
        """Look through the snapshots for those that are no more; under the lock."""
        self._snapshots_max = (
            sys.maxsize
        )  # a signal handler in the middle of this only adds its own
        try:
            count = len(self._snapshots)
            living = [known for known in self._snapshots[:count] if known() is not None]
            self._snapshots[:count] = living
        finally:
            self._snapshots_max = _SNAPSHOTS_MIN + 2 * len(self._snapshots)

    def commit(self, batch: Batch) -> None:
        """See `Store`."""
        with self._lock:
            self._check_open()
            known = list(self._snapshots)
            readers = [each for each in [noted() for noted in known] if each is not None]
            for table, changes in batch.changes.items():
                held = self._tables[table]
                for reader in readers:
                    reader._keep(table, held, changes)
                for key, value in changes.items():
                    if value is None:
                        held.pop(key, None)
                    else:
                        held[key] = value

    def sizes(self) -> Mapping[Table, TableSize]:
        """See `Store`."""
        with self._lock:
            return {
                table: TableSize(len(held), sum(len(k) + len(v) for k, v in held.items()))
                for table, held in self._tables.items()
            }

    def file_size(self) -> FileSize:
        """See `Store`: there is none."""
        return FileSize(0, 0)

    def close(self) -> None:
        """See `Store`."""
        self._is_closed = True

    def _check_open(self) -> None:
        if self._is_closed:
            raise ClosedError("the chain is closed")


class MemorySnapshot:
    """A `MemoryStore` as it was: its dictionaries, and what these had where they have changed."""

    def __init__(self, tables: dict[Table, dict[bytes, bytes]], lock: threading.RLock) -> None:
        self._tables: dict[Table, dict[bytes, bytes]] | None = tables
        self._lock = lock
        self._before: dict[Table, dict[bytes, bytes | None]] = {}

    def get(self, table: Table, key: bytes) -> bytes | None:
        """See `Snapshot`."""
        with self._lock:
            before = self._before.get(table)
            if before is not None and key in before:
                return before[key]
            return self._held(table).get(key)

    def items(self, table: Table, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """See `Snapshot`."""
        with self._lock:
            found: dict[bytes, bytes | None] = {**self._held(table)}
            found |= self._before.get(table, {})
            keys = sorted(found)
        for key in keys[bisect_left(keys, prefix) :]:
            if not key.startswith(prefix):
                return
            value = found[key]
            if value is not None:
                yield key, value

    def close(self) -> None:
        """See `Snapshot`."""
        with self._lock:
            self._tables = None
            self._before = {}

    def _held(self, table: Table) -> dict[bytes, bytes]:
        if self._tables is None:
            raise ClosedError("the snapshot is closed")
        return self._tables[table]

    def _keep(
        self, table: Table, held: Mapping[bytes, bytes], changes: Mapping[bytes, bytes | None]
    ) -> None:
        """Remember what ``held`` has where it is about to change; under the lock."""
        if self._tables is None:
            return
        before = self._before.setdefault(table, {})
        for key in changes:
            if key not in before:
                before[key] = held.get(key)
