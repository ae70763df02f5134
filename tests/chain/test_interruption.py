"""Ctrl-C between any two lines: a step runs to its end, and only once, and no thread is left."""

from __future__ import annotations

import sys
import threading
from functools import partial
from types import FrameType
from typing import Any

import pytest
from tests.chain.growing import genesis, grown

from blockstm.chain import Chain
from blockstm.chain.interruption import Uninterrupted
from blockstm.errors import ClosedError

LINES_MAX = 2000


class InterruptedAt:
    """Raises `KeyboardInterrupt` at the n-th line that this thread comes to in some files."""

    def __init__(self, number: int, *files: str) -> None:
        self._left = number
        self._files = files
        self.has_come = False

    def __enter__(self) -> InterruptedAt:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.endswith(self._files):
            return None
        if event == "line":
            self._left -= 1
            if self._left == 0:
                self.has_come = True
                raise KeyboardInterrupt
        return self._trace


def test_a_step_runs_once_and_to_its_end_wherever_ctrl_c_comes() -> None:
    for number in range(1, LINES_MAX):
        steps = Uninterrupted()
        done: list[int] = []
        with InterruptedAt(number, "/interruption.py", "futures/thread.py", "threading.py") as come:
            try:
                steps.run(partial(done.append, 1))
            except KeyboardInterrupt:
                # It came before there was a step, or when the step had ended.
                assert len(done) <= 1
                before = list(done)
            else:
                before = [1]
        steps.run(partial(done.append, 2))
        steps.close()
        assert done == [*before, 2], number
        if not come.has_come:
            return
    pytest.fail("a step has that many lines")


def _fail(error: Exception) -> None:
    raise error


def test_what_a_step_raises_comes_out() -> None:
    steps = Uninterrupted()
    with pytest.raises(LookupError, match="here"):
        steps.run(partial(_fail, LookupError("here")))
    assert steps.run(partial(int, "5")) == 5
    steps.close()


def test_a_stream_that_ctrl_c_ends_anywhere_leaves_no_thread() -> None:
    with Chain.in_memory(genesis(), workers=1) as chain:
        blocks = grown(chain, 2)
    others = set(threading.enumerate())
    for number in range(1, LINES_MAX, 3):
        with Chain.in_memory(genesis(), workers=1) as chain:
            chain.import_block(blocks[0])  # its own threads have begun
            with InterruptedAt(number, "chain/lookahead.py", "chain/streaming.py") as come:
                try:
                    list(chain.import_blocks(blocks))
                except KeyboardInterrupt:
                    pass
                except BaseException as error:
                    raise AssertionError(number) from error
        assert set(threading.enumerate()) <= others, number  # one that is not of Python may go
        if not come.has_come:
            return
    pytest.fail("a stream of two blocks has that many lines")


def test_a_step_after_the_end_is_refused_and_waits_for_nobody() -> None:
    steps = Uninterrupted()
    assert steps.run(lambda: 1) == 1
    steps.close()
    with pytest.raises(ClosedError):
        steps.run(lambda: 2)
