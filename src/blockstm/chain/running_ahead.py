"""Blocks that run on what is not verified yet: roots and the disk follow behind them.

While a block runs on the accounts as those before it left them, one thread takes the tries over
what they changed and compares the roots with the headers, and another makes durable what is
verified. Where a root is another, or something fails, all that ran since is taken back: then it is
for the caller to import these blocks one after another, which tells what is wrong.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from blockstm.chain.staging import Staging
from blockstm.errors import ForkedError, InternalError, StoreError
from blockstm.ethereum import Block, ExecutedBlock
from blockstm.state.changes import RecordedChanges
from blockstm.types import Hash32

if TYPE_CHECKING:
    from blockstm._native.store.disk_state import Collected
    from blockstm.chain.disk_working import DiskWorking
    from blockstm.chain.heads import Head
    from blockstm.chain.mdbx_store import MdbxStore

__all__ = ["Chunk", "Progress", "RunAhead", "RunningBlock"]


class Progress(Enum):
    """How far a block has come."""

    RAN = auto()
    DURABLE = auto()
    TAKEN_BACK = auto()


@dataclass(slots=True, eq=False)
class RunningBlock:
    """A block that ran, and what became of it.

    Attributes:
        block, hash, executed: of it.
        undoing: the changes that take it back.
        head: it, where it is the head.
        root: of the tries after it; to come.
        progress: see `Progress`; changed by the thread that imports.
    """

    block: Block
    hash: Hash32
    executed: ExecutedBlock
    undoing: RecordedChanges
    head: Head
    root: Future[Hash32]
    progress: Progress = Progress.RAN

    @property
    def is_verified(self) -> bool:
        """Whether the root came, and is that of the header."""
        return (
            self.root.done()
            and self.root.exception() is None
            and self.root.result() == self.block.header.state_root
        )

    @property
    def has_failed(self) -> bool:
        """Whether the root came, and is another, or cannot be told."""
        return self.root.done() and not self.is_verified

    def verified(self) -> ExecutedBlock:
        """What the block did, with its root."""
        return replace(self.executed, state_root=self.root.result())


@dataclass(slots=True)
class Chunk:
    """Blocks that are made durable together.

    Attributes:
        blocks, staging, head: what they are, what they change, the head then.
        found: what the store lacks of the state; None where that is not written.
        done: whether they are durable; to come.
    """

    blocks: Sequence[RunningBlock]
    staging: Staging
    head: Head
    found: Future[Collected] | None
    done: Future[None]


class RunAhead:
    """The threads behind the blocks that run. For the one thread at a time that imports.

    Attributes:
        open: blocks that ran, and are in no chunk yet.
        chunk: what is being made durable; None where nothing is.
    """

    def __init__(self, store: MdbxStore, working: DiskWorking) -> None:
        self._store = store
        self._working = working
        self._pid = os.getpid()
        self._tries = ThreadPoolExecutor(1, thread_name_prefix="blockstm-tries")
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="blockstm-disk")
        self._has_failed = False  # in the thread of the tries: what follows is in vain
        self.open: list[RunningBlock] = []
        self.chunk: Chunk | None = None

    def close(self) -> None:
        """Release the threads."""
        for pool in (self._tries, self._disk):
            pool.shutdown(wait=os.getpid() == self._pid)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs behind."""
        return self.chunk is None and not self.open

    @property
    def has_come_on(self) -> bool:
        """Whether something has become durable, or is to be taken back."""
        return self.has_failed or (self.chunk is not None and self.chunk.done.done())

    @property
    def has_failed(self) -> bool:
        """Whether something is to be taken back."""
        chunk = self.chunk
        if chunk is not None and chunk.done.done():
            return chunk.done.exception() is not None
        return any(each.has_failed for each in self.open)

    @property
    def disk_failure(self) -> StoreError | None:
        """Why what was being made durable is not; None where that is not it."""
        chunk = self.chunk
        error = chunk.done.exception() if chunk is not None and chunk.done.done() else None
        return error if isinstance(error, StoreError) else None

    def add(
        self, block: Block, block_hash: Hash32, executed: ExecutedBlock, head: Head
    ) -> RunningBlock:
        """Have the accounts be those after a block that ran on them; its root is to come.

        Raises:
            StoreError: what it changed cannot be read; they are as they were.
        """
        undoing = self._working.state.apply_ahead(executed.writes)
        self._working.at = block_hash
        root = self._tries.submit(self._follow, executed.writes.records, block.header.state_root)
        changes = RecordedChanges(undoing, {})
        running = RunningBlock(block, block_hash, executed, changes, head, root)
        self.open.append(running)
        return running

    def _follow(self, records: bytes, expected: Hash32) -> Hash32:
        if self._has_failed:
            raise InternalError("a block before it failed")
        self._has_failed = True
        root = self._working.state.follow(records, expected)
        self._has_failed = root != expected
        return root

    def seal(self, staging: Staging, head: Head, *, with_state: bool) -> None:
        """Begin to make durable what is open, and what it staged.

        Pre: nothing is being made durable.
        """
        found = None
        if with_state:
            self._working.state.freeze()
            found = self._tries.submit(self._working.state.collect)
        blocks, self.open = self.open, []
        done = self._disk.submit(self._write, blocks, staging, found)
        self.chunk = Chunk(blocks, staging, head, found, done)

    def _write(
        self, blocks: Sequence[RunningBlock], staging: Staging, found: Future[Collected] | None
    ) -> None:
        for each in blocks:
            each.root.exception()
            if not each.is_verified:
                raise InternalError("the root of a block is not that of its header")
        if found is None:
            self._store.commit(staging.batch)
        else:
            self._working.state.write(found.result(), staging.batch)

    def finish(self) -> Chunk | None:
        """The chunk that became durable, which is no longer open; None where none did."""
        chunk = self.chunk
        if chunk is None or not chunk.done.done() or chunk.done.exception() is not None:
            return None
        if chunk.found is not None:
            self._working.state.adopt()
            self._working.note_stored(chunk.head.hash, chunk.head.header.state_root)
        else:
            self._working.note_same()
        for each in chunk.blocks:
            each.progress = Progress.DURABLE
        self.chunk = None
        return chunk

    def wait(self, *, for_all: bool) -> None:
        """Wait until the chunk is durable or failed, or until nothing runs behind any more.

        Raises:
            ForkedError: it is another process that does.
        """
        if self.is_idle:
            return
        if os.getpid() != self._pid:
            raise ForkedError("the chain was opened in another process: open it in this one")
        if self.chunk is not None:
            wait([self.chunk.done])
        if for_all:
            wait([each.root for each in self.open])

    def take_back(self) -> list[RunningBlock]:
        """Take back the first block that failed and all behind it: those before it, not durable.

        Where the disk failed, all that is not durable is taken back. Pre: `wait` for all.
        """
        chunk, self.chunk = self.chunk, None
        running = [*(chunk.blocks if chunk is not None else ()), *self.open]
        if chunk is not None and chunk.found is not None:
            self._working.state.thaw(None if chunk.found.exception() else chunk.found.result())
        good = next((place for place, each in enumerate(running) if not each.is_verified), None)
        if good is None:
            good = 0 if chunk is not None else len(running)
        for each in reversed(running[good:]):
            if each.is_verified:
                self._working.state.follow(each.undoing.records)
            self._working.state.apply_ahead(each.undoing)
            self._working.at = each.block.header.parent_hash
            each.progress = Progress.TAKEN_BACK
        self._has_failed = False
        self.open = running[:good]
        return self.open

    def note(self, progress: Progress) -> None:
        """What was open has come so far, by other ways."""
        for each in self.open:
            each.progress = progress
        self.open = []
