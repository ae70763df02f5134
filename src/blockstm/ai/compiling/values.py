"""What an ONNX value is while a model is compiled.

Between DequantizeLinear and QuantizeLinear a model computes with real numbers. Here they stay what
they come from: integers with a scale, and what is still to be done with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Any, TypeAlias

import numpy as np

from blockstm.ai.building import Value
from blockstm.ai.model import Scale
from blockstm.errors import ModelError

__all__ = [
    "Constant",
    "Integers",
    "Joined",
    "Mean",
    "Node",
    "Normalised",
    "Places",
    "Product",
    "Real",
    "Shares",
    "Sum",
    "Sums",
    "scale_of",
]


@dataclass(frozen=True)
class Integers:
    """int8 in a register, and the functions that the real numbers go through.

    Attributes:
        shape: with the batch, which is one.
        functions: of one real number, the first first; none: it is what the integers mean.
    """

    value: Value
    shape: tuple[int, ...]
    scale: Scale
    functions: tuple[Callable[[float], float], ...] = ()

    def shaped(self, shape: tuple[int, ...]) -> Integers:
        """The same numbers in another shape."""
        return replace(self, shape=shape)

    def apply(self, number: float) -> float:
        """All functions, one after another."""
        for function in self.functions:
            number = function(number)
        return number


@dataclass(frozen=True)
class Sums:
    """int32 in a register: ``sum * scale`` of its channel, then cut off at two bounds.

    Attributes:
        channels: (outer, channels, inner) as `requantise` has them.
        scales: one for each channel.
    """

    value: Value
    shape: tuple[int, ...]
    channels: tuple[int, int, int]
    scales: tuple[float, ...]
    low: float = -inf
    high: float = inf

    def shaped(self, shape: tuple[int, ...]) -> Sums:
        """The same numbers in another shape."""
        return replace(self, shape=shape)


@dataclass(frozen=True)
class Sum:
    """Two values added, then cut off at two bounds."""

    left: Integers
    right: Integers
    shape: tuple[int, ...]
    low: float = -inf
    high: float = inf


@dataclass(frozen=True)
class Product:
    """Two values multiplied, then cut off at two bounds: each number of a row with the row's."""

    left: Integers
    right: Integers
    shape: tuple[int, ...]
    low: float = -inf
    high: float = inf


@dataclass(frozen=True)
class Joined:
    """Values one behind the other: of each, so many rows."""

    parts: tuple[Integers, ...]
    rows: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Mean:
    """The mean of windows: `mean_pool`'s first eleven parameters."""

    of: Integers
    window: tuple[int, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Shares:
    """A softmax over rows."""

    of: Integers
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Normalised:
    """A layer norm over rows, with gamma, beta and epsilon as real numbers."""

    of: Integers
    gamma: Any
    beta: Any
    epsilon: float
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Places:
    """The places of the largest numbers, words of 32 bytes."""

    value: Value
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Constant:
    """A tensor of the model: real numbers or integers, and int8 that they come from, if they do.

    Attributes:
        numbers: what it means, a NumPy array.
        integers: int8 of the same shape, with the zero point 0; None: it was not quantised.
        scales: one for all, or one for each index of ``axis``.
    """

    numbers: Any
    integers: Any = None
    scales: tuple[float, ...] = ()
    axis: int = 0


Real: TypeAlias = Integers | Sums | Sum | Product | Joined | Mean | Shares | Normalised


@dataclass
class Node:
    """A node of the graph: its inputs by then."""

    layer: str
    operator: str
    inputs: list[Any]
    attributes: dict[str, Any]

    def fail(self, message: str) -> ModelError:
        """The error that names this node."""
        return ModelError(f"{self.operator}: {message}", self.layer)

    def given(self, number: int) -> Any:
        """An input; None where it is left out."""
        return self.inputs[number] if number < len(self.inputs) else None

    def constant(self, number: int, what: str) -> Constant:
        """An input that must be part of the model.

        Raises:
            ModelError: it is computed, or not there.
        """
        given = self.given(number)
        if not isinstance(given, Constant):
            raise self.fail(f"its {what} is part of the model, not computed")
        return given

    def mapped(self, function: Callable[[float], float], number: int = 0) -> Integers:
        """A function of each number of an input, which will be part of a table.

        Raises:
            ModelError: the numbers are not int8 then.
        """
        given = self.given(number)
        if not isinstance(given, Integers):
            raise self.fail(
                "its input was quantised just before it: it becomes a table of 256 numbers"
            )
        return replace(given, functions=(*given.functions, function))


def scale_of(scale: Any, zero: Any, fail: Callable[[str], ModelError]) -> Scale:
    """A scale and a zero point of 8 bits; those of uint8 become int8's.

    Raises:
        ModelError: what ``fail`` gives: they are not one of each, not 8 bits, or no scale.
    """
    if scale.size != 1 or zero.size != 1:
        raise fail("what is computed has one scale and one zero point")
    if zero.dtype not in (np.int8, np.uint8):
        raise fail(f"integers are int8 or uint8, not {zero.dtype}")
    factor = float(scale.reshape(()))
    if not 0 < factor < inf:
        raise fail(f"a scale is a number above 0, not {factor}")
    shift = 128 if zero.dtype == np.uint8 else 0
    return Scale(factor, int(zero.reshape(())) - shift)
