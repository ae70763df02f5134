"""Timing contenders in turn, so that what the machine does meanwhile falls on all of them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["UNSTABLE", "Contender", "Lap", "Race", "Timing"]

UNSTABLE = 0.10
"""The spread above which a timing says so."""


@dataclass(frozen=True)
class Contender:
    """One way to do the job.

    Attributes:
        run: does it; timed. Raises unless it succeeded.
        prepare: before each lap, untimed; its result is handed to ``run``.
        check: after each lap, untimed; given what ``run`` returned, raises if that is wrong.
    """

    run: Callable[[Any], Any]
    prepare: Callable[[], Any] = lambda: None
    check: Callable[[Any], None] = lambda result: None


@dataclass(frozen=True)
class Lap:
    """One timed run: wall time and the CPU time of the whole process, in s."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Timing:
    """What the laps of a contender come to.

    Attributes:
        seconds: the median, in s.
        spread: interquartile range over median; above `UNSTABLE`, do not trust it.
        cpu_cores: CPU time over wall time, the median of it.
        rounds: how many laps.
    """

    seconds: float
    spread: float
    cpu_cores: float
    rounds: int

    @property
    def stable(self) -> bool:
        """Whether the laps agree well enough to compare with."""
        return self.spread <= UNSTABLE


@dataclass
class Race:
    """Laps of named contenders, each after the other; single-threaded itself.

    What a lap returned is checked every time, so no lap can have timed a failure.
    """

    contenders: Mapping[str, Contender]
    laps: dict[str, list[Lap]] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)

    def lap(self, name: str) -> None:
        """Time one run of a contender and check what it did."""
        self.timed(name, self.contenders[name].prepare())
        self.check(name)

    def timed(self, name: str, prepared: Any) -> None:
        """The timed part of a lap."""
        run = self.contenders[name].run
        collecting = gc.isenabled()
        gc.disable()
        try:
            cpu, wall = time.process_time(), time.perf_counter()
            result = run(prepared)
            lap = Lap(time.perf_counter() - wall, time.process_time() - cpu)
        finally:
            if collecting:
                gc.enable()
        self.results[name] = result
        self.laps.setdefault(name, []).append(lap)

    def check(self, name: str) -> None:
        """Raise unless the last lap of a contender came to what it must."""
        self.contenders[name].check(self.results[name])

    def warm_up(self) -> float:
        """Run everyone twice for the sake of caches, compilers and arenas; not counted.

        Returns the wall time of the second turn, untimed parts left out, in s.
        """
        for _ in range(2):
            self.laps.clear()
            for name in self.contenders:
                self.lap(name)
        taken = sum(lap.seconds for laps in self.laps.values() for lap in laps)
        self.laps.clear()
        return taken

    def run(self, *, seconds: float, rounds_min: int = 5, rounds_max: int = 50) -> None:
        """Race until about ``seconds`` have passed, within the bounds on rounds."""
        deadline = time.perf_counter() + seconds
        for number in range(rounds_max):
            if number >= rounds_min and time.perf_counter() > deadline:
                return
            for name in in_turn(list(self.contenders), number):
                self.lap(name)

    def timing(self, name: str) -> Timing:
        """What the laps of a contender so far come to."""
        laps = self.laps[name]
        seconds = [lap.seconds for lap in laps]
        low, median, high = _quartiles(seconds)
        cores = statistics.median(lap.cpu_seconds / lap.seconds for lap in laps)
        return Timing(median, (high - low) / median, cores, len(laps))


def in_turn(names: Sequence[str], number: int) -> list[str]:
    """Who runs in a round after whom: everyone as often behind this one as behind that one, as what
    ran before leaves caches to its own liking.

    Example:
        >>> [''.join(in_turn("abc", number)) for number in range(6)]
        ['abc', 'bca', 'cab', 'cba', 'bac', 'acb']
    """
    turn, shift = divmod(number, len(names))
    order = list(names) if turn % 2 == 0 else list(reversed(names))
    return order[shift:] + order[:shift]


def _quartiles(values: list[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high
