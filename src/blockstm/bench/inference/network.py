"""The network: two convolutions of 3 by 3 with a ReLU each, and the place that answers most."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from blockstm.ai.building import Builder
from blockstm.ai.model import Model, Scale, Tensor

__all__ = ["Layer", "Network"]

_MULTIPLIER: Final = 1_500_000_000


@dataclass(frozen=True)
class Layer:
    """A convolution that keeps the image's size; outputs from 0 to 255 above the zero point.

    Attributes:
        weights: one list for each output, channel by channel and row by row.
        biases: one for each output, to what is above the input's zero point.
    """

    channels: int
    weights: list[list[int]]
    biases: list[int]
    multiplier: int
    shift: int

    @classmethod
    def drawn(cls, rng: random.Random, channels: int, outputs: int) -> Layer:
        """Weights at random, scaled so that outputs spread over what int8 holds."""
        depth = 9 * channels
        weights = [[rng.randint(-128, 127) for _ in range(depth)] for _ in range(outputs)]
        biases = [rng.randint(-1000, 1000) for _ in range(outputs)]
        return cls(channels, weights, biases, _MULTIPLIER, 37 + depth.bit_length() // 2)


@dataclass(frozen=True)
class Network:
    """An image of a channel's size and two layers.

    Attributes:
        side: of the image, in pixels.
    """

    side: int
    layers: tuple[Layer, Layer]

    @classmethod
    def drawn(cls, side: int = 16, channels: int = 8, outputs: int = 32, seed: int = 1) -> Network:
        """One with weights at random."""
        rng = random.Random(seed)
        first = Layer.drawn(rng, channels, outputs)
        return cls(side, (first, Layer.drawn(rng, outputs, outputs)))

    @property
    def input_bytes(self) -> int:
        """int8[channels, side, side], whose zero point is 0."""
        return self.layers[0].channels * self.side**2

    def model(self) -> Model:
        """The network as instructions."""
        builder = Builder(self.input_bytes)
        value, zero = builder.input, 0
        for layer in self.layers:
            outputs, area = len(layer.weights), self.side**2
            weights = b"".join(bytes(each & 0xFF for each in row) for row in layer.weights)
            biases = b"".join(
                (bias - zero * sum(row)).to_bytes(4, "little", signed=True)
                for bias, row in zip(layer.biases, layer.weights, strict=True)
            )
            shape = [layer.channels, self.side, self.side, outputs]
            window = [3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, zero]
            sums = builder.add(
                "convolution", [*shape, *window], [value, weights, biases], 4 * outputs * area
            )
            scaling = [layer.multiplier.to_bytes(4, "little"), bytes([layer.shift])]
            parameters = [1, 1, outputs * area, -128, -128, 127]
            value = builder.add("requantise", parameters, [sums, *scaling], outputs * area)
            zero = -128
            builder.work += outputs * area * len(layer.weights[0])
        place = builder.add("top", [1, value.size, 1, 0], [value], 32)
        instructions, constants, register = builder.finish(place)
        given = Tensor("image", "int8", (self.input_bytes,), (Scale(1.0),))
        output = Tensor("place", "words", (1,))
        return Model(
            "two convolutions",
            given,
            output,
            tuple(instructions),
            constants,
            register,
            builder.work,
        )
