"""What the transactions of a block share and use up: asked and counted at the frontier."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import blockstm
from blockstm import Executor, Invalid, Revert, reference
from blockstm.errors import InvalidBlock, TransactionError
from blockstm.executor import explore
from blockstm.types import Outcome, Status, View

ROOM = 20


class Room:
    """So many units for a block; a transaction asks for some, and may use fewer."""

    def __init__(self) -> None:
        self.left = ROOM
        self.asked: list[Any] = []

    def refusal(self, transaction: Any) -> Exception | None:
        self.asked.append(transaction)
        if transaction[0] == "broken":
            raise ArithmeticError("cannot tell")
        return Invalid(f"{self.left} left") if transaction[1] > self.left else None

    def count(self, transaction: Any, outcome: Outcome) -> None:
        if transaction[0] == "uncountable":
            raise ArithmeticError("cannot count")
        self.left -= outcome.gas_used


class Sharing:
    """A VM whose transactions share a `Room`: ("kind", asks for, uses, key)."""

    def __init__(self) -> None:
        self.rooms: list[Room] = []

    def __blockstm_admission__(self) -> Room:
        self.rooms.append(Room())
        return self.rooms[-1]

    def __call__(self, view: View, transaction: Any) -> Any:
        kind, _, uses, key = transaction
        view.charge(uses)
        seen = view.get(key, 0)
        view.put(key, seen + 1)
        if kind == "revert":
            raise Revert("no")
        if kind == "invalid" or (kind == "fifth" and seen >= 4):
            raise Invalid("not here")
        return seen


kinds = st.sampled_from(["pay", "pay", "pay", "revert", "invalid", "fifth"])
pools = st.lists(
    st.tuples(kinds, st.integers(0, 12), st.integers(0, 6), st.sampled_from("ab")), max_size=14
)


def told(result: Any) -> Any:
    listed = [
        (each.index, each.status, each.value, str(each.error), each.gas_used)
        for each in result.outcomes
    ]
    return listed, dict(result.writes), result.gas_used, result.cut


@given(pools, st.none() | st.integers(0, 30), st.lists(st.integers(0, 5), max_size=40))
def test_every_way_to_run_a_block_leaves_out_the_same(
    pool: Any, limit: int | None, choices: list[int]
) -> None:
    options: Any = {"on_invalid": "skip", "limit": limit}
    expected = told(reference.execute_block(pool, {"a": 0}, Sharing(), **options))
    for workers in (1, 3):
        vm = Sharing()
        with Executor(workers=workers) as executor:
            assert told(executor.execute_block(pool, {"a": 0}, vm, **options)) == expected
            streamed = executor.stream(pool, {"a": 0}, vm, **options)
            listed = list(streamed)
            assert [each.index for each in listed] == [each[0] for each in expected[0]]
            assert told(streamed.result) == expected
        asked = pool if limit is None else pool[: len(expected[0]) + 1]
        assert [room.asked for room in vm.rooms] == [list(asked)] * 2  # each once, in order
    explored = explore(pool, {"a": 0}, Sharing(), choices=choices, workers=2, **options)
    assert explored.result is not None
    assert told(explored.result) == expected


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_refused_ends_the_block_where_nothing_may_be_skipped(workers: int) -> None:
    block = [("pay", 5, 5, "a")] * 3 + [("pay", 6, 0, "a"), ("pay", 0, 0, "a")]
    with pytest.raises(InvalidBlock) as raised:
        blockstm.execute_block(block, {}, Sharing(), workers=workers)
    assert raised.value.index == 3
    assert str(raised.value.__cause__) == "5 left"
    assert raised.value.prefix is not None
    assert raised.value.prefix.writes == {"a": 3}


@pytest.mark.parametrize("kind", ["broken", "uncountable"])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_question_is_one_of_the_transaction(kind: str, workers: int) -> None:
    block = [("pay", 1, 1, "a"), (kind, 1, 1, "b"), ("pay", 1, 1, "a")]
    errors = []
    for execute_block in (reference.execute_block, Executor(workers=workers).execute_block):
        with pytest.raises(TransactionError) as raised:
            execute_block(block, {}, Sharing(), on_invalid="skip")
        assert isinstance(raised.value.__cause__, ArithmeticError)
        assert raised.value.prefix is not None
        errors.append((raised.value.index, str(raised.value), raised.value.prefix.writes))
    assert errors[0] == errors[1]
    assert errors[0][::2] == (1, {"a": 1})


def test_what_a_refused_transaction_wrote_ahead_of_the_frontier_is_gone() -> None:
    block = [("pay", 8, 6, "a")] * 40
    result = blockstm.execute_block(block, {}, Sharing(), on_invalid="skip", workers=4)
    assert result.outcomes.count_of(Status.SUCCESS) == 3
    assert result.writes == {"a": 3}
