"""Where a generator's choices come from: a seed, or Hypothesis, which can shrink them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies

Thing = TypeVar("Thing")


class Choices:
    """Choices, each made by `number`; low numbers and first things are the simple ones."""

    def number(self, low: int, high: int) -> int:
        """An int of low..high, both included."""
        raise NotImplementedError

    def data(self, size: int) -> bytes:
        """Bytes without a meaning."""
        raise NotImplementedError

    def chance(self, percent: int) -> bool:
        """True in so many of 100 cases."""
        return self.number(0, 99) >= 100 - percent

    def pick(self, things: Sequence[Thing]) -> Thing:
        """One of them, each as likely."""
        return things[self.number(0, len(things) - 1)]

    def weighed(self, things: Sequence[tuple[int, Thing]]) -> Thing:
        """One of them, by weight."""
        place = self.number(0, sum(weight for weight, _ in things) - 1)
        for weight, thing in things:
            if place < weight:
                return thing
            place -= weight
        raise AssertionError("the weights have changed")


class SeededChoices(Choices):
    """The same choices for the same seed, on every machine."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)

    def number(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def data(self, size: int) -> bytes:
        return self._random.randbytes(size)


class DrawnChoices(Choices):
    """Choices that Hypothesis makes, remembers and shrinks; ``draw`` is a composite strategy's."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._draw = draw

    def number(self, low: int, high: int) -> int:
        chosen: int = self._draw(strategies.integers(low, high))
        return chosen

    def data(self, size: int) -> bytes:
        chosen: bytes = self._draw(strategies.binary(min_size=size, max_size=size))
        return chosen
