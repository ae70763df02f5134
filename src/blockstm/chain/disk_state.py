"""The state at the head of a chain on disk: blocks run on it natively, and move it on.

Workers read accounts, slots and codes below Python: from what was applied and is not durable yet,
then from a cache, then from the store. The root follows from the nodes on the paths to what
changed. See `blockstm._native.store.disk_state`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Final

from blockstm._native.base.packed import PackedWrites
from blockstm._native.state.account_records import records_on_native
from blockstm._native.state.locations import LOCATION_VALUES, LOCATIONS
from blockstm._native.store.disk_state import Collected
from blockstm._native.store.disk_state import DiskState as NativeState
from blockstm._native.store.paging import PagesAhead
from blockstm.chain.mdbx_store import PLACES, MdbxStore
from blockstm.chain.store import Batch, Table
from blockstm.chain.warming import pages_waited_for
from blockstm.cores import usable_cores
from blockstm.errors import StoreError
from blockstm.messages import brief
from blockstm.state.account import EMPTY_CODE_HASH
from blockstm.state.changes import AccountChanges, changes_of, records_and_codes
from blockstm.state.protocol import AccountInfo
from blockstm.types import Hash32

__all__ = ["DiskState"]

_TABLES: Final = (
    Table.ACCOUNTS,
    Table.SLOTS,
    Table.CODES,
    Table.ACCOUNT_NODES,
    Table.STORAGE_NODES,
)
_ADDRESS_SIZE: Final = 20
_FIELD_SIZE: Final = 21
"""A field of an account as a key: see `blockstm._native.state.locations`."""
_SLOT_SIZE: Final = 52
_WAITS_MIN: Final = 8
"""Pages: fewer that a block waits for are not worth threads."""


class DiskState:
    """The state of a store, and what was applied on top of it since the last `commit`.

    Where blocks run ahead of their roots, accounts and tries are changed apart: `apply_ahead`
    changes the accounts, that the next block runs on, and `follow` the tries, in another thread;
    `freeze`, `collect`, `write` and `adopt` are the steps of `commit`.

    ``blockstm.execute_block(block, state, vm="evm")`` takes it as it takes an `AccountState`:
    native transactions read it without the GIL, and the state root is checked. While a block runs
    on it, changing it is refused with `UsageError`. What cannot be read ends the block with
    `StateError`, whose ``__cause__`` is the `StoreError`.

    Thread-safety: any thread may read; changes exclude each other and blocks that run on it.

    Args:
        store: where it is kept.
        root: of the state that the store holds.
        cache_bytes: for what was read or written lately: half of it for accounts and slots, half
            for nodes of the tries.
        workers: threads that read at once and share the computation of a root; by default as many
            as there are usable cores.

    Raises:
        StoreError: the store cannot be read.
    """

    partial = False

    def __init__(
        self,
        store: MdbxStore,
        root: bytes,
        *,
        cache_bytes: int = 256 << 20,
        workers: int | None = None,
    ) -> None:
        self._workers = workers or usable_cores()
        self._store = store
        places = tuple(PLACES[table] for table in _TABLES)
        self._pages = PagesAhead(store.database, tables=places)
        self._waits = False  # whether pages that were read lately had to come from the disk
        self._native = NativeState(
            store.database,
            root,
            tables=places,
            cache_bytes=cache_bytes // 2,
            node_bytes=cache_bytes // 2,
            readers=self._workers + 1,
        )

    # ---- reading

    @property
    def root(self) -> Hash32:
        """The root of the state, with everything that was applied."""
        return Hash32(self._native.root)

    def get(self, key: Any, default: Any = None) -> Any:
        """The value at a location, ``default`` where there is none.

        Raises:
            InputError: it is no location of an account.
            StoreError: it cannot be read.
        """
        data = self._native.read(LOCATIONS.encode(key))
        return default if data is None else LOCATION_VALUES.decode_at(key, data)

    def account(self, address: bytes) -> AccountInfo | None:
        """The account at an address; None where there is none."""
        balance = self.get((address, "balance"), 0)
        nonce = self.get((address, "nonce"), 0)
        code_hash = self.get((address, "code_hash"), EMPTY_CODE_HASH)
        is_named = nonce or code_hash != EMPTY_CODE_HASH
        if not (balance or is_named or self.get((address, "recorded"))):
            return None
        has_storage = not is_named and bool(self.get((address, "stored")))
        return AccountInfo(balance, nonce, Hash32(code_hash), has_storage)

    def storage(self, address: bytes, slot: int) -> int:
        """The value at a slot of an account; 0 where none was written."""
        value: int = self.get((address, "storage", 0, slot), 0)
        return value

    def code(self, code_hash: bytes) -> bytes:
        """The code with this hash.

        Raises:
            LookupError: no account has it.
        """
        code: bytes | None = b"" if code_hash == EMPTY_CODE_HASH else self.get(("code", code_hash))
        if code is None:
            raise LookupError(f"the state has no code with the hash {brief(code_hash)}")
        return code

    def prefetch(self, keys: Iterable[Any]) -> None:
        """Read locations into the cache, as the state's ``get`` takes them."""
        encoded = [LOCATIONS.encode(key) for key in keys]
        self.read_ahead(
            b"".join(each[:_ADDRESS_SIZE] for each in encoded if len(each) == _FIELD_SIZE),
            b"".join(each for each in encoded if len(each) == _SLOT_SIZE),
        )

    def read_ahead(self, addresses: bytes, slots: bytes = b"") -> None:
        """Read accounts with their codes, and slots, into the cache.

        What cannot be read is left to who needs it.

        Args:
            addresses: 20 bytes each, one behind the other.
            slots: address and slot, 52 bytes each.
        """
        if self._waits:
            self._waits = self._touched(self._pages.touch, addresses, slots) >= _WAITS_MIN
        with self._noting_waits():
            self._native.prefetch(addresses, slots)

    def read_changed_ahead(self, records: bytes) -> None:
        """The same with the accounts and slots that changes are of, given as flat records."""
        if self._waits:
            self._touched(self._pages.touch_changed, records)
        with self._noting_waits():
            self._native.prefetch_changed(records)

    def _touched(self, touch: Callable[..., int], *expected: bytes) -> int:
        """For how many pages the disk was waited for; 0 where they cannot be read."""
        with suppress(StoreError):
            return touch(*expected)
        return 0

    @contextmanager
    def _noting_waits(self) -> Iterator[None]:
        """Where the disk is waited for, what follows is asked of it many pages at a time."""
        before = pages_waited_for()
        yield
        with suppress(MemoryError):  # what was done is done
            if pages_waited_for() - before >= _WAITS_MIN:
                self._waits = True
                self._store.warm_up()

    @property
    def pending_bytes(self) -> int:
        """Memory of what the store does not have yet, and of nodes of the tries."""
        return self._native.pending_bytes

    @property
    def stats(self) -> Mapping[str, int]:
        """Reads answered from memory and by the store, and memory taken, in bytes, so far.

        ``account``, ``slot``, ``code`` and ``node``, each with ``_hits`` and ``_misses``: of nodes
        those that the ways into the tries have led through count; ``node_bytes``, and
        ``node_pool_bytes`` with the room that is kept for them; ``pending_bytes``.
        """
        return self._native.stats

    # ---- changing

    def root_after(self, writes: Mapping[Any, Any]) -> Hash32:
        """The root of the state with a block's writes on top; the state stays as it is."""
        records, _ = self._records_and_codes(writes)
        return Hash32(self._native.root_after(writes, records, self._workers))

    def close(self) -> None:
        """Release the tries of `root_after`, which have this state as it has them."""
        self._native.plan(None)

    def apply(self, writes: Mapping[Any, Any]) -> bytes:
        """Make a block's writes part of the state: the records that take them back.

        Args:
            writes: ``ExecutedBlock.writes``; address → `AccountChange`; or location → value.

        Raises:
            StoreError: what they change cannot be read; the state is as it was.
            UsageError: a block is running on the state; it is as it was.
        """
        records, codes = self._records_and_codes(writes)
        return self.apply_records(records, codes, writes)

    def apply_records(
        self, records: bytes, codes: Mapping[bytes, bytes] | None = None, writes: object = None
    ) -> bytes:
        """The same, with changes as flat records (`_native/trie/account.hpp`) and codes by hash."""
        if self._waits:
            self._waits = self._touched(self._pages.touch_changed, records) >= _WAITS_MIN
        with self._noting_waits():
            return self._native.apply(writes, records, dict(codes or {}), self._workers)

    def commit(self, batch: Batch) -> None:
        """Make everything that was applied durable, together with a batch, or nothing.

        Raises:
            StoreError: it could not be written; it may be tried again.
            UsageError: a block is running on the state.
        """
        self._native.commit(_places(batch))

    def _records_and_codes(self, writes: Mapping[Any, Any]) -> tuple[bytes, dict[bytes, bytes]]:
        if not isinstance(writes, AccountChanges):
            if not any(isinstance(key, tuple) for key in writes):
                return records_and_codes(writes)
            writes = changes_of(writes, self)
        return writes.records, dict(writes.codes)

    # ---- changing in two steps

    def apply_ahead(self, writes: AccountChanges) -> bytes:
        """`apply` to the accounts alone: the records that take it back.

        Raises:
            StoreError, UsageError: see `apply`.
        """
        return self._native.apply_ahead(writes.records, dict(writes.codes))

    def follow(self, records: bytes, root: Hash32 | None = None) -> Hash32:
        """Take the tries over what `apply_ahead` changed, in the same order: the root they have.

        Where that is not ``root``, if one is given, the tries stay as they are. One thread at a
        time.

        Raises:
            StoreError: a node cannot be read; the tries stay as they are.
        """
        if self._waits:
            self._touched(self._pages.touch_changed, records)
        return Hash32(self._native.follow(records, root, self._workers))

    def freeze(self) -> None:
        """Set apart what was applied so far, which is what `collect` finds.

        Raises:
            UsageError: a block is running on the state.
        """
        self._native.freeze()

    def collect(self) -> Collected:
        """What the store lacks of what is frozen; the tries stand where the accounts stood then."""
        return self._native.collect()

    def write(self, found: Collected, batch: Batch) -> None:
        """Make it durable, together with a batch, or nothing. Then comes `adopt`, else `thaw`.

        Raises:
            StoreError: it could not be written.
        """
        self._native.write(found, _places(batch))

    def adopt(self) -> None:
        """Read from the store what was written.

        Raises:
            UsageError: a block is running on the state.
        """
        self._native.adopt()

    def renew(self) -> None:
        """Know that the store has changed, and none of its accounts, slots and nodes."""
        self._native.renew()

    def thaw(self, found: Collected | None) -> None:
        """Have what was not written be part of what is written next."""
        self._native.thaw(found)

    # ---- for the executor

    def without_root(self) -> RootlessState:
        """The same state for blocks whose roots are compared later."""
        return RootlessState(self)

    def records_of(self, writes: PackedWrites) -> bytes:
        """The changes of a block's writes to this state, as flat records."""
        with self._pin():
            records = records_on_native(writes, self.__blockstm_state__())
        if records is None:
            raise self._read_error()
        return records

    def __blockstm_state__(self) -> object:
        return self._native.__blockstm_state__()

    def _pin(self) -> AbstractContextManager[object]:
        return self._native._pin()

    def _read_error(self) -> Exception:
        """What a worker could not read, as the cause of the block's `StateError`."""
        return self._native.read_error()

    def _resolve_before_changing(self, changes: AccountChanges) -> None:
        """The changes ask the state at once: it may move on before they are read."""
        changes.resolve()


class RootlessState:
    """A `DiskState` that does not tell the root after a block: executing one compares none.

    Thread-safety: that of the state.
    """

    partial = False

    def __init__(self, state: DiskState) -> None:
        self._state = state
        self.get: Callable[..., Any] = state.get
        self.prefetch: Callable[[Iterable[Any]], None] = state.prefetch
        self.records_of: Callable[[PackedWrites], bytes] = state.records_of

    def __blockstm_state__(self) -> object:
        return self._state.__blockstm_state__()

    def _pin(self) -> AbstractContextManager[object]:
        return self._state._pin()

    def _read_error(self) -> Exception:
        return self._state._read_error()

    def _resolve_before_changing(self, changes: AccountChanges) -> None:
        changes.resolve()


def _places(batch: Batch) -> dict[int, Mapping[bytes, bytes | None]]:
    return {PLACES[table]: each for table, each in batch.changes.items()}
