"""Real values made int8 again: where a layer's instructions are emitted."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, log, prod
from typing import Any, Final

from blockstm.ai.building import Builder, Value
from blockstm.ai.compiling.values import (
    Integers,
    Joined,
    Mean,
    Node,
    Normalised,
    Product,
    Real,
    Shares,
    Sum,
    Sums,
)
from blockstm.ai.model import Scale
from blockstm.ai.scaling import common_shift, fixed_point, nearest, table_of

__all__ = ["as_int8", "computed", "quantise"]

_SHARE: Final = Scale(1 / 256, -128)
"""What `softmax` gives."""

# exp(p) = A (p + B)² + C for p from -ln 2 to 0 (I-BERT).
_A: Final = 0.3585
_B: Final = 1.353
_C: Final = 0.344
_SOFTMAX_UP: Final = 8
_NORM_BITS: Final = 10


def quantise(builder: Builder, node: Node, real: Real, to: Scale) -> Integers:
    """The value as int8 of a scale.

    Raises:
        ModelError: no instruction can do so.
    """
    try:
        value = _EMIT[type(real)](builder, real, to)
    except (ValueError, ArithmeticError) as error:  # no multiplier and shift can be so large
        raise node.fail(f"the scales do not go together: {error}") from error
    return Integers(value, real.shape, to)


def as_int8(builder: Builder, node: Node, real: Integers | Shares) -> Integers:
    """The value as int8 of the scale that holds all that it can be.

    Raises:
        ModelError: it can be no real number.
    """
    if isinstance(real, Shares):
        return quantise(builder, node, real, _SHARE)
    if not real.functions:
        return real
    try:
        numbers = [
            real.apply((number - real.scale.zero) * real.scale.scale) for number in range(-128, 128)
        ]
        low, high = min(0.0, *numbers), max(0.0, *numbers)
        scale = (high - low) / 255 or 1.0
        to = Scale(scale, nearest(-128 - low / scale))
    except (ValueError, ArithmeticError) as error:
        raise node.fail(f"it has no number for some inputs: {error}") from error
    return quantise(builder, node, real, to)


def computed(builder: Builder, node: Node, number: int = 0) -> Integers:
    """An input as int8. Of what is a function of int8, those are of the scale that holds all of it.

    Raises:
        ModelError: it is something else, which only a QuantizeLinear can say the scale of.
    """
    given = node.given(number)
    if not isinstance(given, Integers | Shares):
        raise node.fail(
            "its input was quantised (QuantizeLinear, then DequantizeLinear) just before it"
        )
    return as_int8(builder, node, given)


def _bounds(low: float, high: float, to: Scale) -> tuple[int, int]:
    """Where int8 are cut off, as `nearest` would have rounded the real bounds."""
    begin = -128 if low == -inf else nearest(low / to.scale) + to.zero
    end = 127 if high == inf else nearest(high / to.scale) + to.zero
    return min(max(begin, -128), 127), min(max(end, -128), 127)


def _from_integers(builder: Builder, real: Integers, to: Scale) -> Value:
    if not real.functions and real.scale == to:
        return real.value
    table = table_of(real.apply, real.scale, to)
    return builder.add("table", [real.value.size], [real.value, table], real.value.size)


def _from_sums(builder: Builder, real: Sums, to: Scale) -> Value:
    outer, channels, inner = real.channels
    factors = [fixed_point(scale / to.scale) for scale in real.scales]
    if len(set(factors)) == 1:
        factors, (outer, channels, inner) = factors[:1], (1, 1, prod(real.channels))
    multipliers = b"".join(factor.to_bytes(4, "little") for factor, _ in factors)
    shifts = bytes(shift for _, shift in factors)
    parameters = [outer, channels, inner, to.zero, *_bounds(real.low, real.high, to)]
    size = prod(real.channels)
    return builder.add("requantise", parameters, [real.value, multipliers, shifts], size)


def _from_sum(builder: Builder, real: Sum, to: Scale) -> Value:
    left, right = real.left, real.right
    ratios = [left.scale.scale / to.scale, right.scale.scale / to.scale]
    (first, second), shift = common_shift(ratios)
    scaling = [left.scale.zero, first, right.scale.zero, second, shift, to.zero]
    size = left.value.size
    parameters = [size, *scaling, *_bounds(real.low, real.high, to)]
    return builder.add("add", parameters, [left.value, right.value], size)


def _from_product(builder: Builder, real: Product, to: Scale) -> Value:
    left, right = real.left, real.right
    rows, size = right.value.size, left.value.size
    multiplier, shift = fixed_point(left.scale.scale * right.scale.scale / to.scale)
    scaling = [left.scale.zero, right.scale.zero, multiplier, shift, to.zero]
    parameters = [rows, size // rows, *scaling, *_bounds(real.low, real.high, to)]
    return builder.add("multiply", parameters, [left.value, right.value], size)


def _from_joined(builder: Builder, real: Joined, to: Scale) -> Value:
    """In pairs, each behind what is there already; parts of another scale are looked up first."""
    begin, *others = [_from_integers(builder, part, to) for part in real.parts]
    for part in others:
        sizes = [begin.size // real.rows, part.size // real.rows]
        begin = builder.add("join", [real.rows, *sizes], [begin, part], begin.size + part.size)
    return begin


def _from_mean(builder: Builder, real: Mean, to: Scale) -> Value:
    high, wide = real.window[3:5]
    multiplier, shift = fixed_point(real.of.scale.scale / to.scale / (high * wide))
    parameters = [*real.window, real.of.scale.zero, multiplier, shift, to.zero]
    return builder.add("mean_pool", parameters, [real.of.value], prod(real.shape))


def _from_shares(builder: Builder, real: Shares, to: Scale) -> Value:
    rows, length = prod(real.shape[:-1]), real.shape[-1]
    scale = real.of.scale.scale / (1 << _SOFTMAX_UP)
    ln2, b = min(max(int(log(2) / scale), 1), 1 << 15), min(int(_B / scale), 1 << 15)
    c = min(int(_C / (_A * scale * scale)), (1 << 31) - 1)
    parameters = [rows, length, _SOFTMAX_UP, ln2, b, max(c, 1)]
    value = builder.add("softmax", parameters, [real.of.value], rows * length)
    return _from_integers(builder, Integers(value, real.shape, _SHARE), to)


def _from_normalised(builder: Builder, real: Normalised, to: Scale) -> Value:
    rows, length = prod(real.shape[:-1]), real.shape[-1]
    largest = max(*(abs(number) for number in (*real.gamma, *real.beta)), 1e-9) / to.scale
    shift = max(min(29 - max(int(log(largest, 2)), 0), 29), _NORM_BITS + 1)
    gamma, beta = (
        b"".join(
            nearest(float(number) / to.scale * 2.0**bits).to_bytes(4, "little", signed=True)
            for number in numbers
        )
        for numbers, bits in ((real.gamma, shift - _NORM_BITS), (real.beta, shift))
    )
    epsilon = nearest(real.epsilon * (length / real.of.scale.scale) ** 2)
    if epsilon >> 62:
        raise ValueError(f"an epsilon of {real.epsilon:g} beside a step of {real.of.scale.scale:g}")
    parameters = [rows, length, shift, to.zero, epsilon >> 31, epsilon & (1 << 31) - 1]
    return builder.add("layer_norm", parameters, [real.of.value, gamma, beta], rows * length)


_EMIT: Final[dict[type, Callable[[Builder, Any, Scale], Value]]] = {
    Integers: _from_integers,
    Sums: _from_sums,
    Sum: _from_sum,
    Product: _from_product,
    Joined: _from_joined,
    Mean: _from_mean,
    Shares: _from_shares,
    Normalised: _from_normalised,
}
