"""Tests of quality: it really ran in parallel, it really speculated, and only where it had to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from engine_cases import check, executor
from tests.patience import PATIENCE

from blockstm import Config, Executor, reference
from blockstm.testing import NativeScripts, assert_same_result, scripted_vm


class Meeting:
    """Lets transactions of a block meet in time, on their first run only."""

    def __init__(self, parties: int) -> None:
        self.barrier = threading.Barrier(parties, timeout=PATIENCE)
        self.met: set[int] = set()

    def wait(self, index: int) -> None:
        if index not in self.met:
            self.met.add(index)
            self.barrier.wait()


def test_two_transactions_really_run_at_the_same_time() -> None:
    meeting = Meeting(2)

    def vm(view: Any, transaction: Any) -> int:
        meeting.wait(view.index)
        return threading.get_ident()

    result = executor(2).execute_block([0, 1], {}, vm)
    assert len({outcome.value for outcome in result.outcomes}) == 2
    assert result.stats.workers == 2
    assert len(result.stats.busy) == 2


def test_four_workers_really_are_four() -> None:
    meeting = Meeting(4)

    def vm(view: Any, transaction: Any) -> None:
        meeting.wait(view.index)

    assert executor(4).execute_block(range(4), {}, vm).stats.workers == 4


class AfterRead:
    """Transaction 0 writes only after transaction 1 has looked: as late as can be."""

    def __init__(self, write: Any, read: Any) -> None:
        self.write, self.read = write, read
        self.looked = threading.Event()

    def __call__(self, view: Any, transaction: int) -> Any:
        if transaction == 0:
            assert self.looked.wait(PATIENCE)
            return self.write(view)
        try:
            return self.read(view)
        finally:
            self.looked.set()

    def result(self, state: Any, config: Config | None = None) -> Any:
        result = executor(2, config).execute_block([0, 1], state, self)
        self.looked.set()
        expected = reference.execute_block([0, 1], state, self)
        assert_same_result(result, expected)
        return result


def test_a_stale_read_is_run_again() -> None:
    late = AfterRead(lambda view: view.put("a", 2), lambda view: view.get("a"))
    result = late.result({"a": 1})
    assert result.outcomes[1].value == 2
    assert result.stats.incarnations == 3
    assert sum(result.stats.aborts.values()) == 1


def test_a_stale_read_of_nothing_is_run_again() -> None:
    late = AfterRead(lambda view: view.put("a", None), lambda view: view.get("a", "nothing"))
    assert late.result({}).stats.incarnations == 3


def test_a_read_of_what_was_deleted_is_run_again() -> None:
    late = AfterRead(lambda view: view.delete("a"), lambda view: view.get("a", 1))
    result = late.result({"a": 2})
    assert result.outcomes[1].value == 1
    assert result.stats.incarnations == 3


@pytest.mark.parametrize(
    ("write", "read", "state"),
    [
        (lambda view: view.put("a", 1), lambda view: view.get("a"), {"a": 1}),
        (lambda view: view.add("a", 5), lambda view: view.at_least("a", 3), {"a": 4}),
        (lambda view: view.add("a", -5), lambda view: view.at_least("a", 30), {"a": 4}),
        (lambda view: view.add("a", 5), lambda view: view.try_add("a", -1, 0, 100), {"a": 4}),
        (lambda view: view.put("a", 9), lambda view: view.at_least("a", 3), {"a": 4}),
        (lambda view: view.add("a", 5), lambda view: view.add("a", 7), {"a": 4}),
        (lambda view: view.add("a", 5), lambda view: view.put("a", 7), {"a": 4}),
        (lambda view: view.put("a", 9), lambda view: view.add("a", 1), {}),
        (lambda view: view.delete("a"), lambda view: view.get("a"), {}),
        (lambda view: view.put("b", 9), lambda view: view.get("a"), {}),
    ],
    ids=[
        "same value",
        "bound still holds",
        "bound still fails",
        "sum still within",
        "bound on a new value",
        "delta, delta",
        "delta, write",
        "write, delta",
        "deleted nothing",
        "elsewhere",
    ],
)
def test_what_still_holds_is_not_run_again(write: Any, read: Any, state: Any) -> None:
    result = AfterRead(write, read).result(state)
    assert result.stats.incarnations == 2
    assert sum(result.stats.aborts.values()) == 0


@pytest.mark.parametrize(
    ("write", "read", "state"),
    [
        (lambda view: view.add("a", -5), lambda view: view.at_least("a", 3), {"a": 4}),
        (lambda view: view.add("a", 5), lambda view: view.at_least("a", 9), {"a": 4}),
        (lambda view: view.add("a", -5), lambda view: view.try_add("a", -1, 0, 100), {"a": 4}),
        (lambda view: view.add("a", 1), lambda view: view.get("a"), {"a": 4}),
    ],
    ids=["bound fails", "bound holds", "sum leaves", "delta, read"],
)
def test_an_answer_that_changed_is_run_again(write: Any, read: Any, state: Any) -> None:
    assert AfterRead(write, read).result(state).stats.incarnations == 3


def test_an_error_of_a_stale_run_is_not_an_error() -> None:
    def read(view: Any) -> str:
        if view.get("a") == 1:
            raise RuntimeError("never in block order")
        return "fine"

    result = AfterRead(lambda view: view.put("a", 2), read).result({"a": 1})
    assert result.outcomes[1].value == "fine"


@pytest.mark.parametrize("leaves", [SystemExit, GeneratorExit])
def test_a_stale_run_cannot_leave_the_block(leaves: type[BaseException]) -> None:
    def read(view: Any) -> str:
        if view.get("a") == 1:
            raise leaves
        return "fine"

    result = AfterRead(lambda view: view.put("a", 2), read).result({"a": 1})
    assert result.outcomes[1].value == "fine"


def test_outcomes_stream_while_the_block_runs() -> None:
    """The last transaction waits until its consumer has been handed the first outcome."""
    handed = threading.Event()

    def vm(view: Any, transaction: int) -> int:
        if transaction == 1:
            assert handed.wait(PATIENCE)
        return transaction

    stream = executor(2).stream([0, 1], {}, vm)
    outcomes = []
    for outcome in stream:
        outcomes.append(outcome)
        handed.set()
    assert [outcome.value for outcome in outcomes] == [0, 1]
    assert_same_result(stream.result, reference.execute_block([0, 1], {}, vm))
    assert list(stream.result.outcomes) == outcomes


def test_one_worker_does_not_speculate() -> None:
    block = [[("bump", "a", 1)]] * 50
    stats = executor(1).execute_block(block, {}, scripted_vm).stats
    assert (stats.workers, stats.incarnations) == (1, 50)


def test_workers_are_clamped_to_the_block() -> None:
    with Executor(Config(gate=False), workers=24) as engine:
        assert engine.execute_block([[("put", "a", 1)]], {}, scripted_vm).stats.workers == 1
        assert engine.execute_block([], {}, scripted_vm).stats.transactions == 0
        assert engine.execute_block([[]] * 3, {}, scripted_vm).stats.workers <= 3


@pytest.mark.parametrize("cap", [1, 3, 8])
def test_incarnations_are_capped(cap: int) -> None:
    """A hot key costs at most the cap and one run at the frontier for each transaction."""
    block = [[("work", 200), ("bump", 0, 1), ("work", 200)] for _ in range(400)]
    vm = NativeScripts()
    expected = reference.execute_block(block, {}, vm.python)
    with Executor(Config(gate=False, max_incarnations=cap, throttle=False), workers=4) as engine:
        result = engine.execute_block(block, {}, vm)
    assert_same_result(result, expected)
    assert result.stats.incarnations <= (cap + 1) * len(block)


def test_native_transactions_without_conflicts_run_once() -> None:
    block = [[("work", 100), ("bump", n, 1), ("add", -1, 1)] for n in range(1000)]
    result = executor(4).execute_block(block, {}, NativeScripts())
    assert result.stats.incarnations == 1000
    assert sum(result.stats.aborts.values()) == 0


def _runs(view: Any, transaction: Callable[[Any], Any]) -> Any:
    return transaction(view)


@pytest.mark.parametrize("every", [7, 45, 200])
def test_a_number_that_all_add_to_is_exact_for_those_who_come_to_read_it(every: int) -> None:
    """Deltas that no run ahead has read need not be published; then one comes to read them."""
    readers: list[Callable[[Any], Any]] = [
        lambda view: view.get("hot"),
        lambda view: view.at_least("hot", 4000),
        lambda view: view.try_add("hot", -3, 0, 9000),
        lambda view: view.put("hot", view.get("hot") - 1),
        lambda view: view.put("other", view.get("hot")),
    ]
    block: list[Callable[[Any], Any]] = []
    for index in range(420):
        if index % every == every - 1:
            block.append(readers[index // every % len(readers)])
        else:
            block.append(lambda view, n=index % 23: (view.add("hot", n), view.add("too", 1)))
    expected = check(block, {"hot": 5}, _runs, repeats=3).result
    assert expected is not None
    assert expected.writes["too"] == 420 - 420 // every
