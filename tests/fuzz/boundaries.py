"""Numbers that break things: boundaries, powers of two, small ones; how often which is drawn."""

from __future__ import annotations

from tests.fuzz.choices import Choices

WORD = 1 << 256
SIGN = 1 << 255

BOUNDARIES = (
    0,
    1,
    2,
    31,
    32,
    33,
    127,
    128,
    255,
    256,
    257,
    2**31,
    2**32 - 1,
    2**32,
    2**63 - 1,
    2**63,
    2**64 - 1,
    2**64,
    2**64 + 1,
    2**127,
    2**128 - 1,
    2**128,
    2**128 + 1,
    2**160 - 1,
    2**160,
    2**192 - 1,
    2**192,
    SIGN - 1,
    SIGN,
    SIGN + 1,
    WORD - 256,
    WORD - 2**64,
    WORD - 2,
    WORD - 1,
)


def word(choices: Choices) -> int:
    """A word of any kind."""
    kind = choices.number(0, 9)
    if kind <= 2:
        return choices.number(0, 4)
    if kind <= 5:
        return choices.pick(BOUNDARIES)
    if kind == 6:
        return (1 << choices.number(0, 255)) + choices.number(-1, 1)
    if kind == 7:
        return WORD - 1 - choices.number(0, 300)
    size = choices.number(1, 32)
    return int.from_bytes(choices.data(size), "big")


def offset(choices: Choices) -> int:
    """A place in memory, call data or code: nearly always near the start."""
    if choices.number(0, 399) == 399:
        return choices.pick(BOUNDARIES)
    if choices.chance(50):
        return 32 * choices.number(0, 6)
    return choices.number(0, 300)


def size(choices: Choices) -> int:
    """A size of what is there: nearly always small, often 0 or a word."""
    kind = choices.number(0, 399)
    if kind < 150:
        return 32
    if kind < 220:
        return 0
    if kind < 398:
        return choices.number(0, 200)
    return choices.pick((256, 1024, 5000, 2**32, 2**64, WORD - 1))
