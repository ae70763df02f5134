"""How long the operands and outputs of an instruction are, and what its work costs."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from blockstm.errors import PrecompileFailure

__all__ = [
    "BASE_GAS",
    "BYTES_MAX",
    "BYTES_PER_GAS",
    "DIMENSION_MAX",
    "MOVE_WORK",
    "SCALING_WORK",
    "WORK_PER_GAS",
    "Shape",
    "check",
    "check_dimensions",
    "check_range",
    "clipped",
    "int8s",
    "ints",
    "pack_int8s",
    "pack_ints",
    "rounded_shift",
]

BASE_GAS: Final = 300
WORK_PER_GAS: Final = 32
"""Multiply-accumulates, or what takes as long."""
BYTES_PER_GAS: Final = 8

MOVE_WORK: Final = 12
SCALING_WORK: Final = 16

DIMENSION_MAX: Final = 1 << 24
BYTES_MAX: Final = 1 << 26
"""Of a tensor, and of all registers of a program together."""


class Shape(NamedTuple):
    """What an instruction takes, gives and costs. An operand of 0 bytes is not there."""

    operand_bytes: tuple[int, int, int]
    output_bytes: int
    work: int
    optional: int = -1
    """The operand that may be absent; -1: none."""

    def gas(self, there: Sequence[int]) -> int:
        """The price, by the operands that are there."""
        moved = sum(there) + self.output_bytes
        return BASE_GAS + -(-self.work // WORK_PER_GAS) + -(-moved // BYTES_PER_GAS)


def check(holds: bool, what: str) -> None:
    """Refuse the input where it does not hold.

    Raises:
        PrecompileFailure: so.
    """
    if not holds:
        raise PrecompileFailure(what)


def check_range(value: int, low: int, high: int) -> None:
    """Refuse the input where a number is not in a range, both ends included.

    Raises:
        PrecompileFailure: so.
    """
    check(low <= value <= high, f"{value} is not from {low} to {high}")


def check_dimensions(dimensions: Iterable[int]) -> None:
    """Refuse the input where a dimension is not from 1 to 2**24.

    Raises:
        PrecompileFailure: so.
    """
    for dimension in dimensions:
        check_range(dimension, 1, DIMENSION_MAX)


def int8s(data: bytes) -> list[int]:
    """The numbers in a tensor of int8."""
    return list(struct.unpack(f"<{len(data)}b", data))


def ints(data: bytes) -> list[int]:
    """The numbers in a tensor of int32."""
    return list(struct.unpack(f"<{len(data) // 4}i", data))


def pack_int8s(numbers: Sequence[int]) -> bytes:
    """A tensor of int8."""
    return struct.pack(f"<{len(numbers)}b", *numbers)


def pack_ints(numbers: Sequence[int]) -> bytes:
    """A tensor of int32."""
    return struct.pack(f"<{len(numbers)}i", *numbers)


def rounded_shift(number: int, shift: int) -> int:
    """``number / 2**shift``, rounded to the nearest, halves upwards: the one rounding rule."""
    return (number + (1 << (shift - 1))) >> shift


def clipped(number: int, low: int = -128, high: int = 127) -> int:
    """The nearest number in a range."""
    return min(max(number, low), high)
