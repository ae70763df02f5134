"""Real factors as multiplier and shift, real functions as tables: where a model stops being floats.

This runs when a model is compiled, once and off chain. What it gives is part of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import frexp
from typing import Final

from blockstm.ai.model import Scale

__all__ = ["common_shift", "fixed_point", "nearest", "table_of"]

_SHIFT_MAX: Final = 62


def nearest(number: float) -> int:
    """The nearest integer, of two the even one: as ONNX rounds."""
    return round(number)


def fixed_point(factor: float, bits: int = 31) -> tuple[int, int]:
    """A multiplier of less than ``2**bits`` and a shift: ``multiplier / 2**shift`` is the factor.

    Raises:
        ValueError: the factor is negative, or too large for any shift.
    """
    if not 0 <= factor < 2.0 ** (bits - 2):
        raise ValueError(f"a factor is from 0 to 2**{bits - 2}, not {factor}")
    shift = min(bits - frexp(factor)[1], _SHIFT_MAX)
    multiplier = nearest(factor * 2.0**shift)
    if multiplier == 1 << bits:  # it was rounded up to the next power of two
        multiplier, shift = multiplier >> 1, shift - 1
    return multiplier, shift


def common_shift(factors: Sequence[float]) -> tuple[list[int], int]:
    """A multiplier for each factor, all for one shift.

    Raises:
        ValueError: as of `fixed_point`.
    """
    _, shift = fixed_point(max(factors), bits=30)
    return [nearest(factor * 2.0**shift) for factor in factors], shift


def table_of(function: Callable[[float], float], given: Scale, wanted: Scale) -> bytes:
    """What a function of real numbers makes of each int8, from -128 on."""
    found = []
    for number in range(-128, 128):
        real = function((number - given.zero) * given.scale)
        found.append(min(max(nearest(real / wanted.scale) + wanted.zero, -128), 127) & 0xFF)
    return bytes(found)
