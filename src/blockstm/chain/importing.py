"""Blocks imported: executed and verified on the state after their parent, staged, made durable.

For one thread at a time; `Chain` sees to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from blockstm.chain.blocks import Blocks
from blockstm.chain.encodings import decode_number, encode_number
from blockstm.chain.interruption import Uninterrupted
from blockstm.chain.staging import HEAD, OLDEST, Staging
from blockstm.chain.states import HASHES, BlockHashes
from blockstm.chain.store import Store, Table
from blockstm.chain.working import WorkingState
from blockstm.errors import UnknownBlock, UnknownParent
from blockstm.ethereum import Block, ExecutedBlock, Header, Reason, Receipt
from blockstm.ethereum import Chain as Spec
from blockstm.ethereum.execution.senders import find_senders
from blockstm.ethereum.rules.reasons import Violation
from blockstm.executor import Executor
from blockstm.state.changes import RecordedChanges
from blockstm.types import Address, Hash32
from blockstm.vm.forks import HOMESTEAD

__all__ = ["Head", "ImportedBlock", "Importer"]

_OMMER_DEPTH: Final = 7
_STAGED_MAX: Final = 256
"""Blocks that one batch makes durable, at most."""
_STAGED_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Head:
    """The block that the chain ends with.

    Attributes:
        hash, header: of it.
        total_difficulty: of all blocks up to and with it.
    """

    hash: Hash32
    header: Header
    total_difficulty: int

    @property
    def number(self) -> int:
        """The block's number."""
        return self.header.number


@dataclass(frozen=True, slots=True)
class ImportedBlock:
    """What importing a block came to.

    Attributes:
        block: what was imported.
        hash: of it.
        is_head: whether it is the head since then.
        executed: what it did; None where the chain had it already.
    """

    block: Block
    hash: Hash32
    is_head: bool
    executed: ExecutedBlock | None

    @property
    def number(self) -> int:
        """The block's number."""
        return self.block.header.number

    @property
    def receipts(self) -> Sequence[Receipt]:
        """Its receipts; none where the chain had it already."""
        return () if self.executed is None else self.executed.receipts


class Importer:
    """The one writer of a chain.

    Attributes:
        head: after the last commit.
    """

    def __init__(
        self,
        store: Store,
        spec: Spec,
        working: WorkingState,
        executor: Executor,
        window: int | None,
    ) -> None:
        self._store = store
        self._spec = spec
        self._working = working
        self._executor = executor
        self._window = window
        self._uninterrupted = Uninterrupted()
        self._forgotten: list[Hash32] = []
        self._hashes: tuple[Hash32, dict[int, Hash32]] = (Hash32(b""), {})
        self._staging = Staging(store.snapshot())
        self.head = self._staged_head = head_of(self._staging.blocks)

    def close(self) -> None:
        """Make durable what is staged."""
        try:
            self.commit()
        finally:
            self._uninterrupted.close()

    # ---- one block

    def take(self, block: Block) -> ImportedBlock:
        """Execute and verify a block, and stage it.

        Raises:
            UnknownParent, PrunedState: see `Chain.import_block`.
            BlockError: it is invalid, or the state cannot be read; nothing was staged.
        """
        block_hash = block.header.hash
        blocks = self._staging.blocks
        if block.hash != block_hash:
            detail = f"its hash is 0x{block_hash.hex()}, and 0x{block.hash.hex()} is said to be"
            raise Violation(Reason.BLOCK_HASH, detail).error()
        if blocks.has(block_hash):
            return ImportedBlock(block, block_hash, self._is_head_again(block, block_hash), None)
        parent_hash = block.header.parent_hash
        parent = self._parent(blocks, block)
        self.stand_at(parent_hash)
        total_difficulty = blocks.total_difficulty(parent_hash)
        executed = self._executor.execute_block(
            block,
            self._working.state,
            "evm",
            chain=self._spec,
            parent=parent,
            ancestors=self._ancestors(blocks, parent_hash) if block.ommers else None,
            block_hashes=self._hashes_up_to(blocks, parent_hash, parent),
            total_difficulty=total_difficulty,
        )
        total_difficulty += block.header.difficulty
        is_head = self._uninterrupted.run(
            lambda: self._stage(block, block_hash, executed, total_difficulty)
        )
        return ImportedBlock(block, block_hash, is_head, executed)

    def take_executed(self, block: Block, executed: ExecutedBlock) -> ImportedBlock:
        """Stage a block on the head that was executed elsewhere, as what it says it did.

        Args:
            block: with the senders of its transactions.
            executed: with all that changes from the state after its parent to the one after it.
        """
        blocks = self._staging.blocks
        if blocks.has(block.hash):
            is_head = self._is_head_again(block, block.hash)
            return ImportedBlock(block, block.hash, is_head, executed)
        parent_hash = block.header.parent_hash
        self.stand_at(parent_hash)
        total_difficulty = blocks.total_difficulty(parent_hash) + block.header.difficulty
        senders = [sender for sender in block.senders if sender is not None]
        is_head = self._uninterrupted.run(
            lambda: self._stage_with(block, block.hash, executed, total_difficulty, senders)
        )
        return ImportedBlock(block, block.hash, is_head, executed)

    def _is_head_again(self, block: Block, block_hash: Hash32) -> bool:
        """Have a block that the chain has be its head if it stands on it; whether it is."""
        head = self._staged_head
        if block.header.parent_hash == head.hash:
            total_difficulty = head.total_difficulty + block.header.difficulty
            head = Head(block_hash, block.header, total_difficulty)
            self.stand_at(block_hash)
            self._uninterrupted.run(lambda: self._stage_head(head, block))
        return block_hash == head.hash

    def _parent(self, blocks: Blocks, block: Block) -> Header:
        parent_hash = block.header.parent_hash
        try:
            return blocks.header(parent_hash)
        except UnknownBlock:
            if not block.header.number:
                raise UnknownParent(
                    f"the genesis 0x{block.header.hash.hex()} is of another chain: this one begins "
                    f"with 0x{(blocks.canonical(0) or b'').hex()}",
                    parent_hash,
                ) from None
            raise UnknownParent(
                f"block {block.header.number} stands on 0x{parent_hash.hex()}, which the chain "
                "does not have: import that first",
                parent_hash,
            ) from None

    def _ancestors(self, blocks: Blocks, block_hash: Hash32) -> list[Block]:
        """The blocks before one that has ommers, its parent first."""
        found: list[Block] = []
        while len(found) < _OMMER_DEPTH:
            found.append(blocks.block(block_hash))
            if not found[-1].header.number:
                break
            block_hash = found[-1].header.parent_hash
        return found

    def _hashes_up_to(
        self, blocks: Blocks, block_hash: Hash32, header: Header
    ) -> Mapping[int, Hash32]:
        """The hashes of a block and of 255 before it; those of the last block's are at hand."""
        known_hash, known = self._hashes
        if known_hash != block_hash:
            if known_hash == header.parent_hash:
                known = {**known, int(header.number): block_hash}
                known.pop(int(header.number) - HASHES, None)
            else:
                known = dict(BlockHashes(blocks, block_hash, header))
            self._hashes = block_hash, known
        return known

    def _stage(
        self, block: Block, block_hash: Hash32, executed: ExecutedBlock, total_difficulty: int
    ) -> bool:
        """Stage a block that is valid; whether it is the head."""
        fork = self._spec.fork_at(
            block.header.number,
            block.header.timestamp,
            total_difficulty - block.header.difficulty,
        )
        known = find_senders(block.transactions, 1, high_s_allowed=fork < HOMESTEAD)
        senders = [sender for sender in known if sender is not None]
        return self._stage_with(block, block_hash, executed, total_difficulty, senders)

    def _stage_with(
        self,
        block: Block,
        block_hash: Hash32,
        executed: ExecutedBlock,
        total_difficulty: int,
        senders: list[Address],
    ) -> bool:
        staging = self._staging
        undoing = self._working.advance(block_hash, executed.writes)
        staging.put_block(block, block_hash, senders, total_difficulty)
        staging.put_results(block_hash, executed, undoing)
        head = Head(block_hash, block.header, total_difficulty)
        is_head = self._is_better(head)
        if is_head:
            self._stage_head(head, block)
        return is_head

    def _is_better(self, new: Head) -> bool:
        """Whether a new block becomes the head: on top of it, or before the merge by difficulty."""
        head = self._staged_head
        if new.header.parent_hash == head.hash:
            return True
        both_have_work = head.header.difficulty > 0 and new.header.difficulty > 0
        return both_have_work and new.total_difficulty > head.total_difficulty

    # ---- the head

    def set_head(self, block_hash: Hash32) -> Head:
        """Have a block of the chain be its head.

        Raises:
            UnknownBlock, PrunedState: see `Chain.set_head`.
        """
        self.commit()
        blocks = self._staging.blocks
        header = blocks.header(block_hash)
        if block_hash != self.head.hash:
            self.stand_at(block_hash)
            head = Head(block_hash, header, blocks.total_difficulty(block_hash))
            self._uninterrupted.run(lambda: self._stage_head(head, None))
            self.commit()
        return self.head

    def _stage_head(self, new: Head, block: Block | None) -> None:
        staging, blocks = self._staging, self._staging.blocks
        undone, done = blocks.path(self._staged_head.hash, new.hash)
        for block_hash in undone:
            staging.remove_canonical(blocks.block(block_hash))
        for block_hash in done:
            is_given = block is not None and block_hash == new.hash
            staging.put_canonical(
                block if is_given and block is not None else blocks.block(block_hash), block_hash
            )
        staging.put(Table.META, HEAD, new.hash)
        self._staged_head = new
        self._prune(new.header.number)

    def _prune(self, number: int) -> None:
        """Forget what is behind the window."""
        if self._window is None:
            return
        staging = self._staging
        oldest = decode_number(staging.get(Table.META, OLDEST) or bytes(8))
        wanted = max(oldest, number - self._window)
        for each in range(oldest + 1, wanted + 1):
            self._forgotten.extend(staging.prune(each))
        if wanted > oldest:
            staging.put(Table.META, OLDEST, encode_number(wanted))

    # ---- the working state

    def stand_at(self, block_hash: Hash32) -> None:
        """Take the working state to the state after a block.

        Raises:
            PrunedState: that is no longer possible; it stands where it stood.
        """
        if self._working.at == block_hash:
            return
        blocks = self._staging.blocks
        undone, done = blocks.path(self._working.at, block_hash)
        steps = [(blocks.header(each).parent_hash, blocks.undoing(each)) for each in undone]
        steps += [(each, blocks.doing(each)) for each in done]
        self._uninterrupted.run(lambda: self._move(steps))

    def _move(self, steps: Sequence[tuple[Hash32, RecordedChanges]]) -> None:
        for to, changes in steps:
            self._working.move(to, changes)

    # ---- durability

    @property
    def is_full(self) -> bool:
        """Whether what is staged is to be made durable before there is more."""
        batch = self._staging.batch.changes
        return len(batch[Table.HEADERS]) >= _STAGED_MAX or self._staging.seconds > _STAGED_SECONDS

    def commit(self) -> None:
        """Make durable what is staged.

        Raises:
            StoreError: it cannot be; the chain is as it was after the last commit.
        """
        if not self._staging.is_empty:
            self._uninterrupted.run(self._commit)

    def _commit(self) -> None:
        try:
            if self._working.follows_head:
                self.stand_at(self._staged_head.hash)
            self._working.commit(self._staging.batch)
        except BaseException:
            self._abandon()
            raise
        self._staging = Staging(self._store.snapshot())
        self.head = self._staged_head
        forgotten, self._forgotten = self._forgotten, []
        for block_hash in forgotten:
            self._working.forget(block_hash)

    def _abandon(self) -> None:
        """Go back to what is durable: the working state too, by what was staged."""
        self.stand_at(self.head.hash)
        self._staged_head = self.head
        self._forgotten = []
        self._staging = Staging(self._store.snapshot())


def head_of(blocks: Blocks) -> Head:
    """The head that a store names."""
    block_hash = Hash32(blocks.meta(HEAD) or b"")
    return Head(block_hash, blocks.header(block_hash), blocks.total_difficulty(block_hash))
