"""How blocks and streams end when something interferes: dropped, closed from inside, cut late."""

from __future__ import annotations

import gc
import signal
import threading
from typing import Any

import pytest
from tests.patience import PATIENCE

import blockstm
from blockstm import View, reference
from blockstm.errors import InvalidBlock, ReentrantError, TransactionError
from blockstm.executor import explore
from blockstm.testing import NativeScripts, assert_same_result


def bump(view: View, tx: Any) -> None:
    view.put("a", view.get("a", 0) + 1)


def test_a_gas_cap_of_more_than_64_bits_is_a_cap() -> None:
    def charge(view: View, tx: Any) -> None:
        view.charge((1 << 63) - 1)

    limit = (1 << 64) + 5
    expected = reference.execute_block(range(4), {}, charge, limit=limit)
    assert expected.cut == 2
    for workers in (1, 2):
        result = blockstm.execute_block(range(4), {}, charge, limit=limit, workers=workers)
        assert_same_result(result, expected)


def test_an_explored_run_that_loops_on_stale_values_ends() -> None:
    def vm(view: View, tx: int) -> None:
        if tx == 0:
            view.put("k", 1)
        else:
            while view.get("k") is None:
                pass

    explored = explore([0, 1], {}, vm, choices=(0, 1, 0, 0) + (1,) * 60)
    assert explored.error is None
    assert_same_result(explored.result, reference.execute_block([0, 1], {}, vm))


def test_a_stream_cannot_be_closed_by_what_it_runs() -> None:
    streams: list[Any] = []
    ready = threading.Event()
    caught: list[BaseException] = []

    def vm(view: View, tx: int) -> None:
        ready.wait(PATIENCE)
        try:
            streams[0].close()
        except ReentrantError as error:
            caught.append(error)

    with blockstm.Executor(workers=1) as executor:
        streams.append(executor.stream([0], {}, vm))
        ready.set()
        assert [outcome.status for outcome in streams[0]] == ["success"]
        assert len(caught) == 1
        assert executor.execute_block([0], {}, bump).writes == {"a": 1}


def test_a_stream_collected_by_its_own_block_frees_the_executor() -> None:
    began = threading.Event()
    dropped = threading.Event()

    def vm(view: View, tx: int) -> None:
        began.set()
        dropped.wait(PATIENCE)
        gc.collect()

    executor = blockstm.Executor(workers=1)
    cycle: list[Any] = [executor.stream(range(3), {}, vm)]
    cycle.append(cycle)
    assert began.wait(PATIENCE)
    del cycle
    dropped.set()
    done = threading.Thread(target=executor.execute_block, args=([0], {}, bump))
    done.start()
    done.join(PATIENCE)
    assert not done.is_alive()
    executor.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_in_the_last_transaction_is_not_lost(workers: int) -> None:
    class Alarm(Exception):
        pass

    rung = False

    def ring(number: int, frame: Any) -> None:
        nonlocal rung
        rung = True
        raise Alarm

    def execute_until_rung() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        while not rung:
            block = [[("work", 60_000_000)]]
            blockstm.execute_block(block, {}, NativeScripts(), workers=workers)

    before = signal.signal(signal.SIGALRM, ring)
    try:
        with pytest.raises(Alarm):  # during a block, or at its end, but not never
            execute_until_rung()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Speechless(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__


class Classless(Exception):
    @property  # type: ignore[misc]  # what is hostile about it
    def __class__(self) -> type:
        raise ZeroDivisionError


class SpeechlessInvalid(blockstm.Invalid):
    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("kind", [Speechless, Classless, SpeechlessInvalid, StopIteration])
def test_hostile_exceptions_of_a_vm_end_its_block_as_any_others(kind: Any, workers: int) -> None:
    def vm(view: View, tx: int) -> None:
        view.put("a", tx)
        if tx == 2:
            raise kind("x")

    expected = InvalidBlock if issubclass(kind, blockstm.Invalid) else TransactionError
    for execute in (
        reference.execute_block,
        lambda *block: blockstm.execute_block(*block, workers=workers),
        lambda *block: list(blockstm.Executor(workers=workers).stream(*block)),
    ):
        with pytest.raises(expected) as caught:
            execute(range(4), {}, vm)
        assert caught.value.index == 2
        assert type(caught.value.__cause__) is kind
