"""ONNX operators → what they do with values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import erf, exp, inf, prod, sqrt, tanh
from typing import Any, Final

import numpy as np

from blockstm.ai.building import Builder
from blockstm.ai.compiling import pairs, products, windows
from blockstm.ai.compiling.quantising import computed, quantise
from blockstm.ai.compiling.values import (
    Constant,
    Integers,
    Node,
    Normalised,
    Places,
    Product,
    Shares,
    Sum,
    Sums,
    scale_of,
)
from blockstm.ai.model import Scale

__all__ = ["OPERATORS"]

_EPSILON: Final = 1e-5  # of a LayerNormalization that does not say

_Compile = Callable[[Builder, Node], Any]


def _scale(node: Node, at: int) -> Scale:
    """A scale and a zero point that are inputs; see `scale_of`.

    Raises:
        ModelError: as of `scale_of`, or they are computed.
    """
    scale, zero = node.constant(at, "scale").numbers, _zero(node, at + 1)
    return scale_of(scale, np.zeros((), np.uint8) if zero is None else zero, node.fail)


def _zero(node: Node, at: int) -> Any:
    """A zero point that is an input; None where it is left out."""
    return None if node.given(at) is None else node.constant(at, "zero point").numbers


def _quantised(builder: Builder, node: Node) -> Any:
    given = node.inputs[0]
    if isinstance(given, Constant):
        raise node.fail("weights are stored as int8 behind DequantizeLinear, not as real numbers")
    if isinstance(given, Places):
        raise node.fail("places are no real numbers")
    return quantise(builder, node, given, _scale(node, 1))


def _dequantised(builder: Builder, node: Node) -> Any:
    given = node.inputs[0]
    if isinstance(given, Constant):
        if node.attributes.get("block_size", 0):
            raise node.fail("there is one scale, or one for each channel: block_size is 0")
        axis = int(node.attributes.get("axis", 1))
        return _weights(node, given, node.constant(1, "scale").numbers, _zero(node, 2), axis)
    if not isinstance(given, Integers):
        raise node.fail("what it takes is int8 or uint8")
    if given.scale != _scale(node, 1):
        raise node.fail("its scale and zero point are those that its input was quantised with")
    return given


def _weights(node: Node, given: Constant, scale: Any, zero: Any, axis: int) -> Constant:
    """What integers of the model mean.

    Raises:
        ModelError: their zero point is not 0 (of uint8: 128), or a scale is none of theirs.
    """
    integers = given.numbers
    zeros = np.zeros(1, integers.dtype) if zero is None else np.atleast_1d(zero)
    scales = np.atleast_1d(scale).astype(float)
    if not (np.isfinite(scales) & (scales > 0)).all():
        raise node.fail("a scale is a number above 0")
    along = [1] * integers.ndim
    if scales.size > 1:
        if not -integers.ndim <= axis < integers.ndim or integers.shape[axis] != scales.size:
            raise node.fail(f"{scales.size} scales are not of axis {axis} of {integers.shape}")
        axis %= integers.ndim
        along[axis] = scales.size
    if integers.dtype == np.int32 and not zeros.any():
        return Constant(integers * (scales.reshape(along) if integers.ndim else scales[0]))
    if integers.dtype == np.uint8 and (zeros == 128).all():
        integers = (integers.astype(np.int16) - 128).astype(np.int8)
    elif integers.dtype != np.int8 or zeros.any():
        raise node.fail("weights are int8 with the zero point 0, or uint8 with 128; biases int32")
    return Constant(integers * scales.reshape(along), integers, tuple(scales.tolist()), axis)


def _cut(node: Node, low: float, high: float) -> Any:
    """The input between two bounds.

    Raises:
        ModelError: of what it is, there is no instruction that cuts.
    """
    given = node.inputs[0]
    if isinstance(given, Sums | Sum | Product):
        bounds = max(given.low, low), min(max(given.high, low), high)
        return replace(given, low=bounds[0], high=bounds[1])
    return node.mapped(lambda number: min(max(number, low), high))


def _clip(builder: Builder, node: Node) -> Any:
    bounds = [-inf, inf]
    for number in (1, 2):
        if len(node.inputs) > number and node.inputs[number] is not None:
            bounds[number - 1] = float(node.constant(number, "bound").numbers)
    return _cut(node, bounds[0], bounds[1])


def _reshaped(builder: Builder, node: Node) -> Any:
    given = _shapeable(builder, node)
    wanted = [int(number) for number in node.constant(1, "shape").numbers.reshape(-1)]
    if node.attributes.get("allowzero", 0):
        raise node.fail("a size of 0 is that of the input (allowzero is 0)")
    sizes = [*given.shape, *[0] * len(wanted)]
    shape = [sizes[at] if size == 0 else size for at, size in enumerate(wanted)]
    if shape.count(-1) == 1 and 0 not in shape:
        shape[shape.index(-1)] = prod(given.shape) // -prod(shape)
    if min(shape, default=1) < 1 or prod(shape) != prod(given.shape):
        raise node.fail(f"{list(given.shape)} is not reshaped to {wanted}")
    return given.shaped(tuple(shape))


def _flattened(builder: Builder, node: Node) -> Any:
    given, axis = _shapeable(builder, node), int(node.attributes.get("axis", 1))
    return given.shaped((prod(given.shape[:axis]), prod(given.shape[axis:])))


def _squeezed(builder: Builder, node: Node) -> Any:
    given = _shapeable(builder, node)
    if node.given(1) is None:
        raise node.fail("its axes are listed: the batch, which is one, stays")
    axes = {int(number) for number in node.constant(1, "axes").numbers.reshape(-1)}
    rank = len(given.shape)
    if any(not -rank < axis < rank or axis == 0 or given.shape[axis] != 1 for axis in axes):
        raise node.fail(f"axes of size 1 behind the batch are dropped, not {sorted(axes)}")
    dropped = {axis % rank for axis in axes}
    return given.shaped(tuple(n for at, n in enumerate(given.shape) if at not in dropped))


def _unsqueezed(builder: Builder, node: Node) -> Any:
    given = _shapeable(builder, node)
    axes = [int(number) for number in node.constant(1, "axes").numbers.reshape(-1)]
    rank = len(given.shape) + len(axes)
    placed = {axis % rank for axis in axes if -rank < axis < rank}
    if len(placed) != len(axes) or 0 in placed:
        raise node.fail(f"axes of size 1 come behind the batch, not {axes}")
    sizes = iter(given.shape)
    return given.shaped(tuple(1 if at in placed else next(sizes) for at in range(rank)))


def _shapeable(builder: Builder, node: Node) -> Integers | Sums:
    """The input, whose numbers stay as they are in another shape.

    Raises:
        ModelError: it is something else.
    """
    given = node.given(0)
    return given if isinstance(given, Integers | Sums) else computed(builder, node)


def _transposed(builder: Builder, node: Node) -> Any:
    given = computed(builder, node)
    order = [int(at) for at in node.attributes.get("perm", range(len(given.shape))[::-1])]
    if sorted(order) != [*range(len(given.shape))]:
        raise node.fail(f"{order} is no order of {len(given.shape)} axes")
    moved = [at for at in order if given.shape[at] != 1]
    shape = tuple(given.shape[at] for at in order)
    if moved == sorted(moved):
        return given.shaped(shape)
    if len(moved) != 2:
        raise node.fail("rows and columns change places, and nothing else does")
    rows, columns = (given.shape[at] for at in sorted(moved))
    value = builder.add("transpose", [rows, columns], [given.value], rows * columns)
    return replace(given, value=value, shape=shape)


def _shares(builder: Builder, node: Node) -> Shares:
    given = computed(builder, node)
    if int(node.attributes.get("axis", -1)) % len(given.shape) != len(given.shape) - 1:
        raise node.fail("it goes over the last axis")
    return Shares(given, given.shape)


def _normalised(builder: Builder, node: Node) -> Normalised:
    given = computed(builder, node)
    if int(node.attributes.get("axis", -1)) % len(given.shape) != len(given.shape) - 1:
        raise node.fail("it goes over the last axis")
    gamma = np.asarray(node.constant(1, "scale").numbers, float).reshape(-1)
    beta = np.zeros_like(gamma)
    if len(node.inputs) > 2:
        beta = np.asarray(node.constant(2, "bias").numbers, float).reshape(-1)
    if not len(gamma) == len(beta) == given.shape[-1]:
        raise node.fail("scale and bias are of the last axis")
    epsilon = float(node.attributes.get("epsilon", _EPSILON))
    if not 0 <= epsilon < inf:
        raise node.fail(f"epsilon is a number of 0 or more, not {epsilon:g}")
    return Normalised(given, gamma, beta, epsilon, given.shape)


def _largest(builder: Builder, node: Node) -> Places:
    if node.attributes.get("select_last_index", 0):
        raise node.fail("of equals, the first counts (select_last_index is 0)")
    shape = node.inputs[0].shape
    axis = int(node.attributes.get("axis", 0)) % len(shape)
    return _places(builder, node, axis, 1, keeps=bool(node.attributes.get("keepdims", 1)))


def _top(builder: Builder, node: Node) -> tuple[None, Places]:
    """TopK: the numbers themselves are not kept."""
    if not node.attributes.get("largest", 1) or not node.attributes.get("sorted", 1):
        raise node.fail("the largest come first")
    count = int(node.constant(1, "k").numbers.reshape(()))
    shape = node.inputs[0].shape
    axis = int(node.attributes.get("axis", -1)) % len(shape)
    return None, _places(builder, node, axis, count, keeps=True)


def _places(builder: Builder, node: Node, axis: int, count: int, *, keeps: bool) -> Places:
    given = node.inputs[0]
    is_sums = isinstance(given, Sums)
    if not is_sums:
        given = computed(builder, node)
    if axis != len(given.shape) - 1:
        raise node.fail("it goes over the last axis")
    if is_sums and len(set(given.scales)) > 1:
        raise node.fail("numbers of different scales are not compared: quantise them first")
    if is_sums and (given.low, given.high) != (-inf, inf):
        raise node.fail("what was cut off (Relu, Clip) is quantised before it is compared")
    rows, length = prod(given.shape[:-1]), given.shape[-1]
    if not 1 <= count <= min(length, 256):
        raise node.fail(f"{count} of {length} numbers are not found: 1 to {min(length, 256)} are")
    size = 32 * rows * count
    value = builder.add("top", [rows, length, count, int(is_sums)], [given.value], size)
    return Places(value, (*given.shape[:-1], count) if keeps else given.shape[:-1])


def _sigmoid(number: float) -> float:
    return 1 / (1 + exp(-number)) if number >= 0 else exp(number) / (1 + exp(number))


def _function(function: Callable[[float], float]) -> _Compile:
    return lambda builder, node: node.mapped(function)


def _leaky(builder: Builder, node: Node) -> Integers:
    slope = float(node.attributes.get("alpha", 0.01))
    return node.mapped(lambda number: number if number >= 0 else number * slope)


def _hard_sigmoid(builder: Builder, node: Node) -> Integers:
    slope = float(node.attributes.get("alpha", 0.2))
    offset = float(node.attributes.get("beta", 0.5))
    return node.mapped(lambda number: min(max(number * slope + offset, 0.0), 1.0))


def _hard_swish(builder: Builder, node: Node) -> Integers:
    return node.mapped(lambda number: number * min(max(number / 6 + 0.5, 0.0), 1.0))


def _elu(builder: Builder, node: Node) -> Integers:
    slope = float(node.attributes.get("alpha", 1.0))
    return node.mapped(lambda number: number if number >= 0 else slope * (exp(number) - 1))


def _gelu(builder: Builder, node: Node) -> Integers:
    if node.attributes.get("approximate", b"none") != b"none":
        raise node.fail("it is exact (approximate is none)")
    return node.mapped(lambda number: number * (1 + erf(number / sqrt(2))) / 2)


def _qlinear(real: _Compile, *, first: int, has_bias: bool) -> _Compile:
    """An operator that takes int8 with their scales and gives int8: three operators in one."""

    def compiled(builder: Builder, node: Node) -> Any:
        scale, zero = node.constant(4, "scale").numbers, node.constant(5, "zero point").numbers
        given = node.inputs[0]
        if not isinstance(given, Integers) or given.scale != _scale(node, 1):
            raise node.fail("its scale and zero point are those that its input was quantised with")
        weights = _weights(node, node.constant(3, "weights"), scale, zero, first)
        inputs = [given, weights]
        if has_bias and len(node.inputs) > 8:
            steps = np.atleast_1d(scale).astype(float) * given.scale.scale
            inputs.append(Constant(node.constant(8, "bias").numbers * steps))
        inner = Node(node.layer, node.operator, inputs, node.attributes)
        return quantise(builder, node, real(builder, inner), _scale(node, 6))

    return compiled


OPERATORS: Final[dict[str, _Compile]] = {
    "Add": pairs.add,
    "ArgMax": _largest,
    "AveragePool": windows.mean_pool,
    "Clip": _clip,
    "Concat": pairs.concatenate,
    "Conv": windows.convolution,
    "DequantizeLinear": _dequantised,
    "Div": pairs.divide,
    "Dropout": lambda builder, node: node.inputs[0],
    "Elu": _elu,
    "Flatten": _flattened,
    "Gelu": _gelu,
    "Gemm": products.gemm,
    "GlobalAveragePool": windows.global_mean_pool,
    "GlobalMaxPool": windows.global_max_pool,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _hard_swish,
    "Identity": lambda builder, node: node.inputs[0],
    "LayerNormalization": _normalised,
    "LeakyRelu": _leaky,
    "MatMul": products.matmul,
    "MaxPool": windows.max_pool,
    "Mul": pairs.multiply,
    "QLinearConv": _qlinear(windows.convolution, first=0, has_bias=True),
    "QLinearMatMul": _qlinear(products.matmul, first=1, has_bias=False),
    "QuantizeLinear": _quantised,
    "ReduceMax": windows.reduce_max,
    "ReduceMean": windows.reduce_mean,
    "Relu": lambda builder, node: _cut(node, 0.0, inf),
    "Reshape": _reshaped,
    "Sigmoid": _function(_sigmoid),
    "Softmax": _shares,
    "Squeeze": _squeezed,
    "Sub": pairs.subtract,
    "Tanh": _function(tanh),
    "TopK": _top,
    "Transpose": _transposed,
    "Unsqueeze": _unsqueezed,
}
"""What can be compiled."""
