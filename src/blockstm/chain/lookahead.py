"""Blocks to import, made ready while others run: decoded, senders recovered, read ahead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from blockstm.errors import ForkedError, InputError
from blockstm.ethereum import Block, Rules
from blockstm.ethereum.chains.rules import NO_RULES
from blockstm.ethereum.execution.senders import find_senders
from blockstm.kinds import iterated
from blockstm.messages import kind_of

__all__ = ["Lookahead", "decoded"]

_DEPTH: Final = 2
"""Blocks that are made ready behind the one that runs."""


def decoded(block: Any, rules: Rules = NO_RULES) -> Block:
    """A block, or what its RLP is of, on a chain with these rules of its own.

    Raises:
        InputError: it is neither.
        DecodeError: the bytes are no block's.
    """
    if isinstance(block, Block):
        return block
    if isinstance(block, bytes):
        return Block.decode(block, rules=rules)
    raise InputError(f"a block is a blockstm.ethereum.Block or its RLP, not {kind_of(block)}")


class Lookahead(Iterator[Block]):
    """The blocks of an iterable, in order; it is asked in the caller's thread, two blocks ahead.

    What it raises comes behind the blocks before it. Belongs to one thread; `close` it.

    Args:
        blocks: what is asked for them.
        read_ahead: reads what a block is going to need, in another thread; may do nothing.
        rules: of the chain's own.
        begin: what is read there before all blocks; may do nothing.
    """

    def __init__(
        self,
        blocks: Iterable[Any],
        read_ahead: Callable[[Block], None],
        rules: Rules,
        begin: Callable[[], None],
    ) -> None:
        self._source = iterated(blocks, "blocks")
        self._read_ahead = read_ahead
        self._rules = rules
        self._coming: deque[Future[Block]] = deque()
        self._failure: BaseException | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="blockstm-ahead")
        self._begin: Callable[[], None] | None = begin
        self._pid = os.getpid()

    def __next__(self) -> Block:
        if os.getpid() != self._pid:
            raise ForkedError("the stream was begun in another process: begin one in this one")
        begin, self._begin = self._begin, None
        if begin is not None:  # not where it is made: a thread that Ctrl-C finds is closed then
            self._pool.submit(begin)
        while self._failure is None and len(self._coming) <= _DEPTH:
            try:
                self._coming.append(self._pool.submit(self._ready, next(self._source)))
            except BaseException as error:  # it is raised in its turn
                self._failure = error
        if not self._coming:
            failure, self._failure = self._failure, StopIteration()
            assert failure is not None
            try:
                raise failure
            finally:
                del failure  # it has this frame: both would wait for the garbage collector
        return self._coming.popleft().result()

    def _ready(self, given: Any) -> Block:
        block = decoded(given, self._rules)
        # What is found is known where the block is checked; there it is told what is wrong.
        find_senders(block.transaction_list, 1, high_s_allowed=False)
        self._read_ahead(block)
        return block

    def close(self) -> None:
        """Release the thread, and what was asked for in vain."""
        self._pool.shutdown(wait=os.getpid() == self._pid, cancel_futures=True)
        self._coming.clear()
        self._failure = StopIteration()
