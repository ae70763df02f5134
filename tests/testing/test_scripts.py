"""Scripted transactions: each operation, and the native VM against its Python reference."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from blockstm import reference
from blockstm.errors import InputError
from blockstm.testing import NOTHING, NativeScripts, scripted_vm
from blockstm.testing.strategies import OPERATIONS, blocks, choices, numbers, states, values


@pytest.mark.parametrize(
    ("operations", "seen", "writes"),
    [
        ([("get", "a"), ("get", "x")], (1, NOTHING), {}),
        ([("bump", "a", 2), ("bump", "x", 2)], (3, 2), {"a": 3, "x": 2}),
        ([("copy", "a", "x")], (1,), {"x": 1}),
        ([("copy", "x", "y")], (NOTHING,), {}),
        ([("follow", "name", 5)], ("a",), {"a": 6}),
        ([("follow", "x", 5)], (0,), {0: 5}),
        ([("branch", "a", [("get", "a")], [("revert", "no")])], (1, 1), {}),
        ([("branch", "x", [("revert", "no")], [("put", "y", 1)])], (0,), {"y": 1}),
    ],
)
def test_an_operation_does_what_it_says(operations: Any, seen: Any, writes: Any) -> None:
    result = reference.execute_block([operations], {"a": 1, "name": "a"}, scripted_vm)
    assert (result.outcomes[0].value, result.writes) == (seen, writes)


def test_strategies_reach_every_operation() -> None:
    met: set[str] = set()

    @hypothesis.settings(max_examples=300, derandomize=True, database=None)
    @hypothesis.given(blocks())
    def meet(block: list[Any]) -> None:
        met.update(operation[0] for transaction in block for operation in transaction)

    meet()
    assert met == set(OPERATIONS)


@pytest.mark.parametrize(("hot", "least", "most"), [(0.0, 0.0, 0.5), (0.5, 0.3, 0.9), (1.0, 1, 1)])
def test_contention_is_chosen(hot: float, least: float, most: float) -> None:
    taken: list[str] = []

    @hypothesis.settings(max_examples=200, derandomize=True, database=None)
    @hypothesis.given(blocks(keys=8, hot=hot, ops=["bump"]))
    def take(block: list[Any]) -> None:
        taken.extend(operation[1] for transaction in block for operation in transaction)

    take()
    share = taken.count("a") / len(taken)
    assert least <= share <= most


@hypothesis.given(states(3, values()), numbers(), choices(workers=3))
def test_strategies_give_what_they_promise(state: Any, number: Any, schedule: Any) -> None:
    assert set(state) <= {"a", "b", "c"}
    assert number + number is not None
    assert set(schedule) <= {0, 1, 2}


def test_unknown_operations_are_refused_when_bound() -> None:
    with pytest.raises(InputError, match="no operation"):
        NativeScripts().__blockstm_bind__([[("jump", 1)]])
    with pytest.raises(InputError):
        NativeScripts().__blockstm_bind__([[("get", "not an int")]])


def test_a_bound_block_gives_values_and_errors() -> None:
    bound = NativeScripts().__blockstm_bind__([[("get", 1)], []])
    assert bound.count == 2
    assert bound.value((7).to_bytes(8, "little")) == 7
    assert [type(bound.error(0, status, b"x")).__name__ for status in (1, 2, 3)] == [
        "Revert",
        "Invalid",
        "ScriptError",
    ]


@hypothesis.given(st.integers(-5, 5), st.integers(-5, 5))
def test_the_python_reference_tells_apart_what_it_looked_at(left: int, right: int) -> None:
    vm = NativeScripts()
    seen = [
        reference.execute_block([[("get", 1)]], {1: value}, vm.python).outcomes[0].value
        for value in (left, right)
    ]
    assert (seen[0] == seen[1]) is (left == right)
