"""An exception out of nowhere: at every instruction of the executor's code, at many moments.

A signal handler may raise between any two instructions of the main thread, an allocation may fail
at any time. Whatever was being done then: the executor works or is closed, the process runs its
next block, no thread and no pin is left behind, and results are right.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from tests.patience import comes_true

import blockstm
from blockstm import Config, Executor
from blockstm.engine.pool import POOL
from blockstm.errors import ClosedError
from blockstm.executor import explore
from blockstm.state.memory import MemoryState
from blockstm.testing import NativeScripts, scripted_vm

PACKAGE = Path(blockstm.__file__ or "").parent
OURS = {str(path) for path in (PACKAGE / "executor").glob("*.py")}
OURS.add(str(PACKAGE / "stream.py"))
BLOCK = [[("bump", n % 3, 1)] for n in range(12)]
WRITES = {0: 4, 1: 4, 2: 4}


class Interruption(BaseException):
    """What the handler of a signal raises."""


@contextmanager
def interrupted_at(number: int) -> Iterator[list[int]]:
    """Raise at the ``number``-th instruction of our code; gives how many there were."""
    count = [0]

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        if frame.f_code.co_filename not in OURS:
            return None
        frame.f_trace_opcodes = True
        if event in ("opcode", "line", "call"):
            count[0] += 1
            if count[0] == number:
                raise Interruption
        return trace

    sys.settrace(trace)
    try:
        yield count
    finally:
        sys.settrace(None)


class Bench:
    """What the calls below work with, and what must be left of it whole."""

    def __init__(self, workers: int) -> None:
        self.config = Config(workers=workers, gate=False)
        self.executor = Executor(self.config)
        self.state = MemoryState({9: 9})

    def check(self) -> None:
        try:
            assert self.executor.execute_block(BLOCK, {}, scripted_vm).writes == WRITES
        except ClosedError:
            self.executor = Executor(self.config)
        assert blockstm.execute_block(BLOCK, {}, scripted_vm, config=self.config).writes == WRITES
        self.state.apply({9: self.state[9] + 1})  # not pinned


def make_and_close(bench: Bench) -> None:
    with Executor(bench.config) as executor:
        assert executor.execute_block(BLOCK, {}, scripted_vm).writes == WRITES


def run(bench: Bench) -> None:
    assert bench.executor.execute_block(BLOCK, {}, scripted_vm).writes == WRITES


def run_native(bench: Bench) -> None:
    vm = NativeScripts()
    assert bench.executor.execute_block(BLOCK, bench.state, vm).writes == WRITES


def run_simply(bench: Bench) -> None:
    assert blockstm.execute_block(BLOCK, {}, scripted_vm, config=bench.config).writes == WRITES


def run_with_many_configs(bench: Bench) -> None:
    for window in range(1, 7):
        config = Config(workers=bench.config.workers, window=window)
        assert blockstm.execute_block(BLOCK[:3], {}, scripted_vm, config=config).writes


def read_a_stream(bench: Bench) -> None:
    stream = bench.executor.stream(BLOCK, bench.state, NativeScripts())
    assert [outcome.index for outcome in stream] == list(range(12))
    assert stream.result is not None
    assert stream.result.writes == WRITES


def leave_a_stream(bench: Bench) -> None:
    with bench.executor.stream(BLOCK, {}, scripted_vm) as stream:
        assert next(stream).index == 0


def close_twice(bench: Bench) -> None:
    executor = Executor(bench.config)
    stream = executor.stream(BLOCK, {}, scripted_vm)
    next(stream)
    executor.close()
    stream.close()
    executor.close()


def explore_a_schedule(bench: Bench) -> None:
    workers = bench.config.workers
    assert isinstance(workers, int)
    explored = explore(BLOCK[:2], {}, scripted_vm, choices=(1, 0, 1), workers=workers)
    assert explored.result is not None


CALLS: tuple[Callable[[Bench], None], ...] = (
    make_and_close,
    run,
    run_native,
    run_simply,
    run_with_many_configs,
    read_a_stream,
    leave_a_stream,
    close_twice,
    explore_a_schedule,
)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_an_exception_at_any_instruction(call: Callable[[Bench], None], workers: int) -> None:
    before = our_threads()
    bench = Bench(workers)
    call(bench)
    bench.check()
    number, raised = 0, 0
    while True:
        number += 1
        try:
            with interrupted_at(number) as count:
                call(bench)
        except Interruption:
            raised += 1
        if count[0] < number:
            break
        bench.check()
    assert raised > 20
    bench.executor.close()
    del bench
    assert_threads_left(before)


def assert_threads_left(number: int) -> None:
    """Executors that were dropped have none; those that `execute_block` keeps are closed here."""
    assert comes_true(lambda: our_threads() <= number)


def our_threads() -> int:
    while POOL._idle:
        POOL._idle.pop().close()
    gc.collect()
    return sum(thread.name.startswith("blockstm-") for thread in threading.enumerate())
