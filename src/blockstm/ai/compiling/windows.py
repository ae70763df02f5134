"""Convolutions and pools."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from blockstm.ai.building import Builder
from blockstm.ai.compiling.products import bias_of, weights_of
from blockstm.ai.compiling.values import Integers, Mean, Node, Sums

__all__ = ["convolution", "global_mean_pool", "max_pool", "mean_pool"]


def _image(node: Node) -> tuple[Integers, tuple[int, int, int]]:
    """The input, and its channels, height and width.

    Raises:
        ModelError: it is no image.
    """
    given = node.integers()
    if len(given.shape) != 4 or given.shape[0] != 1:
        raise node.fail(f"its input is one image of [1, C, H, W], not {list(given.shape)}")
    channels, height, width = given.shape[1:]
    return given, (channels, height, width)


def _pair(node: Node, name: str, default: list[int]) -> list[int]:
    found = [int(number) for number in node.attributes.get(name, default)]
    if len(found) != len(default):
        raise node.fail(f"{name} is of an image, not {found}")
    return found


def _window(node: Node, kernel: list[int], size: tuple[int, int, int]) -> tuple[list[int], Any]:
    """Kernel, steps and pads as instructions have them, and the output's height and width.

    Raises:
        ModelError: pads are chosen in a way that there is no instruction for.
    """
    steps, apart = _pair(node, "strides", [1, 1]), _pair(node, "dilations", [1, 1])
    pads = _pair(node, "pads", [0, 0, 0, 0])
    kind = node.attributes.get("auto_pad", b"NOTSET")
    if kind not in (b"NOTSET", b"VALID"):
        raise node.fail(f"auto_pad is NOTSET or VALID, with pads, not {kind.decode()}")
    if node.attributes.get("ceil_mode", 0):
        raise node.fail("ceil_mode is 0")
    reach = [apart[axis] * (kernel[axis] - 1) + 1 for axis in (0, 1)]
    area = [
        (size[1 + axis] + pads[axis] + pads[2 + axis] - reach[axis]) // steps[axis] + 1
        for axis in (0, 1)
    ]
    if min(area) < 1:
        raise node.fail(f"a window of {reach} does not fit an image of {list(size[1:])}")
    return [*kernel, *steps, *pads], area


def convolution(builder: Builder, node: Node) -> Sums:
    """Conv over one image."""
    given, size = _image(node)
    kernel = list(node.constant(1, "weights").numbers.shape[2:])
    if len(kernel) != 2:
        raise node.fail("it slides over images")
    outputs = len(node.inputs[1].numbers)
    weights, scales = weights_of(node, 1, outputs)
    if len(scales) > 1 and node.inputs[1].axis != 0:
        raise node.fail("its weights have scales along another axis than the output channels")
    groups = int(node.attributes.get("group", 1))
    if weights.shape[1] * groups != size[0] or outputs % groups:
        raise node.fail(f"{groups} groups do not divide {size[0]} channels and {outputs} outputs")
    window, area = _window(node, kernel, size)
    bias = node.constant(2, "bias") if len(node.inputs) > 2 else None
    apart = _pair(node, "dilations", [1, 1])
    parameters = [*size, outputs, *window, *apart, groups, given.scale.zero]
    operands = [given.value, weights.tobytes(), bias_of(node, bias, weights, scales, given.scale)]
    count = outputs * prod(area)
    builder.work += count * prod(weights.shape[1:])
    value = builder.add("convolution", parameters, operands, 4 * count)
    steps = tuple(scale * given.scale.scale for scale in scales)
    channels = (1, outputs, prod(area)) if len(steps) > 1 else (1, 1, count)
    return Sums(value, (1, outputs, *area), channels, steps)


def max_pool(builder: Builder, node: Node) -> Integers:
    """MaxPool: the order of int8 is that of what they mean."""
    given, size = _image(node)
    if _pair(node, "dilations", [1, 1]) != [1, 1]:
        raise node.fail("a pool's windows have no gaps")
    window, area = _window(node, _pair(node, "kernel_shape", [1, 1]), size)
    high, wide, *_, top, left, bottom, right = window
    if max(top, bottom) >= high or max(left, right) >= wide:
        raise node.fail("pads are smaller than the window")
    count = size[0] * prod(area)
    value = builder.add("max_pool", [*size, *window], [given.value], count)
    return replace(given, value=value, shape=(1, size[0], *area))


def mean_pool(builder: Builder, node: Node) -> Mean:
    """AveragePool; pads count, or there are none."""
    given, size = _image(node)
    if _pair(node, "dilations", [1, 1]) != [1, 1]:
        raise node.fail("a pool's windows have no gaps")
    window, area = _window(node, _pair(node, "kernel_shape", [1, 1]), size)
    if any(window[4:]) and not node.attributes.get("count_include_pad", 0):
        raise node.fail("pads count (count_include_pad), so that all windows have one divisor")
    return Mean(given, (*size, *window), (1, size[0], *area))


def global_mean_pool(builder: Builder, node: Node) -> Mean:
    """GlobalAveragePool."""
    given, (channels, height, width) = _image(node)
    window = (channels, height, width, height, width, 1, 1, 0, 0, 0, 0)
    return Mean(given, window, (1, channels, 1, 1))
