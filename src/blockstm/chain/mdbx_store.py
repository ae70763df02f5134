"""A store on disk, by libmdbx: one folder, one process that writes, any number that read."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Self
from weakref import WeakSet

from blockstm._native.store.database import Database, DatabaseSnapshot
from blockstm.chain.mdbx_library import load_mdbx
from blockstm.chain.store import Batch, FileSize, Table, TableSize
from blockstm.chain.warming import Warming
from blockstm.errors import StoreDamaged, StoreError, StoreFull, StoreLocked
from blockstm.messages import brief

__all__ = ["PLACES", "MdbxSnapshot", "MdbxStore", "has_data"]

_DATA_FILE: Final = "mdbx.dat"
_LOCK_FILE: Final = "writer.lock"
_DATA_SIZE_MIN: Final = 3 * 4096
"""Bytes of the pages that libmdbx writes first: over a file that has fewer it begins anew."""
PLACES: Final = {table: place for place, table in enumerate(Table)}
"""The place of each table, which checksums are made with: new ones only ever go to the end."""


class MdbxStore:
    """The tables of a folder; see `blockstm.chain.store.Store`.

    Every value is kept with a checksum, and that a key is absent is told by its neighbours: what
    the disk has turned into something else is `StoreDamaged`, which names table and key, and never
    a value or an absence.

    Thread-safety: any thread may use it; nothing waits for a reader, commits take turns. A forked
    child has to open the folder itself: `ForkedError`.
    """

    def __init__(self, database: Database, lock: int | None, *, warm_up: bool = True) -> None:
        self._database = database
        self._may_warm_up = warm_up
        self._lock = lock  # file descriptor
        self._warming = Warming(database)
        _STORES.add(self)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        read_only: bool = False,
        size_max: int = 1 << 40,
        warm_up: bool = True,
    ) -> Self:
        """Open a folder, which is made where it is not there.

        Args:
            path: of the folder.
            read_only: for as many processes as like to, beside the one that writes.
            size_max: the most that the data may come to, in bytes; so much address space is taken.
            warm_up: whether the file may be brought into memory as a whole.

        Raises:
            MissingExtra: libmdbx is not installed.
            StoreLocked: another process, or this one, has opened it to write.
            StoreFull: there is no room to make it.
            StoreDamaged: what is there is not what was written.
            StoreError: it cannot be opened for another reason.
        """
        load_mdbx()
        folder = Path(path)
        _check_file(folder)
        lock = None if read_only else _locked(folder)
        try:
            names = tuple(table.value for table in Table)
            database = Database(str(folder), names, read_only=read_only, size_max=size_max)
        except BaseException:
            if lock is not None:
                os.close(lock)
            raise
        return cls(database, lock, warm_up=warm_up)

    @property
    def database(self) -> Database:
        """The native tables, for what reads and writes them below Python."""
        return self._database

    def snapshot(self) -> MdbxSnapshot:
        """See `blockstm.chain.store.Store`."""
        return MdbxSnapshot(self._database.snapshot())

    def commit(self, batch: Batch) -> None:
        """See `blockstm.chain.store.Store`."""
        self._database.commit({PLACES[table]: changes for table, changes in batch.changes.items()})

    def sizes(self) -> Mapping[Table, TableSize]:
        """See `blockstm.chain.store.Store`: the bytes are those of the pages on disk."""
        snapshot = self._database.snapshot()
        try:
            sizes = snapshot.sizes()
        finally:
            snapshot.close()
        return {table: TableSize(*sizes[place]) for table, place in PLACES.items()}

    def file_size(self) -> FileSize:
        """See `blockstm.chain.store.Store`."""
        snapshot = self._database.snapshot()
        try:
            page_size, used, free = snapshot.page_counts()
        finally:
            snapshot.close()
        return FileSize(used * page_size, free * page_size)

    def warm_up(self) -> None:
        """Begin to bring the file into memory, once, where it may and there is room. Any thread."""
        if self._may_warm_up:
            self._warming.begin()

    def close(self) -> None:
        """See `blockstm.chain.store.Store`."""
        self._database.close()
        try:
            self._warming.wait()
        finally:  # Ctrl-C may come while it waits
            self._unlock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_warming"):
            self._warming.release()  # else it would keep the folder open until it is done
        self._unlock()

    def _unlock(self) -> None:
        """Let another process write, though a child forked just now may still have its copy."""
        lock = getattr(self, "_lock", None)
        if lock is not None:
            fcntl.flock(lock, fcntl.LOCK_UN)
        self._release()

    def _release(self) -> None:
        """Close this process's copy of the lock; it is free where all are closed."""
        lock, self._lock = getattr(self, "_lock", None), None
        if lock is not None:
            os.close(lock)


class MdbxSnapshot:
    """A store as it was; see `blockstm.chain.store.Snapshot`."""

    __slots__ = ("native",)

    def __init__(self, native: DatabaseSnapshot) -> None:
        self.native = native

    def get(self, table: Table, key: bytes) -> bytes | None:
        """See `blockstm.chain.store.Snapshot`."""
        return self.native.get(PLACES[table], key)

    def items(self, table: Table, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """See `blockstm.chain.store.Snapshot`."""
        return self.native.items(PLACES[table], prefix)

    def close(self) -> None:
        """See `blockstm.chain.store.Snapshot`."""
        self.native.close()


def has_data(folder: Path) -> bool:
    """Whether a folder has a store's file, or cannot tell, as who opens it is told."""
    try:
        (folder / _DATA_FILE).stat()
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True
    return True


def _check_file(folder: Path) -> None:
    """Check that libmdbx would not take what is there for nothing, as it does with a cut file.

    Raises:
        StoreDamaged: it would.
        StoreError: there is something else than a folder.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise StoreError(f"{folder} cannot be opened: it is no folder")
        size = (folder / _DATA_FILE).stat().st_size
    except OSError:  # it is not there, or opening it tells
        return
    except ValueError as error:  # a NUL in its name
        raise StoreError(f"{brief(str(folder))} cannot be opened: {error}") from error
    if 0 < size < _DATA_SIZE_MIN:
        raise StoreDamaged(
            f"{folder / _DATA_FILE} ends after {size} bytes: it was cut, and what it held is lost; "
            "remove it, and import the blocks again"
        )


def _locked(folder: Path) -> int:
    """The file descriptor that holds the folder's lock as long as it is open."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        _take(lock, folder)
        _write_holder(lock, folder)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _take(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(lock, 32).decode("ascii", "replace").strip() or "unknown"
        raise StoreLocked(
            f"{folder} is open in the process {holder}, which writes to it; open it with"
            " read_only=True, or close it there"
        ) from error


def _write_holder(lock: int, folder: Path) -> None:
    """Have the lock say which process holds it."""
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> StoreError:
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return (StoreFull if is_full else StoreError)(f"{folder} cannot be opened to write: {error}")


_STORES: WeakSet[MdbxStore] = WeakSet()


def _release_in_child() -> None:
    """Else the child would hold the lock on after the parent has closed its store."""
    for store in list(_STORES):
        store._release()


os.register_at_fork(after_in_child=_release_in_child)
