"""Elements by themselves: requantised, added, clipped, looked up; and rows made columns."""

from __future__ import annotations

from blockstm.reference.inference.shapes import (
    MOVE_WORK,
    SCALING_WORK,
    Shape,
    check,
    check_dimensions,
    check_range,
    clipped,
    int8s,
    ints,
    pack_int8s,
    rounded_shift,
)

__all__ = [
    "SHIFT_MAX",
    "add",
    "add_shape",
    "check_scaling",
    "clip",
    "clip_shape",
    "join",
    "join_shape",
    "multiply",
    "multiply_shape",
    "requantise",
    "requantise_shape",
    "table",
    "table_shape",
    "transpose",
    "transpose_shape",
]

SHIFT_MAX = 62


def check_scaling(shift: int, *int8: int) -> None:
    """Refuse a shift that is none, and bounds or zero points that are no int8.

    Raises:
        PrecompileFailure: so.
    """
    check_range(shift, 1, SHIFT_MAX)
    for number in int8:
        check_range(number, -128, 127)


def requantise_shape(parameters: tuple[int, ...]) -> Shape:
    """int32[outer, channels, inner], a multiplier and a shift for each channel → int8."""
    outer, channels, inner, zero, low, high, *_ = parameters
    check_dimensions((outer, channels, inner))
    check_scaling(1, zero, low, high)
    check(low <= high, "the bounds are in order")
    count = outer * channels * inner
    return Shape((4 * count, 4 * channels, channels), count, SCALING_WORK * count)


def requantise(parameters: tuple[int, ...], operands: list[bytes]) -> bytes:
    """Each times its multiplier, shifted right and rounded, the zero point added, clipped."""
    _, channels, inner, zero, low, high, *_ = parameters
    multipliers, shifts = ints(operands[1]), list(operands[2])
    for multiplier, shift in zip(multipliers, shifts, strict=True):
        check(multiplier >= 0, "a multiplier is 0 or more")
        check_scaling(shift)
    given = []
    for place, number in enumerate(ints(operands[0])):
        channel = place // inner % channels
        scaled = rounded_shift(number * multipliers[channel], shifts[channel])
        given.append(clipped(scaled + zero, low, high))
    return pack_int8s(given)


def add_shape(parameters: tuple[int, ...]) -> Shape:
    """int8[n] + int8[n], each with a zero point and a multiplier, one shift → int8."""
    count, left_zero, left, right_zero, right, shift, zero, low, high, *_ = parameters
    check_dimensions((count,))
    check_scaling(shift, left_zero, right_zero, zero, low, high)
    check(left >= 0 and right >= 0, "a multiplier is 0 or more")
    check(low <= high, "the bounds are in order")
    return Shape((count, count, 0), count, SCALING_WORK * count)


def add(parameters: tuple[int, ...], operands: list[bytes]) -> bytes:
    """Both scaled exactly, their sum shifted right and rounded, the zero point added, clipped."""
    _, left_zero, left, right_zero, right, shift, zero, low, high, *_ = parameters
    given = []
    for a, b in zip(int8s(operands[0]), int8s(operands[1]), strict=True):
        scaled = rounded_shift((a - left_zero) * left + (b - right_zero) * right, shift)
        given.append(clipped(scaled + zero, low, high))
    return pack_int8s(given)


def multiply_shape(parameters: tuple[int, ...]) -> Shape:
    """int8[rows, inner] times int8[rows], each with a zero point, one multiplier → int8."""
    rows, inner, left_zero, right_zero, multiplier, shift, zero, low, high, *_ = parameters
    check_dimensions((rows, inner))
    check_scaling(shift, left_zero, right_zero, zero, low, high)
    check(multiplier >= 0, "a multiplier is 0 or more")
    check(low <= high, "the bounds are in order")
    count = rows * inner
    return Shape((count, rows, 0), count, SCALING_WORK * count)


def multiply(parameters: tuple[int, ...], operands: list[bytes]) -> bytes:
    """Each with its row's number, exactly; scaled, shifted right, rounded, clipped."""
    _, inner, left_zero, right_zero, multiplier, shift, zero, low, high, *_ = parameters
    by_row = int8s(operands[1])
    given = []
    for place, number in enumerate(int8s(operands[0])):
        exact = (number - left_zero) * (by_row[place // inner] - right_zero)
        given.append(clipped(rounded_shift(exact * multiplier, shift) + zero, low, high))
    return pack_int8s(given)


def join_shape(parameters: tuple[int, ...]) -> Shape:
    """int8[rows, p] and int8[rows, q] → int8[rows, p + q]."""
    rows, left, right, *_ = parameters
    check_dimensions((rows, left, right))
    count = rows * (left + right)
    return Shape((rows * left, rows * right, 0), count, MOVE_WORK * count)


def join(parameters: tuple[int, ...], operands: list[bytes]) -> bytes:
    """Each row of the second behind that of the first."""
    rows, left, right, *_ = parameters
    first, second = operands[0], operands[1]
    return b"".join(
        first[row * left : (row + 1) * left] + second[row * right : (row + 1) * right]
        for row in range(rows)
    )


def clip_shape(parameters: tuple[int, ...]) -> Shape:
    """int8[n] between two bounds; a ReLU is one whose lower bound is the zero point."""
    count, low, high, *_ = parameters
    check_dimensions((count,))
    check_scaling(1, low, high)
    check(low <= high, "the bounds are in order")
    return Shape((count, 0, 0), count, count)


def clip(parameters: tuple[int, ...], operands: list[bytes]) -> bytes:
    """Each number, or the bound that it is behind."""
    _, low, high, *_ = parameters
    return pack_int8s([clipped(number, low, high) for number in int8s(operands[0])])


def table_shape(parameters: tuple[int, ...]) -> Shape:
    """int8[n] → what an int8[256] has for each number, that for -128 first."""
    check_dimensions(parameters[:1])
    return Shape((parameters[0], 256, 0), parameters[0], MOVE_WORK * parameters[0])


def table(parameters: tuple[int, ...], operands: list[bytes]) -> bytes:
    """Each number looked up."""
    return bytes(operands[1][number + 128] for number in int8s(operands[0]))


def transpose_shape(parameters: tuple[int, ...]) -> Shape:
    """int8[rows, columns] → int8[columns, rows]."""
    rows, columns, *_ = parameters
    check_dimensions((rows, columns))
    return Shape((rows * columns, 0, 0), rows * columns, MOVE_WORK * rows * columns)


def transpose(parameters: tuple[int, ...], operands: list[bytes]) -> bytes:
    """Rows made columns."""
    columns = parameters[1]
    return b"".join(operands[0][column::columns] for column in range(columns))
