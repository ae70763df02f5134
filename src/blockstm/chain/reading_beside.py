"""What hints say that a block touches, read from disk while the block runs."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from blockstm.ethereum import Block
from blockstm.ethereum.hints import touched_by
from blockstm.hints import Hints
from blockstm.hints.options import BlockHints

if TYPE_CHECKING:
    from blockstm.chain.working import WorkingState

__all__ = ["ReadingBeside"]


class ReadingBeside:
    """A thread that reads ahead, begun with the first block that has something to read.

    For the one thread at a time that imports. What it reads decides how soon a value is in the
    cache, never which it is; what cannot be read is left to the block.
    """

    def __init__(self, working: WorkingState) -> None:
        self._working = working
        self._pid = os.getpid()
        self._pool: ThreadPoolExecutor | None = None
        self._last: Future[None] | None = None

    def begin(self, block: Block, hints: BlockHints | None) -> None:
        """Begin to read what a block touches, as its hints say, or the list that it came with.

        Blocks without hints are left alone, and so is a state that is in memory. What is still to
        be begun of the block before is not read any more.
        """
        names_any = (
            hints.written is not None if isinstance(hints, Hints) else block.access_list is not None
        )
        if hints is None or not names_any or self._working.stored is None:
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="blockstm-listed")
        if self._last is not None:
            self._last.cancel()
        self._last = self._pool.submit(self._read, block, hints)

    def _read(self, block: Block, hints: BlockHints) -> None:
        if isinstance(hints, Hints):
            if hints.written is not None:
                self._working.read_touched(*hints.written.touched)
        elif block.access_list is not None:
            self._working.read_touched(*touched_by(block.access_list))

    def close(self) -> None:
        """Release the thread."""
        if self._pool is not None:
            self._pool.shutdown(wait=os.getpid() == self._pid, cancel_futures=True)
