"""Softmax, GELU and layer norm in integers (in the manner of I-BERT: Kim and others, 2021), and the
largest of a row."""

from __future__ import annotations

from math import isqrt

from blockstm.reference.inference.pointwise import check_scaling
from blockstm.reference.inference.shapes import (
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
    "gelu",
    "gelu_shape",
    "layer_norm",
    "layer_norm_shape",
    "softmax",
    "softmax_shape",
    "top",
    "top_shape",
]


def _rows(numbers: list[int], length: int) -> list[list[int]]:
    return [numbers[at : at + length] for at in range(0, len(numbers), length)]


def top_shape(parameters: tuple[int, ...]) -> Shape:
    """int8 or int32[rows, n] (wide 0 or 1) → the places of the k largest, words of 32 bytes."""
    rows, length, count, wide, *_ = parameters
    check_dimensions((rows, length, count))
    check_range(count, 1, min(length, 256))
    check_range(wide, 0, 1)
    size = rows * length * (4 if wide else 1)
    return Shape((size, 0, 0), 32 * rows * count, rows * length * (8 + 16 * count))


def top(parameters: tuple[int, ...], operands: list[bytes]) -> bytes:
    """The largest first; of equals, that which comes first."""
    _, length, count, wide, *_ = parameters
    words = []
    for row in _rows((ints if wide else int8s)(operands[0]), length):
        order = sorted(range(length), key=lambda place: (-row[place], place))
        words += [place.to_bytes(32, "big") for place in order[:count]]
    return b"".join(words)


def softmax_shape(parameters: tuple[int, ...]) -> Shape:
    """int8[rows, n] → int8[rows, n], of scale 1/256 and zero point -128."""
    rows, length, up, ln2, b, c, *_ = parameters
    check_dimensions((rows, length))
    check_range(length, 1, 1 << 16)
    check_range(up, 0, 12)
    check_range(ln2, 1, 1 << 15)
    check_range(b, 0, 1 << 15)
    check(c >= 0 and b * b + c > 0, "e to the 0 is more than 0")
    count = rows * length
    return Shape((count, 0, 0), count, 80 * count)


def exponential(number: int, ln2: int, b: int, c: int) -> int:
    """e to a number of 0 or less: ((p + b)² + c) / 2^z, with number = p - z·ln2, -ln2 < p <= 0."""
    halvings = -number // ln2
    if halvings > 32:
        return 0
    return ((number + halvings * ln2 + b) ** 2 + c) >> halvings


def softmax(parameters: tuple[int, ...], operands: list[bytes]) -> bytes:
    """256 times each exponential by their sum, rounded, at most 255, less 128."""
    _, length, up, ln2, b, c, *_ = parameters
    given = []
    for row in _rows(int8s(operands[0]), length):
        largest = max(row)
        parts = [exponential((number - largest) << up, ln2, b, c) for number in row]
        total = sum(parts)
        given += [min((256 * part + total // 2) // total, 255) - 128 for part in parts]
    return pack_int8s(given)


def gelu_shape(parameters: tuple[int, ...]) -> Shape:
    """int8[n] → int8[n]."""
    count, zero_in, up, b, one, multiplier, shift, zero, *_ = parameters
    check_dimensions((count,))
    check_scaling(shift, zero_in, zero)
    check_range(up, 0, 7)
    check_range(b, 1, 1 << 12)
    check_range(one, 1, 1 << 25)
    check_range(multiplier, 0, (1 << 21) - 1)
    return Shape((count, 0, 0), count, 128 * count)


def gelu(parameters: tuple[int, ...], operands: list[bytes]) -> bytes:
    """q·(erf(q) + one), requantised, where erf(q) = sign(q)·(one - (min(|q|, b) - b)²)."""
    _, zero_in, up, b, one, multiplier, shift, zero, *_ = parameters
    given = []
    for number in int8s(operands[0]):
        q = (number - zero_in) << up
        size = one - (min(abs(q), b) - b) ** 2
        erf = (q > 0) * size - (q < 0) * size
        given.append(clipped(rounded_shift(q * (erf + one) * multiplier, shift) + zero))
    return pack_int8s(given)


def layer_norm_shape(parameters: tuple[int, ...]) -> Shape:
    """int8[rows, n], gamma and beta of int32[n] → int8[rows, n]."""
    rows, length, shift, zero, high, low, *_ = parameters
    check_dimensions((rows, length))
    check_range(length, 1, 1 << 15)
    check_scaling(shift, zero)
    check(high >= 0 and low >= 0, "an epsilon is 0 or more")
    count = rows * length
    return Shape((count, 4 * length, 4 * length), count, 192 * count)


def layer_norm(parameters: tuple[int, ...], operands: list[bytes]) -> bytes:
    """Each number's distance from the mean by the deviation, in 1024ths, times gamma, and beta.

    The variance is in n² squares of the input's step, and so is epsilon, which is added to it.
    """
    _, length, shift, zero, high, low, *_ = parameters
    epsilon = high << 31 | low
    gamma, beta = ints(operands[1]), ints(operands[2])
    given = []
    for row in _rows(int8s(operands[0]), length):
        total = sum(row)
        distances = [length * number - total for number in row]  # n times the distance: exact
        deviation = max(isqrt(sum(d * d for d in distances) // length + epsilon), 1)
        for distance, scale, offset in zip(distances, gamma, beta, strict=True):
            normal = (1024 * distance + deviation // 2) // deviation
            given.append(clipped(rounded_shift(normal * scale + offset, shift) + zero))
    return pack_int8s(given)
