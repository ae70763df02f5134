"""Matrix products of int8 in int32, and the bound under which no order of additions overflows."""

from __future__ import annotations

from typing import Final

from blockstm.reference.inference.shapes import (
    Shape,
    check,
    check_dimensions,
    check_range,
    int8s,
    ints,
    pack_ints,
)

__all__ = ["PRODUCT_MAX", "check_bias", "product", "product_shape"]

PRODUCT_MAX: Final = (1 << 31) - 1


def check_bias(bias: list[int], depth: int) -> None:
    """Refuse what could leave int32 in some order of additions: |bias| + K·128² > 2³¹-1.

    Raises:
        PrecompileFailure: so.
    """
    largest = max((abs(number) for number in bias), default=0)
    check(largest + depth * 128 * 128 <= PRODUCT_MAX, "the sums may overflow")


def product_shape(parameters: tuple[int, ...]) -> Shape:
    """A[M,K] · B[N,K]ᵀ + bias: by column (axis 0, N of them) or by row (axis 1, M of them)."""
    rows, depth, columns, axis, *_ = parameters
    check_dimensions((rows, depth, columns))
    check_range(axis, 0, 1)
    check_bias([], depth)
    bias = rows if axis else columns
    sizes = (rows * depth, columns * depth, 4 * bias)
    return Shape(sizes, 4 * rows * columns, rows * depth * columns, optional=2)


def product(parameters: tuple[int, ...], operands: list[bytes]) -> bytes:
    """The product as int32[M,N]."""
    rows, depth, columns, axis, *_ = parameters
    left, right, bias = int8s(operands[0]), int8s(operands[1]), ints(operands[2])
    check_bias(bias, depth)
    bias = bias or [0] * (rows if axis else columns)
    sums = []
    for row in range(rows):
        of_row = left[row * depth : (row + 1) * depth]
        for column in range(columns):
            of_column = right[column * depth : (column + 1) * depth]
            dot = sum(a * b for a, b in zip(of_row, of_column, strict=True))
            sums.append(dot + bias[row if axis else column])
    return pack_ints(sums)
