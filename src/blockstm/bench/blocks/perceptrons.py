"""Small networks that contracts ask: layers of int8 with a ReLU between them, then a place.

The last layer's largest number is what a network answers: its place, in a word.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from blockstm.ai.building import Builder
from blockstm.ai.model import Model, Scale, Tensor

__all__ = ["Dense", "drawn_network", "perceptron"]

_MULTIPLIER: Final = 1 << 30


@dataclass(frozen=True)
class Dense:
    """A layer: ``weights @ input + biases``, then ``(sum * 2**30 >> shift)`` in int8.

    Attributes:
        weights: one list of int8 for each output.
        biases: one int32 for each output.
        shift: 30 and the bits that sums lose; of the last layer it does not count.
    """

    weights: Sequence[Sequence[int]]
    biases: Sequence[int]
    shift: int


def perceptron(name: str, layers: Sequence[Dense]) -> Model:
    """The network as a model: int8 in, the place of the largest number out."""
    inputs = len(layers[0].weights[0])
    builder = Builder(inputs)
    value = builder.input
    for number, layer in enumerate(layers):
        outputs, width = len(layer.weights), len(layer.weights[0])
        weights = b"".join(bytes(each & 0xFF for each in row) for row in layer.weights)
        biases = b"".join(each.to_bytes(4, "little", signed=True) for each in layer.biases)
        value = builder.add(
            "product", [1, width, outputs, 0], [value, weights, biases], 4 * outputs
        )
        builder.work += outputs * width
        if number + 1 < len(layers):
            scaling = [_MULTIPLIER.to_bytes(4, "little"), bytes([layer.shift])]
            parameters = [1, 1, outputs, 0, 0, 127]  # a ReLU: nothing below 0
            value = builder.add("requantise", parameters, [value, *scaling], outputs)
    place = builder.add("top", [1, len(layers[-1].weights), 1, 1], [value], 32)
    instructions, constants, register = builder.finish(place)
    given = Tensor("signals", "int8", (inputs,), (Scale(1.0),))
    output = Tensor("place", "words", (1,))
    return Model(name, given, output, tuple(instructions), constants, register, builder.work)


def drawn_network(widths: Sequence[int], seed: int = 1) -> Model:
    """A network of layers so wide, the input's first, with weights at random."""
    rng = random.Random(seed)
    layers = [
        Dense(
            [[rng.randint(-128, 127) for _ in range(width)] for _ in range(outputs)],
            [rng.randint(-1000, 1000) for _ in range(outputs)],
            37 + width.bit_length() // 2,
        )
        for width, outputs in pairwise(widths)
    ]
    return perceptron("drawn", layers)
