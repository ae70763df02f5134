"""Timing candidates in turn, so that what the machine does meanwhile falls on all of them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["UNSTABLE", "Benchmark", "Candidate", "Iteration", "Timing", "timing_of"]

UNSTABLE = 0.10
"""The spread above which a timing says so."""


@dataclass(frozen=True)
class Candidate:
    """One way to do the job.

    Attributes:
        run: does it; timed. Raises unless it succeeded.
        prepare: before each iteration, untimed; its result is handed to ``run``.
        check: after each iteration, untimed; given what ``run`` returned, raises if that is wrong.
    """

    run: Callable[[Any], Any]
    prepare: Callable[[], Any] = lambda: None
    check: Callable[[Any], None] = lambda result: None


@dataclass(frozen=True)
class Iteration:
    """One timed run: wall time and the CPU time of the whole process, in s."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Timing:
    """The figures of a candidate's iterations.

    Attributes:
        seconds: the median, in s.
        spread: interquartile range over median; above `UNSTABLE`, do not trust it.
        cpu_cores: CPU time over wall time, the median of it.
        iterations: how many there were.
    """

    seconds: float
    spread: float
    cpu_cores: float
    iterations: int

    @property
    def stable(self) -> bool:
        """Whether the iterations agree well enough to compare with."""
        return self.spread <= UNSTABLE


@dataclass
class Benchmark:
    """Iterations of named candidates, each after the other; single-threaded itself.

    What an iteration returned is checked every time, so no iteration can have timed a failure.
    """

    candidates: Mapping[str, Candidate]
    iterations: dict[str, list[Iteration]] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)

    def iterate(self, name: str) -> None:
        """Time one run of a candidate and check what it did."""
        self.timed(name, self.candidates[name].prepare())
        self.check(name)

    def timed(self, name: str, prepared: Any) -> None:
        """The timed part of an iteration."""
        run = self.candidates[name].run
        collecting = gc.isenabled()
        gc.disable()
        try:
            cpu, wall = time.process_time(), time.perf_counter()
            result = run(prepared)
            iteration = Iteration(time.perf_counter() - wall, time.process_time() - cpu)
        finally:
            if collecting:
                gc.enable()
        self.results[name] = result
        self.iterations.setdefault(name, []).append(iteration)

    def check(self, name: str) -> None:
        """Raise unless the last iteration of a candidate came to what it must."""
        self.candidates[name].check(self.results[name])

    def warm_up(self) -> float:
        """Run each candidate twice for the sake of caches, compilers and arenas; not counted.

        Returns the wall time of the second turn, untimed parts left out, in s.
        """
        for _ in range(2):
            self.iterations.clear()
            for name in self.candidates:
                self.iterate(name)
        taken = sum(
            iteration.seconds for iterations in self.iterations.values() for iteration in iterations
        )
        self.iterations.clear()
        return taken

    def run(self, *, seconds: float, rounds_min: int = 5, rounds_max: int = 50) -> None:
        """Run until about ``seconds`` have passed, within the bounds on rounds."""
        deadline = time.perf_counter() + seconds
        for number in range(rounds_max):
            if number >= rounds_min and time.perf_counter() > deadline:
                return
            for name in in_turn(list(self.candidates), number):
                self.iterate(name)

    def timing(self, name: str) -> Timing:
        """The figures of a candidate's iterations so far."""
        return timing_of(self.iterations[name])


def timing_of(iterations: Sequence[Iteration]) -> Timing:
    """The figures of iterations."""
    seconds = [iteration.seconds for iteration in iterations]
    low, median, high = _quartiles(seconds)
    cores = statistics.median(iteration.cpu_seconds / iteration.seconds for iteration in iterations)
    return Timing(median, (high - low) / median, cores, len(iterations))


def in_turn(names: Sequence[str], number: int) -> list[str]:
    """The order of the candidates in a round: over the rounds each follows every other one equally
    often, because a candidate leaves the caches in the state that suits it.

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
