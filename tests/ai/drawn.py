"""Instructions drawn at random, right ones and wrong ones. No test of its own."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

__all__ = ["INSTRUCTIONS", "draw", "int8s", "int32s"]

Drawn = tuple[str, list[int], list[bytes | None]]

SHIFTS = (1, 2, 7, 8, 24, 31, 33, 40, 62)


def int8s(rng: random.Random, count: int) -> bytes:
    """Numbers, often the extreme ones."""
    if rng.random() < 0.2:
        return bytes([rng.choice((0x80, 0x7F))]) * count
    return rng.randbytes(count)


def int32s(rng: random.Random, count: int, bound: int = 2**31 - 1) -> bytes:
    """Numbers up to a bound, often the bound itself."""
    if rng.random() < 0.2:
        return struct.pack(f"<{count}i", *[rng.choice((-bound, bound)) for _ in range(count)])
    return struct.pack(f"<{count}i", *[rng.randint(-bound, bound) for _ in range(count)])


def _bounds(rng: random.Random) -> list[int]:
    return sorted(rng.choices(range(-128, 128), k=2)) if rng.random() < 0.5 else [-128, 127]


def _zero(rng: random.Random) -> int:
    return rng.choice((0, -128, 127, rng.randint(-128, 127)))


def _multiplier(rng: random.Random, limit: int = 2**31 - 1) -> int:
    return rng.choice((0, 1, limit, rng.randint(0, limit), limit // 2 + 1))


def _bias(rng: random.Random, count: int, depth: int) -> bytes | None:
    limit = 2**31 - 1 - depth * 128 * 128
    return None if rng.random() < 0.2 else int32s(rng, count, rng.choice((limit, 1000)))


def product(rng: random.Random) -> Drawn:
    sizes = (1, 2, 3, 4, 5, 6, 7, 8, 12, 15, 16, 17, 31, 33)
    rows, columns = rng.choice(sizes), rng.choice((*sizes, 64, 65))
    depth, axis = rng.choice((*sizes, 63, 64, 65, 130)), rng.randint(0, 1)
    bias = _bias(rng, rows if axis else columns, depth)
    operands = [int8s(rng, rows * depth), int8s(rng, columns * depth), bias]
    return "product", [rows, depth, columns, axis], operands


def convolution(rng: random.Random) -> Drawn:
    groups = rng.choice((1, 1, 1, 2, 3))
    channels, outputs = groups * rng.randint(1, 3), groups * rng.randint(1, 5)
    high, wide = rng.randint(1, 4), rng.choice((1, 2, 3, 4, 5, 6, 7))
    down, along = rng.choice((1, 1, 2)), rng.choice((1, 1, 2))
    height = down * (high - 1) + rng.randint(1, 6)
    width = along * (wide - 1) + rng.randint(1, 6)
    steps, pads = [rng.randint(1, 3) for _ in "12"], [rng.choice((0, 0, 1, 2)) for _ in "1234"]
    if rng.random() < 0.2:
        high, wide, down, along, steps, pads = 1, 1, 1, 1, [1, 1], [0, 0, 0, 0]
    depth = channels // groups * high * wide
    parameters = [channels, height, width, outputs, high, wide, *steps, *pads, down, along, groups]
    operands = [
        int8s(rng, channels * height * width),
        int8s(rng, outputs * depth),
        _bias(rng, outputs, depth),
    ]
    return "convolution", [*parameters, _zero(rng)], operands


def requantise(rng: random.Random) -> Drawn:
    outer, channels, inner = rng.randint(1, 3), rng.randint(1, 4), rng.choice((1, 3, 16, 37))
    multipliers = struct.pack(f"<{channels}i", *[_multiplier(rng) for _ in range(channels)])
    shifts = bytes(rng.choice(SHIFTS) for _ in range(channels))
    numbers = int32s(rng, outer * channels * inner, rng.choice((2**31 - 1, 70_000)))
    parameters = [outer, channels, inner, _zero(rng), *_bounds(rng)]
    return "requantise", parameters, [numbers, multipliers, shifts]


def add(rng: random.Random) -> Drawn:
    count = rng.choice((1, 5, 16, 70))
    scaling = [_zero(rng), _multiplier(rng), _zero(rng), _multiplier(rng), rng.choice(SHIFTS)]
    parameters = [count, *scaling, _zero(rng), *_bounds(rng)]
    return "add", parameters, [int8s(rng, count), int8s(rng, count)]


def multiply(rng: random.Random) -> Drawn:
    rows, inner = rng.choice((1, 5, 16, 70)), rng.choice((1, 1, 2, 15, 37))
    scaling = [_zero(rng), _zero(rng), _multiplier(rng), rng.choice(SHIFTS), _zero(rng)]
    operands = [int8s(rng, rows * inner), int8s(rng, rows)]
    return "multiply", [rows, inner, *scaling, *_bounds(rng)], operands


def join(rng: random.Random) -> Drawn:
    rows, left, right = rng.choice((1, 3, 16)), rng.choice((1, 5, 40)), rng.choice((1, 2, 33))
    return "join", [rows, left, right], [int8s(rng, rows * left), int8s(rng, rows * right)]


def clip(rng: random.Random) -> Drawn:
    count = rng.choice((1, 15, 64, 100))
    return "clip", [count, *_bounds(rng)], [int8s(rng, count)]


def table(rng: random.Random) -> Drawn:
    count = rng.choice((1, 15, 64, 100))
    return "table", [count], [int8s(rng, count), int8s(rng, 256)]


def _pool(rng: random.Random, pad_of: Callable[[int], int]) -> tuple[list[int], bytes]:
    channels, high, wide = rng.randint(1, 3), rng.randint(1, 4), rng.randint(1, 4)
    height, width = high + rng.randint(0, 6), wide + rng.choice((0, 1, 5, 30))
    steps = [rng.randint(1, 3), rng.randint(1, 3)]
    pads = [pad_of(high), pad_of(wide), pad_of(high), pad_of(wide)]
    parameters = [channels, height, width, high, wide, *steps, *pads]
    return parameters, int8s(rng, channels * height * width)


def max_pool(rng: random.Random) -> Drawn:
    parameters, image = _pool(rng, lambda size: rng.randint(0, size - 1))
    return "max_pool", parameters, [image]


def mean_pool(rng: random.Random) -> Drawn:
    parameters, image = _pool(rng, lambda size: rng.choice((0, 0, 1, size + 1)))
    scaling = [_zero(rng), _multiplier(rng), rng.choice(SHIFTS), _zero(rng)]
    return "mean_pool", parameters + scaling, [image]


def top(rng: random.Random) -> Drawn:
    rows, length, wide = rng.randint(1, 3), rng.choice((1, 2, 10, 40)), rng.randint(0, 1)
    numbers = int32s(rng, rows * length) if wide else int8s(rng, rows * length)
    return "top", [rows, length, rng.randint(1, length), wide], [numbers]


def softmax(rng: random.Random) -> Drawn:
    rows, length = rng.randint(1, 3), rng.choice((1, 2, 10, 70))
    b, c = rng.choice((0, 1, 300, 2**15)), rng.choice((1, 5000, 2**31 - 1))
    parameters = [rows, length, rng.randint(0, 12), rng.choice((1, 11, 700, 2**15)), b, c]
    return "softmax", parameters, [int8s(rng, rows * length)]


def gelu(rng: random.Random) -> Drawn:
    count = rng.choice((1, 16, 50))
    b, one = rng.choice((1, 50, 2**12)), rng.choice((1, 2770, 2**25))
    scaling = [_multiplier(rng, 2**21 - 1), rng.choice(SHIFTS), _zero(rng)]
    return "gelu", [count, _zero(rng), rng.randint(0, 7), b, one, *scaling], [int8s(rng, count)]


def layer_norm(rng: random.Random) -> Drawn:
    rows, length = rng.randint(1, 3), rng.choice((1, 2, 7, 64))
    limit = rng.choice((1000, 2**31 - 1))
    operands = [int8s(rng, rows * length), int32s(rng, length, limit), int32s(rng, length, limit)]
    epsilon = rng.choice(([], [0, 0], [0, rng.randint(1, 1000)], [2**31 - 1, 2**31 - 1], [1, 5]))
    return "layer_norm", [rows, length, rng.choice(SHIFTS), _zero(rng), *epsilon], operands


def transpose(rng: random.Random) -> Drawn:
    rows, columns = rng.choice((1, 3, 33, 64)), rng.choice((1, 2, 31, 40))
    return "transpose", [rows, columns], [int8s(rng, rows * columns)]


INSTRUCTIONS: dict[str, Callable[[random.Random], Drawn]] = {
    draws.__name__: draws
    for draws in (
        product, convolution, requantise, add, multiply, join, clip, table, max_pool, mean_pool,
        top, softmax, gelu, layer_norm, transpose,
    )
}  # fmt: skip


def draw(name: str, seed: object) -> Drawn:
    """An instruction of a kind: its name, parameters and operands."""
    return INSTRUCTIONS[name](random.Random(f"{name} {seed}"))
