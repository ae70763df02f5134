"""The working state of a chain on disk: what the store has, with what is not durable yet on top."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from blockstm._native.store.snapshot_nodes import SnapshotNodes
from blockstm.chain.blocks import Blocks
from blockstm.chain.disk_state import DiskState
from blockstm.chain.flat import flat_root
from blockstm.chain.mdbx_store import PLACES, MdbxStore
from blockstm.chain.store import Batch, Table
from blockstm.ethereum import Block, StateTrie
from blockstm.ethereum.execution.senders import find_senders
from blockstm.ethereum.hints import touched_by
from blockstm.state.changes import AccountChanges, RecordedChanges
from blockstm.types import Hash32

__all__ = ["DiskWorking", "trie_in"]

_NODE_TABLES: Final = (Table.ACCOUNT_NODES, Table.STORAGE_NODES, Table.ACCOUNTS, Table.SLOTS)


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
    return StateTrie(root, source=_nodes_in(store), workers=workers)


def _nodes_in(store: MdbxStore) -> SnapshotNodes:
    return SnapshotNodes(store.database, tables=tuple(PLACES[table] for table in _NODE_TABLES))


class DiskWorking:
    """See `blockstm.chain.working.WorkingState`.

    What is committed with the state is the state where it stands, so it has to stand at the head
    then.

    Args:
        store: where the state is.
        at: the hash of the block whose state the store has.
        root: the root of that state.
        cache_bytes, workers: see `DiskState`.

    Raises:
        StoreError: the store cannot be read.
    """

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
        self._written: bool | None = None  # whether with the state, until it is followed
        self.note_stored(at, root)

    @property
    def stored(self) -> Hash32 | None:
        """See `WorkingState`."""
        return self._stored[0]

    @property
    def pending_bytes(self) -> int:
        """See `WorkingState`."""
        return self.state.pending_bytes

    def hit_rates(self) -> Mapping[str, float]:
        """See `Chain.hit_rates`."""
        stats = self.state.stats
        kinds = {"accounts": "account", "slots": "slot", "codes": "code", "nodes": "node"}
        counts = {
            kind: (stats[f"{name}_hits"], stats[f"{name}_misses"]) for kind, name in kinds.items()
        }
        return {
            kind: hits / (hits + misses) for kind, (hits, misses) in counts.items() if hits + misses
        }

    def advance(self, block_hash: Hash32, writes: AccountChanges) -> RecordedChanges:
        """See `WorkingState`."""
        undoing = self.state.apply(writes)
        self.at = block_hash
        return RecordedChanges(undoing, {})

    def move(self, block_hash: Hash32, changes: RecordedChanges) -> None:
        """See `WorkingState`."""
        self.state.apply(changes)
        self.at = block_hash

    def read_ahead(self, block: Block) -> None:
        """See `WorkingState`: what is read is in the cache then."""
        known = find_senders(block.transaction_list, 1, high_s_allowed=False)
        addresses, slots = block.transaction_list.named_locations()
        paid = [each.address for each in block.withdrawals or ()]
        senders = [sender for sender in known if sender is not None]
        self.read_touched(b"".join([*senders, addresses, *paid, block.header.coinbase]), slots)
        if block.access_list is not None:
            self.read_touched(*touched_by(block.access_list))

    def read_touched(self, addresses: bytes, slots: bytes) -> None:
        """See `WorkingState`."""
        self.state.read_ahead(addresses, slots)

    def read_changed_ahead(self, changes: RecordedChanges) -> None:
        """See `WorkingState`."""
        self.state.read_changed_ahead(changes.records)

    def trie(self, block_hash: Hash32) -> StateTrie | None:
        """See `WorkingState`: those of the block whose state the store has."""
        stored, trie = self._stored
        return trie if stored == block_hash else None

    def start(self, blocks: Blocks, head: Hash32) -> tuple[Hash32, StateTrie]:
        """See `WorkingState`."""
        return self._stored

    def forget(self, block_hash: Hash32) -> None:
        """See `WorkingState`: none but the last are at hand."""

    def flat_root(self, tell: Callable[[str], None]) -> Hash32:
        """See `WorkingState`."""
        return flat_root(self._store.snapshot(), tell)

    def commit(self, batch: Batch, *, with_state: bool) -> None:
        """See `WorkingState`; where it could not be written, it may be tried again."""
        if with_state:
            self.state.commit(batch)
        else:
            self._store.commit(batch)
        self._written = with_state

    def close(self) -> None:
        """See `WorkingState`."""
        self.state.close()

    def follow(self) -> None:
        """See `WorkingState`."""
        with_state, self._written = self._written, None
        if with_state:
            self.note_stored(self.at, self.state.root)
        elif with_state is not None:
            self.note_same()

    def note_stored(self, block_hash: Hash32, root: Hash32) -> None:
        """Know that the store has the state after another block."""
        self._nodes = _nodes_in(self._store)
        self._stored = block_hash, StateTrie(root, source=self._nodes, workers=self._workers)

    def note_same(self) -> None:
        """Know that the store has changed, and the state that it has is the same.

        What goes on reading as of an earlier commit keeps the pages that were left since: then the
        file grows by all that commits rewrite, instead of by what they add.
        """
        self.state.renew()
        self._nodes.renew()
