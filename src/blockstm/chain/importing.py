"""Blocks imported: executed and verified on the state after their parent, staged, made durable.

For one thread at a time; `Chain` sees to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from blockstm.chain.block_runner import BlockRunner, checked_hash, parent_of
from blockstm.chain.blocks import Blocks
from blockstm.chain.encodings import decode_number, encode_number
from blockstm.chain.heads import Head, head_of
from blockstm.chain.interruption import Uninterrupted
from blockstm.chain.reading_beside import ReadingBeside
from blockstm.chain.running_ahead import Progress, RunAhead, RunningBlock
from blockstm.chain.staging import HEAD, OLDEST, STATE, Staging
from blockstm.chain.store import Store, Table
from blockstm.chain.working import WorkingState
from blockstm.errors import StoreError
from blockstm.ethereum import Block, ExecutedBlock, Receipt
from blockstm.ethereum import Chain as Spec
from blockstm.executor import Executor
from blockstm.hints.options import BlockHints
from blockstm.state.changes import RecordedChanges
from blockstm.types import Address, Hash32
from blockstm.vm.forks import BYZANTIUM

__all__ = ["ImportedBlock", "Importer"]

_STAGED_MAX: Final = 256
"""Blocks that one batch makes durable, at most."""
_STAGED_SECONDS: Final = 0.25
_STAGED_BYTES: Final = 64 << 20
_BEHIND_MAX: Final = 128
"""Blocks that the state which is stored may be behind the head."""
_BEHIND_AHEAD_MAX: Final = 512
"""The same while blocks run ahead: the more at once, the less is written for each."""
_PENDING_MAX: Final = 256 << 20
"""Bytes that what is not stored may take."""
_Step = tuple[Hash32, RecordedChanges]  # a block, and what leads to the state after it


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
        durable: the store after it.
        commits: how often something has become durable, or all was.
        losses: how often something staged has not.
    """

    def __init__(
        self,
        store: Store,
        spec: Spec,
        working: WorkingState,
        executor: Executor,
        window: int | None,
        ahead: RunAhead | None,
    ) -> None:
        self._store = store
        self._working = working
        self._runner = BlockRunner(spec, executor)
        self._window = window
        self._beside = ReadingBeside(working)
        self._uninterrupted = Uninterrupted()
        self._forgotten: list[Hash32] = []
        self.durable = store.snapshot()
        self._staging = Staging(self.durable, spec.rules)
        self.head = self._staged_head = head_of(self._staging.blocks)
        self._ahead = ahead
        self._has_taken = False
        self._astray: BaseException | None = None  # why what is not durable is still there
        self.commits = self.losses = 0

    def close(self) -> None:
        """Make durable what is staged, with the state, so that the next one who opens has it."""
        try:
            if self._astray is None:
                self.commit(with_state=self._working.at == self._staged_head.hash)
        finally:
            self._uninterrupted.close()
            self._beside.close()
            if self._ahead is not None:
                self._ahead.close()
            self._working.close()

    # ---- one block

    def take(self, block: Block, hints: BlockHints | None = None) -> ImportedBlock:
        """Execute and verify a block, and stage it.

        Raises:
            InputError: hints are of another kind.
            UnknownParent, PrunedState: see `Chain.import_block`.
            BlockError: it is invalid, or the state cannot be read; nothing was staged.
        """
        self.catch_up()
        block_hash = checked_hash(block)
        blocks = self._staging.blocks
        if blocks.has(block_hash):
            return ImportedBlock(block, block_hash, self._is_head_again(block, block_hash), None)
        parent_of(block, blocks)
        self.stand_at(block.header.parent_hash)
        self._beside.begin(block, hints)
        executed, total_difficulty = self._runner.run(block, blocks, self._working.state, hints)
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
        self.catch_up()
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

    def _stage(
        self, block: Block, block_hash: Hash32, executed: ExecutedBlock, total_difficulty: int
    ) -> bool:
        """Stage a block that is valid; whether it is the head."""
        senders = self._runner.senders(block, total_difficulty - block.header.difficulty)
        return self._stage_with(block, block_hash, executed, total_difficulty, senders)

    def _stage_with(
        self,
        block: Block,
        block_hash: Hash32,
        executed: ExecutedBlock,
        total_difficulty: int,
        senders: list[Address],
    ) -> bool:
        self._has_taken = True
        undoing = self._working.advance(block_hash, executed.writes)
        head = Head(block_hash, block.header, total_difficulty)
        self._put(block, head, executed, undoing, senders)
        is_head = self._is_better(head)
        if is_head:
            self._stage_head(head, block)
        return is_head

    def _put(
        self,
        block: Block,
        head: Head,
        executed: ExecutedBlock,
        undoing: RecordedChanges,
        senders: list[Address],
    ) -> None:
        """Stage what there is to keep of a block; ``head`` is what it would be as one."""
        self._staging.put_block(block, head.hash, senders, head.total_difficulty)
        self._staging.put_results(head.hash, executed, undoing)

    # ---- blocks that run ahead of their roots

    def can_run_ahead(self, block: Block) -> bool:
        """Whether a block is new, stands on the head, and its receipts need no roots."""
        head, block_hash = self._staged_head, checked_hash(block)
        return (
            self._ahead is not None
            and block.header.parent_hash == head.hash == self._working.at
            and not self._staging.blocks.has(block_hash)
            and self._runner.fork(block, head.total_difficulty) >= BYZANTIUM
        )

    def run_ahead(self, block: Block, hints: BlockHints | None = None) -> RunningBlock:
        """Execute a block on what is not verified yet, stage it, and verify it behind.

        What fails behind is taken back by `advance` and `catch_up`. Pre: `can_run_ahead`.

        Raises:
            BlockError: it is invalid, if those before it are not, or the state cannot be read.
        """
        ahead = self._ahead
        assert ahead is not None  # it can run ahead
        if self._has_taken:
            self.commit()  # what runs ahead is taken back alone
        state = self._working.state.without_root()
        executed, total_difficulty = self._runner.run(block, self._staging.blocks, state, hints)
        head = Head(block.hash, block.header, total_difficulty)

        def stage() -> RunningBlock:
            running = ahead.add(block, block.hash, executed, head)
            self._stage_running(running)
            return running

        return self._uninterrupted.run(stage)

    def _stage_running(self, running: RunningBlock) -> None:
        block, head = running.block, running.head
        senders = self._runner.senders(block, head.total_difficulty - block.header.difficulty)
        self._put(block, head, running.executed, running.undoing, senders)
        self._stage_head(running.head, running.block)

    def advance(self) -> None:
        """Note what has become durable behind, take back what failed, begin to write what is full.

        Raises:
            StoreError: what is to be taken back cannot be read.
        """
        self._check_usable()
        ahead = self._ahead
        if ahead is None or ahead.is_idle:
            return
        if ahead.chunk is not None and self._is_overfull:
            ahead.wait(for_all=False)
        if ahead.has_come_on or self._is_chunk_due(ahead):
            self._uninterrupted.run(self._advance)

    def _is_chunk_due(self, ahead: RunAhead) -> bool:
        return ahead.chunk is None and bool(ahead.open) and self.is_full

    def _advance(self) -> None:
        ahead = self._ahead
        assert ahead is not None  # it is asked before
        self._note_durable(ahead)
        if ahead.has_failed:
            ahead.wait(for_all=True)
            self._take_back(ahead)
        if self._is_chunk_due(ahead):
            with_state = self._is_state_due(_BEHIND_AHEAD_MAX)
            if with_state:
                self._note_state()
            ahead.seal(self._staging, self._staged_head, with_state=with_state)
            self._staging = self._staging.on(self._staging)

    def catch_up(self) -> None:
        """Wait until nothing runs behind, all that was verified is staged or durable.

        Raises:
            StoreError: what is to be taken back cannot be read.
            ForkedError: it runs in another process.
        """
        self._check_usable()
        ahead = self._ahead
        if ahead is None or ahead.is_idle:
            return

        def advance(behind: RunAhead = ahead) -> None:
            self._note_durable(behind)
            if behind.has_failed:
                self._take_back(behind)

        ahead.wait(for_all=True)
        self._uninterrupted.run(advance)

    def _note_durable(self, ahead: RunAhead) -> None:
        chunk = ahead.finish()
        if chunk is not None:
            self.durable = self._store.snapshot()
            self._staging.rebase(self.durable)
            self.head = chunk.head
            self.commits += 1

    def _take_back(self, ahead: RunAhead) -> None:
        self._note_durable(ahead)
        with self._going_back(ahead.disk_failure):
            kept = ahead.take_back()
            self._staging, self._staged_head = self._staging.on(self._store.snapshot()), self.head
            self._forgotten = []
            for running in kept:
                self._stage_running(running)

    @contextmanager
    def _going_back(self, because: BaseException | None) -> Iterator[None]:
        """What fails within leaves a state that is no block's: no block is to run on it.

        Args:
            because: what failed before. Where it stopped the database it is told, as nothing else
                says what is to be done about it.
        """
        try:
            yield
        except BaseException as error:
            is_told = isinstance(because, StoreError) and isinstance(error, StoreError)
            self._astray = because if is_told else error
            if is_told:
                raise self._unusable() from error
            raise

    def _unusable(self) -> StoreError:
        kind = type(self._astray) if isinstance(self._astray, StoreError) else StoreError
        return kind(
            f"blocks that were not durable could not be taken back after a failure ({self._astray})"
            ": what is durable can be read; close the chain and open it again to import"
        )

    def _check_usable(self) -> None:
        if self._astray is not None:
            raise self._unusable() from self._astray

    @property
    def _is_overfull(self) -> bool:
        """Whether no more is to be staged before something is durable."""
        staging = self._staging
        count = len(staging.batch.changes[Table.HEADERS])
        return count >= _STAGED_MAX or staging.bytes > _STAGED_BYTES

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
        undone, done = self._way_to_head(blocks, new)
        for block_hash in undone:
            staging.remove_canonical(blocks.block(block_hash))
        for block_hash in done:
            is_given = block is not None and block_hash == new.hash
            staging.put_canonical(
                block if is_given and block is not None else blocks.block(block_hash), block_hash
            )
        staging.put(Table.META, HEAD, new.hash)
        self._staged_head = new
        self._prune()

    def _way_to_head(self, blocks: Blocks, new: Head) -> tuple[list[Hash32], list[Hash32]]:
        """The blocks from the staged head to a new one: those to undo, and those to do."""
        if new.header.parent_hash == self._staged_head.hash:
            return [], [new.hash]  # as most are: no header is to be read
        return blocks.path(self._staged_head.hash, new.hash)

    def _prune(self) -> None:
        """Forget what is behind the window, but for what leads back to what is durable."""
        if self._staging.blocks.canonical(self.head.number) == self.head.hash:
            self._forget_until(min(self._wanted_oldest, self.head.number))

    @property
    def _oldest(self) -> int:
        """The oldest block whose state can be had, as staged."""
        return decode_number(self._staging.get(Table.META, OLDEST) or bytes(8))

    @property
    def _wanted_oldest(self) -> int:
        """The block that the window of the staged head begins with; 0 where all are kept."""
        return 0 if self._window is None else self._staged_head.number - self._window

    def _forget_until(self, number: int) -> None:
        """Forget how the blocks up to a number changed the state, and side blocks among them."""
        staging, oldest, stored = self._staging, self._oldest, self._stored_number()
        for each in range(oldest + 1, number + 1):
            self._forgotten.extend(staging.prune(each, is_stored=each <= stored))
        if number > oldest:
            staging.put(Table.META, OLDEST, encode_number(number))

    # ---- the working state

    def stand_at(self, block_hash: Hash32) -> None:
        """Take the working state to the state after a block.

        Raises:
            PrunedState: that is no longer possible; it stands where it stood.
        """
        if self._working.at != block_hash:
            self._move(self._way_to(block_hash))

    def _way_to(self, block_hash: Hash32) -> list[_Step]:
        """What takes the working state to the state after a block."""
        blocks = self._staging.blocks
        undone, done = blocks.path(self._working.at, block_hash)
        steps = [(blocks.header(each).parent_hash, blocks.undoing(each)) for each in undone]
        return steps + [(each, blocks.doing(each)) for each in done]

    def _move(self, steps: Sequence[_Step]) -> None:
        self._uninterrupted.run(lambda: self._take(steps))

    def _take(self, steps: Sequence[_Step]) -> None:
        for to, changes in steps:
            self._working.move(to, changes)

    # ---- durability

    @property
    def is_full(self) -> bool:
        """Whether what is staged is to be made durable before there is more."""
        return self._is_overfull or self._staging.seconds > _STAGED_SECONDS

    def commit(self, *, with_state: bool = False) -> None:
        """Make durable what is staged.

        Args:
            with_state: whether the store is to have the state of the head then. Otherwise it has
                that of an earlier block, now and then the head's, and the changes that lead on.

        Raises:
            StoreError: it cannot be; the chain is as it was after the last commit.
        """
        self.catch_up()
        if self._working.stored in (None, self._staged_head.hash):
            with_state = False
        elif not with_state:
            with_state = self._is_state_due(_BEHIND_MAX)
        if with_state or not self._staging.is_empty or self._wanted_oldest > self._oldest:
            self._uninterrupted.run(lambda: self._commit(with_state=with_state))
        else:
            self.commits += 1

    def _is_state_due(self, behind_max: int) -> bool:
        """Whether the state of the head is to be stored: that which is could not lead there any
        more, or not soon enough."""
        number = self._stored_number()
        return (
            self._staging.blocks.canonical(number) != self._working.stored
            or self._staged_head.number - number >= behind_max
            or self._working.pending_bytes > _PENDING_MAX
        )

    def _stored_number(self) -> int:
        """The number of the block whose state is stored; of the head, where none need be."""
        stored = self._working.stored
        if stored is None:
            return self._staged_head.number
        return self._staging.blocks.header(stored).number

    def _note_state(self) -> None:
        """Stage that the state of the head is stored, and forget what only led there."""
        stored, staging = self._stored_number(), self._staging
        for number in range(stored + 1, self._oldest + 1):
            staging.remove(Table.AFTER, staging.blocks.canonical(number) or b"")
        staging.put(Table.META, STATE, self._staged_head.hash)

    def _commit(self, *, with_state: bool) -> None:
        way_back = None
        try:
            if with_state:
                self.stand_at(self._staged_head.hash)
            if self._wanted_oldest > self._oldest:  # more is staged than the window holds
                way_back = self._way_to(self.head.hash)
                self._forget_until(self._wanted_oldest)
            if with_state:
                self._note_state()
            self._working.commit(self._staging.batch, with_state=with_state)
        except BaseException as error:
            self._abandon(way_back, error)
            raise
        if self._ahead is not None:
            self._ahead.note(Progress.DURABLE)
        self.durable = self._store.snapshot()
        self._staging, self._has_taken = self._staging.on(self.durable), False
        self.commits += 1
        self.head = self._staged_head
        for block_hash in self._forgotten:
            self._working.forget(block_hash)
        self._forgotten = []
        self._working.follow()

    def _abandon(self, way_back: Sequence[_Step] | None, because: BaseException) -> None:
        """Go back to what is durable: the working state by ``way_back``, or by what was staged."""
        self.losses += 1
        if self._ahead is not None:
            self._ahead.note(Progress.TAKEN_BACK)
        with self._going_back(because):
            self._move(self._way_to(self.head.hash) if way_back is None else way_back)
            self._staged_head, self._forgotten = self.head, []
            self._staging, self._has_taken = self._staging.on(self._store.snapshot()), False
