"""One comparison behind every test: is what the engine returned what the reference returned?

Compared are outcomes, gas, the final writes with their order, the cut and, where a block failed,
the error with its place, its cause and the prefix that it left. Left out is only what depends on
the schedule: `blockstm.types.Stats`, and which of several equal keys names a location.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Number
from typing import Any

from blockstm.errors import BlockError, InternalError
from blockstm.kinds import check_kind
from blockstm.messages import brief
from blockstm.types import BlockResult, Outcome
from blockstm.values import same_value

__all__ = ["Ran", "assert_same_result", "difference", "identical", "run"]


@dataclass(frozen=True, slots=True)
class Ran:
    """The end of a call of ``execute_block``: exactly one of the two is not None.

    Attributes:
        result: what it returned.
        error: the `BlockError` or `InternalError` it raised.
    """

    result: BlockResult | None = None
    error: BaseException | None = None


def run(execute: Callable[..., BlockResult], *args: Any, **options: Any) -> Ran:
    """Call ``execute`` and keep its result, or the error that ended the block.

    Usage errors are the caller's and pass through.

    Example:
        >>> from blockstm import reference
        >>> from blockstm.testing import run
        >>> ran = run(reference.execute_block, ["a"], {}, lambda view, key: view.get(key, 7))
        >>> ran.result.outcomes[0].value
        7
    """
    try:
        return Ran(result=execute(*args, **options))
    except (BlockError, InternalError) as error:
        return Ran(error=error)


def assert_same_result(actual: Ran | BlockResult, expected: Ran | BlockResult) -> None:
    """Fail with the first difference between two results or failures of one block.

    Raises:
        AssertionError: they differ; the message names the place and both values.

    Example:
        >>> from blockstm import reference
        >>> from blockstm.testing import assert_same_result
        >>> one = reference.execute_block([1], {}, lambda view, n: view.put("a", n))
        >>> two = reference.execute_block([1.0], {}, lambda view, n: view.put("a", n))
        >>> assert_same_result(one, one)
        >>> assert_same_result(one, two)
        Traceback (most recent call last):
            ...
        AssertionError: writes['a'] is 1, should be 1.0
    """
    found = difference(_as_ran(actual), _as_ran(expected))
    if found is not None:
        raise AssertionError(found)


def difference(actual: Ran, expected: Ran) -> str | None:
    """The first difference as one readable line, None where there is none."""
    check_kind(actual, Ran, "actual")
    check_kind(expected, Ran, "expected")
    return next(_differences(actual, expected), None)


def identical(left: object, right: object) -> bool:
    """Whether two values are the same to every observer, made by two runs of one VM.

    `blockstm.values.same_value`, extended to what two runs build apart from each
    other: containers element by element, exceptions by type and arguments, other numbers by
    value and spelling (``Decimal("1.0")`` is not ``Decimal("1.00")``), other objects by ``==``.
    """
    if same_value(left, right):
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, BaseException) and isinstance(right, BaseException):
        return identical(left.args, right.args)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(identical, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return identical(list(left.items()), list(right.items()))
    if isinstance(left, complex) and isinstance(right, complex):
        return _bits(left) == _bits(right)
    if isinstance(left, Number):
        return repr(left) == repr(right)
    return not isinstance(left, (int, float, str, bytes)) and bool(left == right)


def _bits(number: complex) -> bytes:
    return struct.pack("dd", number.real, number.imag)


def _as_ran(what: Ran | BlockResult) -> Ran:
    if isinstance(what, Ran):
        return what
    check_kind(what, BlockResult, "a result")
    return Ran(result=what)


def _differences(actual: Ran, expected: Ran) -> Iterator[str]:
    if isinstance(actual.error, InternalError):
        yield f"the engine reports a bug of its own: {actual.error}"
    if actual.result is not None and expected.result is not None:
        yield from _result_differences(actual.result, expected.result, "")
    elif actual.error is not None and expected.error is not None:
        yield from _error_differences(actual.error, expected.error)
    else:
        yield f"the block {_fate(actual)}, should have {_fate(expected)}"


def _fate(ran: Ran) -> str:
    if ran.error is None:
        return "returned a result"
    return f"raised {_told(ran.error)}"


def _told(error: BaseException | None) -> str:
    if not isinstance(error, BlockError):
        return brief(error)
    return f"{type(error).__name__} at transaction {error.index} from {brief(error.__cause__)}"


def _error_differences(actual: BaseException, expected: BaseException) -> Iterator[str]:
    place = "the error"
    if type(actual) is not type(expected):
        yield f"{place} is {_told(actual)}, should be {_told(expected)}"
    if not isinstance(actual, BlockError) or not isinstance(expected, BlockError):
        return
    yield from _unequal("the error's index", actual.index, expected.index)
    yield from _unequal("the error's cause", actual.__cause__, expected.__cause__)
    yield from _unequal("the error's message", str(actual), str(expected))
    if actual.prefix is None or expected.prefix is None:
        yield from _unequal("the error's prefix", actual.prefix, expected.prefix)
    else:
        yield from _result_differences(actual.prefix, expected.prefix, "prefix: ")


def _result_differences(actual: BlockResult, expected: BlockResult, where: str) -> Iterator[str]:
    for mine, theirs in zip(actual.outcomes, expected.outcomes, strict=False):
        yield from _outcome_differences(mine, theirs, where)
    yield from _unequal(
        f"{where}the number of outcomes", len(actual.outcomes), len(expected.outcomes)
    )
    yield from _unequal(f"{where}cut", actual.cut, expected.cut)
    yield from _write_differences(actual.writes, expected.writes, where)
    yield from _unequal(f"{where}gas_used", actual.gas_used, expected.gas_used)


def _outcome_differences(actual: Outcome, expected: Outcome, where: str) -> Iterator[str]:
    for name in ("index", "status", "error", "value", "gas_used"):
        place = f"{where}outcomes[{expected.index}].{name}"
        yield from _unequal(place, getattr(actual, name), getattr(expected, name))


def _write_differences(
    actual: Mapping[Any, Any], expected: Mapping[Any, Any], where: str
) -> Iterator[str]:
    for key, value in expected.items():
        if key not in actual:
            yield f"{where}writes[{brief(key)}] is missing, should be {brief(value)}"
        else:
            yield from _unequal(f"{where}writes[{brief(key)}]", actual[key], value)
    for key, value in actual.items():
        if key not in expected:
            yield f"{where}writes[{brief(key)}] is {brief(value)}, should not be there"
    if list(actual) != list(expected):
        shown, right = brief(list(actual)), brief(list(expected))
        yield f"{where}the keys of writes, in order, are {shown}, not {right}"


def _unequal(place: str, actual: object, expected: object) -> Iterator[str]:
    if not identical(actual, expected):
        yield f"{place} is {brief(actual)}, should be {brief(expected)}"
