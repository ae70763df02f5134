"""The one comparison behind every test notices every difference and nothing else."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from blockstm import reference
from blockstm.errors import InputError, InternalError, Revert, StateError, TransactionError
from blockstm.testing import Ran, assert_same_result, difference, identical, run, scripted_vm
from blockstm.types import BlockResult, Outcome, Stats, Status

RESULT = BlockResult(
    outcomes=(
        Outcome(0, Status.SUCCESS, (1, "x"), None, 3),
        Outcome(1, Status.REVERTED, None, Revert("no"), 4),
    ),
    writes={"a": 1, "b": 2},
    gas_used=7,
    cut=2,
)


def with_outcome(place: int, /, **changes: Any) -> BlockResult:
    outcomes = list(RESULT.outcomes)
    outcomes[place] = replace(outcomes[place], **changes)
    return replace(RESULT, outcomes=tuple(outcomes))


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        (with_outcome(0, value=(True, "x")), "outcomes[0].value"),
        (with_outcome(0, gas_used=4), "outcomes[0].gas_used"),
        (with_outcome(0, index=1), "outcomes[0].index"),
        (with_outcome(1, status=Status.SKIPPED), "outcomes[1].status"),
        (with_outcome(1, error=Revert("yes")), "outcomes[1].error"),
        (with_outcome(1, error=ValueError("no")), "outcomes[1].error"),
        (replace(RESULT, outcomes=RESULT.outcomes[:1]), "the number of outcomes"),
        (replace(RESULT, writes={"b": 2, "a": 1}), "in order"),
        (replace(RESULT, writes={"a": 1}), "writes['b'] is missing"),
        (replace(RESULT, writes={"a": 1, "b": 2, "c": 3}), "writes['c'] is 3"),
        (replace(RESULT, writes={"a": 1.0, "b": 2}), "writes['a']"),
        (replace(RESULT, gas_used=8), "gas_used"),
        (replace(RESULT, cut=None), "cut"),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_every_part_of_a_result_counts(changed: BlockResult, place: str) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_same_result(changed, RESULT)
    assert place in str(caught.value)


def test_which_of_equal_keys_names_a_location_does_not_count() -> None:
    assert_same_result(replace(RESULT, writes={1: 5}), replace(RESULT, writes={True: 5}))


def test_statistics_do_not_count() -> None:
    assert_same_result(replace(RESULT, stats=Stats(workers=9)), RESULT)


def failure(**changes: Any) -> Ran:
    parts = {"kind": TransactionError, "cause": ValueError("x"), "index": 1, "prefix": RESULT}
    parts |= changes
    error = parts["kind"](parts.get("message", "failed"), parts["index"], parts["prefix"])
    error.__cause__ = parts["cause"]
    return Ran(error=error)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": StateError},
        {"cause": ValueError("y")},
        {"cause": TypeError("x")},
        {"cause": None},
        {"index": 2},
        {"message": "went wrong"},
        {"prefix": None},
        {"prefix": replace(RESULT, gas_used=1)},
    ],
    ids=str,
)
def test_every_part_of_a_failure_counts(changes: dict[str, Any]) -> None:
    assert difference(failure(), failure()) is None
    assert difference(failure(**changes), failure()) is not None


def test_a_failure_is_not_a_result() -> None:
    assert "raised TransactionError at transaction 1" in str(difference(failure(), Ran(RESULT)))
    assert "returned a result" in str(difference(Ran(RESULT), failure()))


def test_a_bug_of_the_engine_is_always_a_difference() -> None:
    bug = Ran(error=InternalError("lost a worker"))
    assert "lost a worker" in str(difference(bug, bug))


def test_run_keeps_the_errors_that_end_a_block_and_no_others() -> None:
    ran = run(reference.execute_block, [[("raise", "x")]], {}, scripted_vm)
    assert isinstance(ran.error, TransactionError)

    def misused() -> BlockResult:
        raise InputError("wrong kind")

    with pytest.raises(InputError):
        run(misused)


class Plain:
    """An object that is equal to itself only."""


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ([1, {"a": 2.5}], [1, {"a": 2.5}], True),
        ([1], (1,), False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
        (Decimal("1.0"), Decimal("1.0"), True),
        (Decimal("1.0"), Decimal("1.00"), False),
        (Fraction(1, 2), Fraction(1, 2), True),
        (Fraction(1), 1, False),
        (complex(0.0, -0.0), complex(0.0, 0.0), False),
        (float("nan"), float("nan"), True),
        (Revert("a", 1), Revert("a", 1), True),
        (Revert("a", 1), Revert("a", True), False),
        (frozenset({1}), frozenset({1}), True),
        (Plain(), Plain(), False),
        ("a", b"a", False),
    ],
)
def test_identical(left: object, right: object, expected: bool) -> None:
    assert identical(left, right) is expected
