"""The oracle itself: each rule of a block in one small example, worked out by hand."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest

from blockstm.errors import (
    Invalid,
    InvalidBlock,
    LimitError,
    Revert,
    StateError,
    TransactionError,
    ViewError,
)
from blockstm.reference import execute_block
from blockstm.testing import NOTHING, ScriptError, scripted_vm
from blockstm.types import DELETED, Outcome, Status
from blockstm.values import same_value


def run(*block: Any, state: Any = None, **options: Any) -> Any:
    return execute_block(block, {} if state is None else state, scripted_vm, **options)


def values(result: Any) -> list[Any]:
    return [outcome.value for outcome in result.outcomes]


def test_an_empty_block_does_nothing() -> None:
    result = run(state={"a": 1})
    assert (result.outcomes, result.writes, result.gas_used, result.cut) == ((), {}, 0, None)


def test_a_transaction_sees_the_writes_before_it_and_its_own() -> None:
    result = run([("put", "a", 1), ("get", "a")], [("get", "a")], [("get", "b")])
    assert values(result) == [(1,), (1,), (NOTHING,)]


def test_none_is_a_value_of_a_mapping_and_absence_of_a_reader() -> None:
    class Reader:
        def get(self, key: str) -> None:
            return None

    assert values(run([("get", "a")], state={"a": None})) == [(None,)]
    assert values(run([("get", "a")], state=Reader())) == [(NOTHING,)]


def test_a_key_is_read_from_the_state_once() -> None:
    asked = []

    class Reader:
        def get(self, key: str) -> int:
            asked.append(key)
            return 1

    run([("get", "a"), ("get", "a")], [("get", "a"), ("put", "a", 2)], state=Reader())
    assert asked == ["a"]


def test_deltas_sum_up_on_values_absence_and_deletes() -> None:
    block = [("add", "a", 1), ("add", "a", 2)], [("put", "a", 10), ("add", "a", 5)]
    assert run(*block[:1]).writes == {"a": 3}
    assert run(*block[:1], state={"a": 4}).writes == {"a": 7}
    assert run(*block).writes == {"a": 15}
    assert run([("delete", "a"), ("add", "a", 2)], state={"a": 9}).writes == {"a": 2}


def test_a_delta_is_seen_by_the_transaction_that_made_it() -> None:
    block = [("add", "a", 2), ("get", "a"), ("at_least", "a", 5), ("at_least", "a", 6)]
    assert values(run(block, state={"a": 3})) == [(5, True, False)]


def test_expect_tells_whether_there_is_that_value() -> None:
    block = (
        [("expect", "a", 3), ("put", "a", 4), ("expect", "a", 4), ("add", "a", 1)],
        [
            ("expect", "a", 5),
            ("expect", "a", 4),
            ("expect", "none", 0),
            ("expect", "none", None),
        ],
    )
    assert values(run(*block, state={"a": 3})) == [(True, True), (True, False, False, False)]


def test_deltas_of_floats_fold_in_block_order() -> None:
    result = run([("add", "a", 1.0)], [("add", "a", 1e16)], [("add", "a", -1e16)])
    assert result.writes == {"a": 0.0}
    swapped = run([("add", "a", 1e16)], [("add", "a", -1e16)], [("add", "a", 1.0)])
    assert swapped.writes == {"a": 1.0}


def test_try_add_adds_within_its_bounds_only() -> None:
    block = [("try_add", "a", 3, None, 5), ("try_add", "a", 3, None, 5), ("try_add", "a", -9, 0)]
    result = run(block)
    assert values(result) == [(True, False, False)]
    assert result.writes == {"a": 3}


def test_writes_are_ordered_by_first_write_and_leave_out_what_did_not_change() -> None:
    block = (
        [("put", "b", 1), ("put", "a", 7)],
        [("put", "c", 3), ("delete", "d")],
        [("put", "a", 2), ("delete", "x")],
    )
    result = run(*block, state={"a": 1, "c": 3, "d": 4})
    assert list(result.writes.items()) == [("b", 1), ("a", 2), ("d", DELETED)]


def test_equal_values_of_another_type_are_a_change() -> None:
    result = run(
        [("put", "a", True), ("put", "b", 1.0), ("put", "z", -0.0)], state={"a": 1, "z": 0.0}
    )
    assert repr(result.writes) == "{'a': True, 'b': 1.0, 'z': -0.0}"


def test_equal_keys_are_one_location_named_as_first_written() -> None:
    result = run([("put", True, "x")], [("put", 1, "y"), ("get", 1.0)])
    assert repr(result.writes) == "{True: 'y'}"
    assert values(result)[1] == ("y",)


def test_a_revert_keeps_gas_and_drops_writes() -> None:
    result = run([("charge", 5), ("put", "a", 1), ("revert", "no")], [("get", "a")])
    first = result.outcomes[0]
    assert (first.status, first.value, str(first.error)) == (Status.REVERTED, None, "no")
    assert isinstance(first.error, Revert)
    assert (first.gas_used, result.gas_used, result.writes) == (5, 5, {})
    assert values(result)[1] == (NOTHING,)


def test_an_invalid_transaction_is_skipped_without_a_trace() -> None:
    block = [("charge", 5), ("put", "a", 1), ("invalid", "no")], [("charge", 2)]
    result = run(*block, on_invalid="skip")
    skipped = result.outcomes[0]
    assert isinstance(skipped.error, Invalid)
    assert (skipped.status, skipped.gas_used, result.gas_used) == (Status.SKIPPED, 0, 2)
    assert result.writes == {}


def test_an_invalid_transaction_refuses_the_block_and_leaves_the_prefix() -> None:
    with pytest.raises(InvalidBlock) as caught:
        run([("put", "a", 1)], [("put", "a", 2), ("invalid", "no")], [("put", "b", 1)])
    error = caught.value
    assert (error.index, type(error.__cause__)) == (1, Invalid)
    assert error.prefix is not None
    assert (len(error.prefix.outcomes), error.prefix.writes) == (1, {"a": 1})


def test_any_other_exception_ends_the_block() -> None:
    with pytest.raises(TransactionError) as caught:
        run([("put", "a", 1)], [("raise", "bad")])
    assert caught.value.index == 1
    assert isinstance(caught.value.__cause__, ScriptError)
    assert caught.value.prefix is not None
    assert caught.value.prefix.writes == {"a": 1}


def test_a_delta_on_what_is_not_a_number_ends_the_block_at_its_transaction() -> None:
    with pytest.raises(TransactionError) as caught:
        run([("put", "a", "text")], [("put", "b", 1), ("add", "a", 1)])
    assert caught.value.index == 1
    assert isinstance(caught.value.__cause__, TypeError)
    assert caught.value.prefix is not None
    assert caught.value.prefix.writes == {"a": "text"}


class BrokenAt:
    """A state that cannot read one key."""

    def __init__(self, key: str) -> None:
        self.key = key

    def get(self, key: str) -> int:
        if key == self.key:
            raise KeyError(key)
        return 1


@pytest.mark.parametrize(
    "operation",
    [
        ("get", "bad"),
        ("put", "bad", 1),
        ("delete", "bad"),
        ("add", "bad", 1),
        ("expect", "bad", 1),
        ("at_least", "bad", 1),
        ("try_add", "bad", 1),
    ],
    ids=lambda operation: operation[0],
)
def test_a_state_error_ends_the_block_whatever_needed_the_value(operation: Any) -> None:
    with pytest.raises(StateError) as caught:
        run([("put", "a", 2)], [operation], state=BrokenAt("bad"))
    assert caught.value.index == 1
    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.prefix is not None
    assert caught.value.prefix.writes == {"a": 2}


def test_a_vm_cannot_swallow_a_state_error() -> None:
    def stubborn(view: Any, transaction: Any) -> None:
        for _ in range(3):
            with contextlib.suppress(BaseException):
                view.get("bad")

    with pytest.raises(StateError):
        execute_block([0], BrokenAt("bad"), stubborn)


def test_a_dropped_write_to_an_unreadable_key_is_no_error() -> None:
    result = run([("put", "bad", 1), ("revert", "no")], state=BrokenAt("bad"))
    assert result.outcomes[0].status is Status.REVERTED


def test_a_gas_limit_cuts_before_the_transaction_that_would_exceed_it() -> None:
    block = [[("charge", 4), ("put", "a", n)] for n in range(4)]
    result = run(*block, limit=8)
    assert (len(result.outcomes), result.cut, result.gas_used, result.writes) == (2, 2, 8, {"a": 1})


def test_a_callable_limit_is_asked_once_per_included_transaction() -> None:
    asked: list[Outcome] = []

    def limit(outcome: Outcome) -> bool:
        asked.append(outcome)
        return len(asked) == 3

    block = [("invalid", "x")], [("put", "a", 1)], [("revert", "y")], [("put", "a", 2)], []
    result = run(*block, limit=limit, on_invalid="skip")
    assert [outcome.index for outcome in asked] == [1, 2, 3]
    assert (result.cut, result.writes) == (3, {"a": 1})


def test_a_limit_that_raises_ends_the_block() -> None:
    def limit(outcome: Outcome) -> bool:
        raise ZeroDivisionError

    with pytest.raises(LimitError) as caught:
        run([("put", "a", 1)], limit=limit)
    assert caught.value.index == 0
    assert caught.value.prefix is not None
    assert caught.value.prefix.writes == {}


def test_a_view_is_closed_after_its_transaction() -> None:
    views = []
    execute_block([0], {}, lambda view, transaction: views.append(view))
    for call in (
        lambda view: view.index,
        lambda view: view.get("a"),
        lambda view: view.put("a", 1),
        lambda view: view.delete("a"),
        lambda view: view.add("a", 1),
        lambda view: view.at_least("a", 1),
        lambda view: view.try_add("a", 1),
        lambda view: view.charge(1),
    ):
        with pytest.raises(ViewError):
            call(views[0])


@pytest.mark.parametrize("gas", [-1, 1.5, "1", None, True, 1 << 63])
def test_gas_is_a_natural_number_below_2_to_the_63(gas: Any) -> None:
    with pytest.raises(TransactionError) as caught:
        run([("charge", gas)])
    assert isinstance(caught.value.__cause__, (TypeError, ValueError))


def test_same_value_tells_apart_whatever_a_transaction_could() -> None:
    same = [(1, 1), (1 << 80, 1 << 80), ("a", "a"), ((1, (2,)), (1, (2,))), (0.0, 0.0)]
    nan = float("nan")
    other = [(1, True), (1, 1.0), (0.0, -0.0), ((1,), (True,)), ([], []), ((1,), (1, 2))]
    assert all(same_value(left, right) for left, right in [*same, (nan, nan), (None, None)])
    assert not any(same_value(left, right) for left, right in other)
    assert not same_value(Decimal(1), Decimal(1))
