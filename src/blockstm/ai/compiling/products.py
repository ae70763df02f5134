"""Matrix products: layers with weights, and two computed values."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from blockstm.ai.building import Builder
from blockstm.ai.compiling.quantising import computed
from blockstm.ai.compiling.values import Constant, Integers, Node, Sums
from blockstm.ai.model import Scale

__all__ = ["bias_of", "gemm", "matmul", "weights_of"]

_SUM_MAX = (1 << 31) - 1


def weights_of(node: Node, number: int, channels: int) -> tuple[Any, tuple[float, ...]]:
    """The int8 of a layer's weights, and a scale for each of its channels, or one for all.

    Raises:
        ModelError: they were not quantised, or along another axis.
    """
    weights = node.constant(number, "weights")
    if weights.integers is None:
        raise node.fail("its weights are real numbers; they must be int8 behind DequantizeLinear")
    if len(weights.scales) not in (1, channels):
        raise node.fail(
            f"its weights have {len(weights.scales)} scales for {channels} output channels"
        )
    return weights.integers, weights.scales


def bias_of(
    node: Node, given: Constant | None, weights: Any, scales: tuple[float, ...], of: Scale
) -> bytes:
    """The bias as int32, with what the input's zero point comes to; rows of weights are channels.

    Raises:
        ModelError: sums could overflow.
    """
    flat = weights.reshape(len(weights), -1).astype(np.int64)
    steps = np.broadcast_to(np.array(scales) * of.scale, len(flat))
    real = np.zeros(len(flat)) if given is None else np.asarray(given.numbers, float).reshape(-1)
    if real.size not in (1, len(flat)):
        raise node.fail(f"its bias has {real.size} numbers for {len(flat)} output channels")
    bias = np.rint(real / steps) - of.zero * flat.sum(axis=1)
    largest = int(np.abs(bias).max()) + flat.shape[1] * 128 * 128
    if largest > _SUM_MAX:
        raise node.fail(
            f"its sums may overflow int32: the largest bias and {flat.shape[1]} products of int8 "
            f"come to {largest}, and at most {_SUM_MAX} is held"
        )
    return bytes(bias.astype("<i4").tobytes())


def gemm(builder: Builder, node: Node) -> Sums:
    """Gemm: one row times a matrix of the model."""
    attributes = node.attributes
    if attributes.get("alpha", 1.0) != 1.0 or attributes.get("beta", 1.0) != 1.0:
        raise node.fail("alpha and beta are 1")
    if attributes.get("transA", 0):
        raise node.fail("its input is not transposed")
    bias = node.constant(2, "bias") if len(node.inputs) > 2 else None
    return _weighed(builder, node, bias, transposed=bool(attributes.get("transB", 0)))


def matmul(builder: Builder, node: Node) -> Sums:
    """MatMul: rows times a matrix of the model, or two computed matrices."""
    if isinstance(node.inputs[1], Integers):
        return _computed(builder, node)
    return _weighed(builder, node, None, transposed=False)


def _weighed(builder: Builder, node: Node, bias: Constant | None, *, transposed: bool) -> Sums:
    given = computed(builder, node)
    matrix = node.constant(1, "weights").numbers
    if matrix.ndim != 2:
        raise node.fail(f"its weights have {matrix.ndim} dimensions, not 2")
    columns, depth = matrix.shape if transposed else matrix.shape[::-1]
    if given.shape[-1] != depth:
        raise node.fail(f"its input has rows of {given.shape[-1]}, its weights of {depth}")
    integers, scales = weights_of(node, 1, columns)
    if len(scales) > 1 and node.inputs[1].axis != (0 if transposed else 1):
        raise node.fail("its weights have a scale for each input, not for each output")
    weights = integers if transposed else integers.T
    rows = prod(given.shape[:-1])
    operands = [given.value, weights.tobytes(), bias_of(node, bias, weights, scales, given.scale)]
    value = builder.add("product", [rows, depth, columns, 0], operands, 4 * rows * columns)
    builder.work += rows * depth * columns
    shape = (*given.shape[:-1], columns)
    steps = tuple(scale * given.scale.scale for scale in scales)
    channels = (rows, columns, 1) if len(steps) > 1 else (1, 1, rows * columns)
    return Sums(value, shape, channels, steps)


def _computed(builder: Builder, node: Node) -> Sums:
    """The second is transposed first: products go row by row on both sides."""
    left, right = computed(builder, node, 0), computed(builder, node, 1)
    if left.scale.zero or right.scale.zero:
        raise node.fail("two computed matrices are multiplied with zero points of 0 only")
    rows, depth, columns = prod(left.shape[:-1]), left.shape[-1], right.shape[-1]
    if prod(right.shape[:-1]) != depth:
        raise node.fail(f"matrices of {left.shape} and {right.shape} are not multiplied")
    turned = builder.add("transpose", [depth, columns], [right.value], depth * columns)
    operands = [left.value, turned, None]
    value = builder.add("product", [rows, depth, columns, 0], operands, 4 * rows * columns)
    builder.work += rows * depth * columns
    step = left.scale.scale * right.scale.scale
    shape = (*left.shape[:-1], columns)
    return Sums(value, shape, (1, 1, rows * columns), (step,))
