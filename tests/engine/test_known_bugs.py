"""Bugs that cost other engines a chain: each is here a test."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from engine_cases import check, executor
from tests.patience import PATIENCE

from blockstm import Config, Executor, Invalid, Revert, Status, reference
from blockstm.errors import InvalidBlock, StateError
from blockstm.testing import NativeScripts, assert_same_result, scripted_vm


class Late:
    """Runs transaction 0 after transaction 1 has run once: what 1 has seen was never true."""

    def __init__(self, first: Any, second: Any) -> None:
        self.first, self.second = first, second
        self.ran = threading.Event()

    def __call__(self, view: Any, transaction: Any) -> Any:
        if view.index == 0:
            assert self.ran.wait(PATIENCE)
            return self.first(view)
        if view.index > 1:
            return scripted_vm(view, transaction)
        try:
            return self.second(view)
        finally:
            self.ran.set()

    def check(self, state: Any, *rest: Any, workers: int = 2) -> Any:
        block = [None, None, *rest]
        result = executor(workers).execute_block(block, state, self)
        assert_same_result(result, reference.execute_block(block, state, self))
        return result


def test_existence_is_seen_even_where_the_value_is_equal() -> None:
    """A self-destruct followed by the same value: absent, None and 0 are three things."""
    for before, after in ((0, None), (None, 0), (0, ""), (None, "absent")):

        def first(view: Any, after: Any = after) -> None:
            view.delete("a") if after == "absent" else view.put("a", after)

        seen = Late(first, lambda view: view.get("a", "absent")).check({"a": before})
        assert seen.outcomes[1].value == after


def test_looking_at_something_destroyed_is_recorded() -> None:
    """Transaction 1 sees that the key is gone; the one before it brings it back."""
    block = [[("delete", "a")], [("put", "a", 1)], [("branch", "a", [("put", "b", 1)], [])]]
    check(block, {"a": 5}, repeats=20)
    late = Late(lambda view: view.put("a", 7), lambda view: view.at_least("a", 1))
    assert late.check({}).outcomes[1].value is True


def test_writes_of_a_run_that_is_not_repeated_disappear() -> None:
    """An aborted run wrote where the next one does not: nobody may see it."""

    def second(view: Any) -> None:
        view.put("right" if view.get("a") else "wrong", 1)

    result = Late(lambda view: view.put("a", 1), second).check({}, [("get", "wrong")])
    assert result.writes == {"a": 1, "right": 1}
    assert result.outcomes[2].value == ("(nothing)",)


@pytest.mark.parametrize("error", [Revert, ValueError])
def test_writes_of_a_run_that_fails_disappear(error: type[Exception]) -> None:
    """The first run wrote and succeeded, the next one fails: the write set is cleaned."""

    def second(view: Any) -> None:
        view.put("b", "leak")
        if view.get("a"):
            raise Revert("no")

    result = Late(lambda view: view.put("a", 1), second).check({}, [("get", "b")])
    assert result.outcomes[1].status is Status.REVERTED
    assert result.outcomes[2].value == ("(nothing)",)


def test_a_failure_that_order_mends_is_no_failure() -> None:
    def second(view: Any) -> str:
        if view.get("nonce", 0) != 1:
            raise Invalid("nonce too high")
        return "fine"

    result = Late(lambda view: view.put("nonce", 1), second).check({})
    assert result.outcomes[1].value == "fine"


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_nonce_too_high_ends_the_block_and_does_not_freeze_it(workers: int) -> None:
    def vm(view: Any, nonce: int) -> None:
        if view.get("nonce", 0) != nonce:
            raise Invalid("nonce too high")
        view.put("nonce", nonce + 1)

    with pytest.raises(InvalidBlock) as caught:
        executor(workers).execute_block([0, 1, 3, 2, 4], {}, vm)
    assert caught.value.index == 2
    assert caught.value.prefix is not None
    assert caught.value.prefix.writes == {"nonce": 2}
    skipped = executor(workers).execute_block([0, 1, 3, 2, 4], {}, vm, on_invalid="skip")
    assert [outcome.status for outcome in skipped.outcomes] == [
        Status.SUCCESS,
        Status.SUCCESS,
        Status.SKIPPED,
        Status.SUCCESS,
        Status.SKIPPED,
    ]


@pytest.mark.parametrize("workers", [2, 4])
def test_nothing_is_committed_after_an_invalid_transaction(workers: int) -> None:
    block: list[Any] = [[("bump", n, 1)] for n in range(200)]
    block[100] = [("put", 100, 1), ("invalid", "bad signature")]
    for _ in range(10):
        with pytest.raises(InvalidBlock) as caught:
            executor(workers).execute_block(block, {}, NativeScripts())
        prefix = caught.value.prefix
        assert prefix is not None
        assert (len(prefix.outcomes), list(prefix.writes)) == (100, list(range(100)))


def test_a_block_of_one_transaction_does_not_wake_two_dozen_workers() -> None:
    with Executor(Config(gate=False), workers=24) as engine:
        for _ in range(50):
            assert engine.execute_block([[("put", "a", 1)]], {}, scripted_vm).stats.workers == 1


def test_receipts_are_compared_not_only_state() -> None:
    """Two schedules may leave one state and different receipts; the oracle looks at both."""
    late = Late(lambda view: view.put("a", 1), lambda view: view.charge(view.get("a", 5)))
    result = late.check({})
    assert (result.outcomes[1].gas_used, result.gas_used) == (1, 1)


def test_gas_of_stale_runs_is_not_counted() -> None:
    def second(view: Any) -> None:
        view.charge(7)
        view.get("a")

    result = Late(lambda view: view.put("a", 1), second).check({})
    assert (result.outcomes[1].gas_used, result.gas_used) == (7, 7)


def test_a_database_error_is_no_empty_read() -> None:
    class Database:
        def get(self, key: str) -> int:
            raise KeyError(key)

    for workers in (1, 2, 4):
        with pytest.raises(StateError) as caught:
            executor(workers).execute_block([[("get", "a")]], Database(), scripted_vm)
        assert isinstance(caught.value.__cause__, KeyError)


def test_a_database_error_of_a_stale_run_is_no_error() -> None:
    class Database:
        def get(self, key: str) -> int | None:
            if key == "nonsense":
                raise OSError("no such table")
            return None

    def second(view: Any) -> Any:
        return view.get("sense" if view.get("a") else "nonsense", "fine")

    result = Late(lambda view: view.put("a", 1), second).check(Database())
    assert result.outcomes[1].value == "fine"


def test_a_dependency_that_ends_while_it_is_noted_is_not_waited_for() -> None:
    """Estimates send a reader to wait for a writer that may end at that very moment."""
    block = [[("work", n % 50), ("bump", 0, 1), ("work", n % 30)] for n in range(60)]
    vm = NativeScripts()
    expected = reference.execute_block(block, {}, vm.python)
    with Executor(Config(gate=False, throttle=False), workers=4) as engine:
        for _ in range(200):
            assert_same_result(engine.execute_block(block, {}, vm), expected)


def test_the_cost_of_conflicts_is_linear_in_the_block() -> None:
    """No rounds: k conflicts do not cost k passes over the block."""
    vm = NativeScripts()
    runs = {}
    for count in (200, 2000):
        block = [[("bump", 0, 1), ("work", 100)] for _ in range(count)]
        result = executor(4).execute_block(block, {}, vm)
        assert result.writes == {0: count}
        runs[count] = result.stats.incarnations
    assert runs[200] <= 200 * 9
    assert runs[2000] <= 2000 * 9


@pytest.mark.timeout(600, method="thread")  # a worker that does not end cannot be interrupted
def test_a_vm_that_loops_on_what_never_was_is_stopped() -> None:
    """Two keys always sum to 10; a run that sees them torn would look for ever."""

    def vm(view: Any, transaction: int) -> int:
        left = view.get("left", 10)
        time.sleep(0)
        turns = 0
        while left + view.get("right", 0) != 10:
            turns += 1
            view.get(("somewhere", turns % 7))
        view.put("left", left - 1)
        time.sleep(0)
        view.put("right", 10 - (left - 1))
        return left

    for revalidation in (False, True):
        for estimates in (False, True):
            config = Config(revalidation=revalidation, estimates=estimates)
            check(range(30), {}, vm, config=config, workers=(1, 2, 4))


def test_a_vm_that_fails_on_what_never_was_does_not_fail_the_block() -> None:
    def vm(view: Any, transaction: int) -> int:
        left = view.get("left", 10)
        time.sleep(0)
        right = view.get("right", 0)
        if left + right != 10:
            raise AssertionError(f"torn: {left} + {right}")
        view.put("left", left - 1)
        time.sleep(0)
        view.put("right", right + 1)
        return left

    check(range(40), {}, vm, workers=(2, 4, 8), repeats=5)


def test_a_transaction_sees_one_value_however_often_it_looks() -> None:
    def vm(view: Any, transaction: int) -> bool:
        seen = []
        for _ in range(5):
            seen.append(view.get("a", 0))
            time.sleep(0)
        assert len(set(seen)) == 1
        view.put("a", seen[0] + 1)
        return True

    check(range(30), {}, vm, workers=(2, 4), repeats=5)


def test_a_credit_to_a_hot_account_is_neither_lost_nor_hidden() -> None:
    """A real transfer to the beneficiary of fees counts like any other."""
    fees = [("add", "beneficiary", 3)]
    block: list[Any] = [
        [("bump", f"account {n}", 1), *fees]
        if n % 7
        else [("add", "beneficiary", 100), *fees, ("copy", "beneficiary", f"seen {n}")]
        for n in range(50)
    ]
    ran = check(block, {"beneficiary": 1}, repeats=3)
    assert ran.result is not None
    assert ran.result.writes["beneficiary"] == 1 + 50 * 3 + 8 * 100
