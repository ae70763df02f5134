"""Values as the engine compares them: when two are the same, and which are numbers."""

from __future__ import annotations

import struct
from numbers import Number
from typing import Any, ClassVar, Final, TypeGuard

from blockstm.messages import brief

__all__ = [
    "ABSENT",
    "Int64Delta",
    "NativeDelta",
    "OutOfRange",
    "Uint256Delta",
    "WrappingDelta",
    "check_number",
    "is_int",
    "is_number",
    "plus",
    "same_value",
]


class _Absent:
    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""No value at a location."""


def is_number(value: object) -> bool:
    """Whether ``value`` can be added to: an int, float, or any other `numbers.Number`."""
    return isinstance(value, Number)


def is_int(value: object) -> TypeGuard[int]:
    """Whether ``value`` is an int and no bool, which Python counts among them."""
    return isinstance(value, int) and not isinstance(value, bool)


def check_number(what: str, value: object) -> None:
    """Raise TypeError unless ``value`` is a number."""
    if not is_number(value):
        raise TypeError(f"{what} must be a number, not {type(value).__name__}")


def plus(value: Any, delta: Any) -> Any:
    """``value + delta``, where an absent value counts as 0.

    Raises:
        TypeError: the value is not a number.
    """
    if value is ABSENT:
        value = 0
    check_number("the value a delta is added to", value)
    return value + delta


def same_value(left: object, right: object) -> bool:
    """Whether no transaction could tell one from the other.

    True for one and the same object and for equal immutable built-ins of one type; ``1``,
    ``True`` and ``1.0`` differ, and so do ``0.0`` and ``-0.0``. Two equal objects of other
    types are taken to differ: that costs a run, never a wrong result.
    """
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, float) and type(left) is float:
        return struct.pack("d", left) == struct.pack("d", right)
    if type(left) is tuple and type(right) is tuple:
        return len(left) == len(right) and all(map(same_value, left, right))
    return type(left) in (int, str, bytes) and left == right


class OutOfRange(OverflowError):
    """A sum leaves the range of a native VM's numbers."""

    def at(self, key: object) -> OverflowError:
        """The error to be raised, once it is known where."""
        return OverflowError(f"the sum at {brief(key)} leaves the range of numbers")


class NativeDelta(int):
    """A delta of a native VM on a Python view: sums keep to the range of the VM's numbers.

    A sum of two deltas is a delta, a value and a delta are a value: a plain int.
    """

    lowest: ClassVar[int]
    highest: ClassVar[int]
    least: ClassVar[int]  # of a delta
    most: ClassVar[int]

    def __add__(self, other: int) -> int:
        if not isinstance(other, NativeDelta):
            return self.__radd__(other)
        total = int(self) + int(other)
        if not self.least <= total <= self.most:
            raise OutOfRange("the sum of two deltas leaves the range of deltas")
        return type(self)(total)

    def __radd__(self, value: int) -> int:
        total = int(value) + int(self)
        if not self.lowest <= total <= self.highest:
            raise OutOfRange("a sum leaves the range of numbers")
        return total


class Int64Delta(NativeDelta):
    """Of numbers of 64 bits with a sign."""

    lowest = least = -(2**63)
    highest = most = 2**63 - 1


class Uint256Delta(NativeDelta):
    """Of numbers of 256 bits without a sign."""

    lowest, highest = 0, 2**256 - 1
    least, most = -highest, highest


class WrappingDelta(NativeDelta):
    """Of numbers of 256 bits that wrap: sums are taken modulo 2**256."""

    def __add__(self, other: int) -> int:
        if isinstance(other, NativeDelta):
            return type(self)(int(self) + int(other))
        return self.__radd__(other)

    def __radd__(self, value: int) -> int:
        return (int(value) + int(self)) % 2**256
