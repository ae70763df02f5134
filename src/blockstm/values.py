"""What values are to the engine: when two are the same, and what a number is."""

from __future__ import annotations

import struct
from numbers import Number
from typing import Any, Final, TypeGuard

__all__ = ["ABSENT", "check_number", "is_int", "is_number", "plus", "same_value"]


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
