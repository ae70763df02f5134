"""The working state of a chain on disk: what the store has, with what is not durable yet on top."""

from __future__ import annotations

from blockstm._native.store.disk_state import SnapshotNodes
from blockstm.chain.disk_state import DiskState
from blockstm.chain.flat import flat_root
from blockstm.chain.mdbx_store import PLACES, MdbxStore
from blockstm.chain.store import Batch, Table
from blockstm.ethereum import StateTrie
from blockstm.state.changes import AccountChanges, RecordedChanges
from blockstm.types import Hash32

__all__ = ["DiskWorking", "trie_in"]


def trie_in(store: MdbxStore, root: bytes, workers: int | None = None) -> StateTrie:
    """The tries of the state that a store has now: nodes are read when they are needed.

    They stay as they are, whatever is committed later.

    Args:
        store: of this or of another process that writes to it.
        root: of that state.
        workers: threads that share what is long; by default as many as there are usable cores.

    Raises:
        StoreError: the store cannot be read; `StoreDamaged` also later, from what reads the tries.
    """
    tables = (PLACES[Table.ACCOUNT_NODES], PLACES[Table.STORAGE_NODES])
    return StateTrie(root, source=SnapshotNodes(store.database, tables=tables), workers=workers)


class DiskWorking:
    """See `blockstm.chain.working.WorkingState`.

    What is committed is the state where it stands, so it has to stand at the head then.

    Args:
        store: where the state is.
        at: the hash of the block whose state the store has.
        root: the root of that state.
        cache_bytes, workers: see `DiskState`.

    Raises:
        StoreError: the store cannot be read.
    """

    follows_head = True

    def __init__(
        self,
        store: MdbxStore,
        at: Hash32,
        root: Hash32,
        *,
        cache_bytes: int = 256 << 20,
        workers: int | None = None,
    ) -> None:
        self.state = DiskState(store, root, cache_bytes=cache_bytes, workers=workers)
        self.at = at
        self._store = store
        self._workers = workers
        self._stored: dict[Hash32, StateTrie] = {at: trie_in(store, root, workers)}

    def advance(self, block_hash: Hash32, writes: AccountChanges) -> RecordedChanges:
        """See `WorkingState`."""
        undoing = self.state.apply(writes)
        self.at = block_hash
        return RecordedChanges(undoing, {})

    def move(self, block_hash: Hash32, changes: RecordedChanges) -> None:
        """See `WorkingState`."""
        self.state.apply(changes)
        self.at = block_hash

    def trie(self, block_hash: Hash32) -> StateTrie | None:
        """See `WorkingState`: those after the last block that is durable, and the one before."""
        return self._stored.get(block_hash)

    def forget(self, block_hash: Hash32) -> None:
        """See `WorkingState`: none but the last are at hand."""

    def flat_root(self) -> Hash32:
        """See `WorkingState`."""
        return flat_root(self._store.snapshot())

    def commit(self, batch: Batch) -> None:
        """Make a batch durable, together with the state where this stands, which is the head.

        Raises:
            StoreError: it could not be written; nothing was, and it may be tried again.
        """
        self.state.commit(batch)
        last = dict(list(self._stored.items())[-1:])
        self._stored = last | {self.at: trie_in(self._store, self.state.root, self._workers)}
