"""What slides over images int8[C,H,W]: convolutions and pools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from blockstm.reference.inference.pointwise import check_scaling
from blockstm.reference.inference.products import check_bias
from blockstm.reference.inference.shapes import (
    BYTES_MAX,
    Shape,
    check,
    check_dimensions,
    check_range,
    clipped,
    int8s,
    ints,
    pack_int8s,
    pack_ints,
    rounded_shift,
)

__all__ = [
    "Window",
    "convolution",
    "convolution_shape",
    "max_pool",
    "max_pool_shape",
    "mean_pool",
    "mean_pool_shape",
]

_PAD_MAX = 1 << 16
_WINDOW_WORK = 32
_POOL_WORK = 32


class Window(NamedTuple):
    """The image's channels, height and width, and the window that slides over each channel."""

    channels: int
    height: int
    width: int
    high: int
    wide: int
    step_down: int
    step_right: int
    top: int
    left: int
    bottom: int
    right: int
    apart_down: int = 1
    apart_right: int = 1

    def check(self) -> None:
        """Refuse a window that does not fit the image.

        Raises:
            PrecompileFailure: so.
        """
        check_dimensions((*self[:7], *self[11:]))
        for pad in self[7:11]:
            check_range(pad, 0, _PAD_MAX)
        check(self.rows > 0 and self.columns > 0, "the window fits the padded image")

    @property
    def rows(self) -> int:
        """Of the output."""
        reach = self.apart_down * (self.high - 1) + 1
        return (self.top + self.height + self.bottom - reach) // self.step_down + 1

    @property
    def columns(self) -> int:
        """Of the output."""
        reach = self.apart_right * (self.wide - 1) + 1
        return (self.left + self.width + self.right - reach) // self.step_right + 1

    def places(self, row: int, column: int) -> Iterator[int | None]:
        """Where in a channel the window's elements are; None for padding."""
        for down in range(self.high):
            y = row * self.step_down - self.top + down * self.apart_down
            for along in range(self.wide):
                x = column * self.step_right - self.left + along * self.apart_right
                inside = 0 <= y < self.height and 0 <= x < self.width
                yield y * self.width + x if inside else None

    def elements(self, channel: list[int], pad: int | None) -> Iterator[list[int]]:
        """What the window shows of a channel, by rows of the output; padding left out for None."""
        for row in range(self.rows):
            for column in range(self.columns):
                seen = [pad if at is None else channel[at] for at in self.places(row, column)]
                yield [number for number in seen if number is not None]


def _channels(window: Window, data: bytes) -> list[list[int]]:
    """An image's channels."""
    area, numbers = window.height * window.width, int8s(data)
    return [numbers[at : at + area] for at in range(0, len(numbers), area)]


def _parse(parameters: tuple[int, ...]) -> tuple[Window, int, int, int]:
    """The window of a convolution, its outputs, groups and the value of padding."""
    channels, height, width, outputs = parameters[:4]
    window = Window(channels, height, width, *parameters[4:14])
    return window, outputs, parameters[14], parameters[15]


def convolution_shape(parameters: tuple[int, ...]) -> Shape:
    """int8[C,H,W] with int8[N,C/groups,h,w] and int32[N] → int32[N,rows,columns]."""
    window, outputs, groups, pad = _parse(parameters)
    window.check()
    check_dimensions((outputs, groups))
    check_range(pad, -128, 127)
    check(window.channels % groups == 0 and outputs % groups == 0, "groups are of equal size")
    depth = window.channels // groups * window.high * window.wide
    check_bias([], depth)
    area = window.rows * window.columns
    check(depth * area <= BYTES_MAX, "a group's windows hold 2**26 bytes at most")
    image = window.channels * window.height * window.width
    # Each group's windows are laid out beside each other first, which takes as long as 32 outputs.
    work = depth * area * (outputs + _WINDOW_WORK * groups)
    return Shape((image, outputs * depth, 4 * outputs), 4 * outputs * area, work, optional=2)


def convolution(parameters: tuple[int, ...], operands: list[bytes]) -> bytes:
    """Each output's weights times what the window shows of its group, and its bias."""
    window, outputs, groups, pad = _parse(parameters)
    channels, weights, bias = _channels(window, operands[0]), int8s(operands[1]), operands[2]
    inputs, depth = window.channels // groups, len(weights) // outputs
    check_bias(ints(bias), depth)
    biases = ints(bias) or [0] * outputs
    sums = []
    for output in range(outputs):
        group = output // (outputs // groups)
        of_output = weights[output * depth : (output + 1) * depth]
        shown = [window.elements(channels[group * inputs + place], pad) for place in range(inputs)]
        for seen in zip(*shown, strict=True):
            flat = [number for channel in seen for number in channel]
            dot = sum(a * b for a, b in zip(of_output, flat, strict=True))
            sums.append(dot + biases[output])
    return pack_ints(sums)


def _pool_shape(window: Window) -> Shape:
    window.check()
    image = window.channels * window.height * window.width
    count = window.channels * window.rows * window.columns
    return Shape((image, 0, 0), count, _POOL_WORK * count * window.high * window.wide)


def max_pool_shape(parameters: tuple[int, ...]) -> Shape:
    """int8[C,H,W] → int8[C,rows,columns]; no window lies in padding alone."""
    window = Window(*parameters[:11])
    shape = _pool_shape(window)
    check(max(window.top, window.bottom) < window.high, "pads are smaller than the window")
    check(max(window.left, window.right) < window.wide, "pads are smaller than the window")
    return shape


def max_pool(parameters: tuple[int, ...], operands: list[bytes]) -> bytes:
    """The largest of each window; padding does not count."""
    window = Window(*parameters[:11])
    channels = _channels(window, operands[0])
    return pack_int8s(
        [max(seen) for channel in channels for seen in window.elements(channel, None)]
    )


def mean_pool_shape(parameters: tuple[int, ...]) -> Shape:
    """int8[C,H,W] → int8[C,rows,columns]."""
    window = Window(*parameters[:11])
    zero_in, multiplier, shift, zero, *_ = parameters[11:]
    check_scaling(shift, zero_in, zero)
    check(multiplier >= 0, "a multiplier is 0 or more")
    shape = _pool_shape(window)
    check(window.high * window.wide <= 1 << 22, "the sums fit an int32")
    return shape


def mean_pool(parameters: tuple[int, ...], operands: list[bytes]) -> bytes:
    """The sum of each window, padding counted as zero, requantised: the divisor is part of that."""
    window = Window(*parameters[:11])
    zero_in, multiplier, shift, zero, *_ = parameters[11:]
    given = []
    for channel in _channels(window, operands[0]):
        for seen in window.elements(channel, zero_in):
            total = sum(number - zero_in for number in seen)
            given.append(clipped(rounded_shift(total * multiplier, shift) + zero))
    return pack_int8s(given)
