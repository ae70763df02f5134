"""The working state: what blocks run on. It stands after one block, and goes from there to others.

One thread at a time moves it; the state after a block that it has stood at is read from anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from blockstm.chain.blocks import Blocks
from blockstm.chain.store import Batch, Store
from blockstm.ethereum import Account, AccountState, Block, StateTrie, state_root
from blockstm.ethereum.execution.state_roots import trie_of
from blockstm.state.changes import AccountChanges, RecordedChanges
from blockstm.types import Address, Hash32

__all__ = ["MemoryWorking", "WorkingState"]


class WorkingState(Protocol):
    """What a `Chain` needs of it. `MemoryWorking` has it in memory."""

    @property
    def state(self) -> Any:
        """What `blockstm.execute_block` takes: the state after the block ``at``."""

    @property
    def at(self) -> Hash32:
        """The hash of the block after which it stands."""

    def advance(self, block_hash: Hash32, writes: AccountChanges) -> RecordedChanges:
        """Go on to the state after a block that ran on this one; what takes it back."""

    def move(self, block_hash: Hash32, changes: RecordedChanges) -> None:
        """Go to the state after another block, which is this one with ``changes``."""

    def read_ahead(self, block: Block) -> None:
        """Read what a block is going to need, from any thread; what cannot be read is left."""

    def read_touched(self, addresses: bytes, slots: bytes) -> None:
        """Read accounts, and slots with their addresses, one behind the other; likewise."""

    def read_changed_ahead(self, changes: RecordedChanges) -> None:
        """Read what a block changed, which the next ones may need; likewise."""

    def trie(self, block_hash: Hash32) -> StateTrie | None:
        """The tries after a block, not to be changed; None where they are not at hand."""

    def forget(self, block_hash: Hash32) -> None:
        """No longer have the tries after a block at hand."""

    def flat_root(self, tell: Callable[[str], None]) -> Hash32:
        """The root computed anew from all accounts and slots; no trie is asked.

        ``tell`` is called with a sentence for each node kept beside them that is not theirs.

        Raises:
            StoreError: one of them cannot be read.
        """

    def start(self, blocks: Blocks, head: Hash32) -> tuple[Hash32, StateTrie] | None:
        """A block whose tries are at hand, and these: those of others follow from it.

        Args:
            blocks: the chain as it is seen.
            head: the last of these blocks.
        """

    @property
    def stored(self) -> Hash32 | None:
        """The block whose state the store has; None where it keeps none."""

    def hit_rates(self) -> Mapping[str, float]:
        """See `Chain.hit_rates`."""

    @property
    def pending_bytes(self) -> int:
        """Memory that goes once the state is stored, or may go."""

    def commit(self, batch: Batch, *, with_state: bool) -> None:
        """Make a batch durable; with the state where this stands, if that is wanted.

        Raises:
            StoreError: see `blockstm.chain.store.Store.commit`.
        """

    def follow(self) -> None:
        """Read from what the last commit wrote, which is durable whatever this raises."""

    def close(self) -> None:
        """Nobody goes on from here; what reads it does."""


class MemoryWorking:
    """An `AccountState`, and the tries after each block, which share what they have in common."""

    stored: Hash32 | None = None
    pending_bytes = 0

    def __init__(
        self,
        store: Store,
        accounts: Mapping[Address, Account],
        at: Hash32,
        workers: int | None = None,
    ) -> None:
        self._store = store
        self.state = AccountState(accounts)
        self.at = at
        self._workers = workers
        self._tries: dict[Hash32, StateTrie] = {at: self._trie_now()}

    def _trie_now(self) -> StateTrie:
        trie = trie_of(self.state, self._workers)
        assert trie is not None  # the state is complete
        return trie

    def advance(self, block_hash: Hash32, writes: AccountChanges) -> RecordedChanges:
        """See `WorkingState`."""
        undo = self.state.apply(writes, undo=True)
        self.at = block_hash
        self._tries[block_hash] = self._trie_now()
        return RecordedChanges(undo.records, {})

    def move(self, block_hash: Hash32, changes: RecordedChanges) -> None:
        """See `WorkingState`."""
        known = self._tries.get(block_hash)
        if known is not None:
            self.state.keep_tries_after(self._trie_now(), changes, known)
        self.state.apply(changes)
        self.at = block_hash
        if known is None:
            self._tries[block_hash] = self._trie_now()

    def read_ahead(self, block: Block) -> None:
        """See `WorkingState`: it is in memory."""

    def read_touched(self, addresses: bytes, slots: bytes) -> None:
        """See `WorkingState`: it is in memory."""

    def read_changed_ahead(self, changes: RecordedChanges) -> None:
        """See `WorkingState`: it is in memory."""

    def trie(self, block_hash: Hash32) -> StateTrie | None:
        """See `WorkingState`."""
        return self._tries.get(block_hash)

    def forget(self, block_hash: Hash32) -> None:
        """See `WorkingState`."""
        if block_hash != self.at:
            self._tries.pop(block_hash, None)

    def flat_root(self, tell: Callable[[str], None]) -> Hash32:
        """See `WorkingState`."""
        return state_root(self.state.accounts())

    def hit_rates(self) -> Mapping[str, float]:
        """See `Chain.hit_rates`: it is in memory."""
        return {}

    def start(self, blocks: Blocks, head: Hash32) -> tuple[Hash32, StateTrie] | None:
        """See `WorkingState`."""
        trie = self._tries.get(head)
        return None if trie is None else (head, trie)

    def commit(self, batch: Batch, *, with_state: bool) -> None:
        """See `WorkingState`: the state is in memory, and in no table."""
        self._store.commit(batch)

    def follow(self) -> None:
        """See `WorkingState`: nothing is read from the store."""

    def close(self) -> None:
        """See `WorkingState`: there is nothing to release."""
