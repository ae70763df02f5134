"""Convolutions and pools."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from blockstm.ai.building import Builder
from blockstm.ai.compiling.products import bias_of, weights_of
from blockstm.ai.compiling.quantising import computed
from blockstm.ai.compiling.values import Integers, Mean, Node, Sums

__all__ = [
    "convolution",
    "global_max_pool",
    "global_mean_pool",
    "max_pool",
    "mean_pool",
    "reduce_max",
    "reduce_mean",
]


def _image(builder: Builder, node: Node) -> tuple[Integers, tuple[int, int, int]]:
    """The input, and its channels, height and width; a signal is an image of one row.

    Raises:
        ModelError: it is none of them.
    """
    given = computed(builder, node)
    if len(given.shape) not in (3, 4) or given.shape[0] != 1:
        raise node.fail(
            f"its input is one image of [1, C, H, W] or one signal of [1, C, L], not "
            f"{list(given.shape)}"
        )
    channels, *sizes = given.shape[1:]
    height, width = sizes if len(sizes) == 2 else (1, sizes[0])
    return given, (channels, height, width)


def _shown(given: Integers, channels: int, area: list[int]) -> tuple[int, ...]:
    """The shape of an output, of as many axes as the input."""
    return (1, channels, *area) if len(given.shape) == 4 else (1, channels, area[1])


def _pair(node: Node, name: str, given: Integers, default: int) -> list[int]:
    """An attribute's numbers down and right.

    Raises:
        ModelError: they are not as many as the input has directions.
    """
    count = len(given.shape) - 2
    found = [int(number) for number in node.attributes.get(name, [default] * count)]
    if len(found) != count:
        raise node.fail(f"{name} is of {count} directions, not {found}")
    return found if count == 2 else [1, *found]


def _pads(node: Node, given: Integers, missing: list[int]) -> list[int]:
    """Above, left, below, right.

    Args:
        missing: what the input lacks down and right for an output for each step.

    Raises:
        ModelError: they are not as many as the input has sides.
    """
    kind = node.attributes.get("auto_pad", b"NOTSET")
    if kind in (b"SAME_UPPER", b"SAME_LOWER"):
        less, more = [size // 2 for size in missing], [(size + 1) // 2 for size in missing]
        return [*less, *more] if kind == b"SAME_UPPER" else [*more, *less]
    count = len(given.shape) - 2
    pads = [int(number) for number in node.attributes.get("pads", [0] * 2 * count)]
    if len(pads) != 2 * count:
        raise node.fail(f"pads are of {2 * count} sides, not {pads}")
    return pads if count == 2 else [0, pads[0], 0, pads[1]]


def _window(
    node: Node, given: Integers, kernel: list[int], size: tuple[int, int, int]
) -> tuple[list[int], list[int]]:
    """Kernel, steps and pads as instructions have them, and the output's height and width.

    Raises:
        ModelError: the window does not fit, or is chosen in a way that there is no instruction for.
    """
    steps, apart = _pair(node, "strides", given, 1), _pair(node, "dilations", given, 1)
    if node.attributes.get("ceil_mode", 0):
        raise node.fail("ceil_mode is 0")
    reach = [apart[axis] * (kernel[axis] - 1) + 1 for axis in (0, 1)]
    missing = [
        max((size[1 + axis] - 1) // steps[axis] * steps[axis] + reach[axis] - size[1 + axis], 0)
        for axis in (0, 1)
    ]
    pads = _pads(node, given, missing)
    area = [
        (size[1 + axis] + pads[axis] + pads[2 + axis] - reach[axis]) // steps[axis] + 1
        for axis in (0, 1)
    ]
    if min(area) < 1:
        raise node.fail(f"a window of {reach} does not fit an image of {list(size[1:])}")
    return [*kernel, *steps, *pads], area


def convolution(builder: Builder, node: Node) -> Sums:
    """Conv over one image."""
    given, size = _image(builder, node)
    kernel = list(node.constant(1, "weights").numbers.shape[2:])
    if len(kernel) != len(given.shape) - 2:
        raise node.fail(f"a window of {kernel} does not slide over {list(given.shape)}")
    kernel = [1] * (2 - len(kernel)) + kernel
    outputs = len(node.inputs[1].numbers)
    weights, scales = weights_of(node, 1, outputs)
    if len(scales) > 1 and node.inputs[1].axis != 0:
        raise node.fail("its weights have scales along another axis than the output channels")
    groups = int(node.attributes.get("group", 1))
    if weights.shape[1] * groups != size[0] or outputs % groups:
        raise node.fail(f"{groups} groups do not divide {size[0]} channels and {outputs} outputs")
    window, area = _window(node, given, kernel, size)
    bias = node.constant(2, "bias") if len(node.inputs) > 2 else None
    apart = _pair(node, "dilations", given, 1)
    parameters = [*size, outputs, *window, *apart, groups, given.scale.zero]
    operands = [given.value, weights.tobytes(), bias_of(node, bias, weights, scales, given.scale)]
    count = outputs * prod(area)
    builder.work += count * prod(weights.shape[1:])
    value = builder.add("convolution", parameters, operands, 4 * count)
    steps = tuple(scale * given.scale.scale for scale in scales)
    channels = (1, outputs, prod(area)) if len(steps) > 1 else (1, 1, count)
    return Sums(value, _shown(given, outputs, area), channels, steps)


def max_pool(builder: Builder, node: Node) -> Integers:
    """MaxPool: the order of int8 is that of what they mean."""
    given, size = _image(builder, node)
    if _pair(node, "dilations", given, 1) != [1, 1]:
        raise node.fail("a pool's windows have no gaps")
    window, area = _window(node, given, _pair(node, "kernel_shape", given, 1), size)
    high, wide, *_, top, left, bottom, right = window
    if max(top, bottom) >= high or max(left, right) >= wide:
        raise node.fail("pads are smaller than the window")
    count = size[0] * prod(area)
    value = builder.add("max_pool", [*size, *window], [given.value], count)
    return replace(given, value=value, shape=_shown(given, size[0], area))


def mean_pool(builder: Builder, node: Node) -> Mean:
    """AveragePool; pads count, or there are none."""
    given, size = _image(builder, node)
    if _pair(node, "dilations", given, 1) != [1, 1]:
        raise node.fail("a pool's windows have no gaps")
    window, area = _window(node, given, _pair(node, "kernel_shape", given, 1), size)
    if any(window[4:]) and not node.attributes.get("count_include_pad", 0):
        raise node.fail("pads count (count_include_pad), so that all windows have one divisor")
    return Mean(given, (*size, *window), _shown(given, size[0], area))


def global_mean_pool(builder: Builder, node: Node) -> Mean:
    """GlobalAveragePool."""
    given, size = _image(builder, node)
    return Mean(given, _whole(size), _shown(given, size[0], [1, 1]))


def global_max_pool(builder: Builder, node: Node) -> Integers:
    """GlobalMaxPool."""
    given, size = _image(builder, node)
    return _largest(builder, given, size, _shown(given, size[0], [1, 1]))


def reduce_mean(builder: Builder, node: Node) -> Mean:
    """ReduceMean over the last axes."""
    given, rows, shape = _reduced(builder, node)
    return Mean(given, _whole((rows, 1, given.value.size // rows)), shape)


def reduce_max(builder: Builder, node: Node) -> Integers:
    """ReduceMax over the last axes."""
    given, rows, shape = _reduced(builder, node)
    return _largest(builder, given, (rows, 1, given.value.size // rows), shape)


def _whole(size: tuple[int, int, int]) -> tuple[int, ...]:
    """One window that shows all of a channel."""
    return (*size, *size[1:], 1, 1, 0, 0, 0, 0)


def _largest(
    builder: Builder, given: Integers, size: tuple[int, int, int], shape: tuple[int, ...]
) -> Integers:
    value = builder.add("max_pool", _whole(size), [given.value], size[0])
    return replace(given, value=value, shape=shape)


def _reduced(builder: Builder, node: Node) -> tuple[Integers, int, tuple[int, ...]]:
    """The input, of which one number for each row stays, the rows, and the shape then.

    Raises:
        ModelError: the axes are not the last ones.
    """
    given = computed(builder, node)
    rank = len(given.shape)
    listed = node.attributes.get("axes")
    if listed is None and node.given(1) is not None:
        listed = node.constant(1, "axes").numbers.reshape(-1)
    axes = [] if listed is None else sorted({int(axis) % rank for axis in listed})
    axes = axes or [*range(rank)]  # an empty list is none: it goes over all
    kept = [at for at in range(rank) if at not in axes and given.shape[at] != 1]
    if any(at > axis for at in kept for axis in axes if given.shape[axis] != 1) or 0 in axes:
        raise node.fail(f"it goes over the last axes, not over {axes} of {list(given.shape)}")
    keeps = bool(node.attributes.get("keepdims", 1))
    shape = tuple(
        1 if at in axes else size for at, size in enumerate(given.shape) if keeps or at not in axes
    )
    return given, prod(given.shape[at] for at in kept), shape
