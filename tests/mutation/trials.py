"""Runs the tests on one mutant after another, each in a fork of a process that has collected them.

First every test runs once without a mutant, in a fork of its own, and notes which mutants it comes
across and how long it takes. Then each mutant meets only the tests that come across it, the quick
ones first, until one fails. A fork costs milliseconds, where loading everything costs seconds.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from tests.mutation.mutant import Mutant
from tests.mutation.switches import Switches

__all__ = ["Reach", "Trials", "in_fork"]

SECONDS_MIN, TIMES_LONGER = 5, 5
"""How much processor time the tests of a mutant get: so many times what they take without it."""
FIRST = 3
"""How many tests that have noticed many mutants come before the quick ones."""
KILLED, SURVIVED, NOT_MET, AT_LOAD, LEFT = "killed", "survived", "not met", "at load", "left"


@dataclass
class Reach:
    """What the tests came across without a mutant."""

    at_load: frozenset[int] = frozenset()
    tests: dict[int, set[int]] = field(default_factory=dict)  # mutant → places of tests
    seconds: dict[int, float] = field(default_factory=dict)  # place of a test → processor time

    def of(self, mutant: Mutant) -> list[int]:
        """The tests that come across a mutant, the quick ones first."""
        return sorted(self.tests.get(mutant.number, ()), key=self.seconds.__getitem__)


class Trials:
    """A plugin of pytest: instead of a run of the tests, one for each mutant.

    Args:
        mutants: those to try, in this order.
        switches: makes what turns them on, once the library is loaded.
        seconds: how long to go on; 0: to the end.
        budget: how many seconds the tests of one mutant may take without it; 0: all tests.
        report: told what each came to.
    """

    def __init__(
        self,
        mutants: Sequence[Mutant],
        switches: Callable[[], Switches],
        seconds: float,
        budget: float,
        report: Callable[[Mutant, str, str], None],
    ) -> None:
        self.mutants = mutants
        self.make_switches = switches
        self.until = time.monotonic() + seconds if seconds else float("inf")
        self.budget = budget or float("inf")
        self.report = report
        self.reach = Reach()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = session.items
        self.switches = self.make_switches()
        at_load = self.switches.met()
        self.reach.at_load = frozenset(number for number, met in enumerate(at_load) if met)
        self._measure()
        kills: Counter[int] = Counter()
        for mutant in self.mutants:
            if time.monotonic() > self.until:
                self.report(mutant, LEFT, "")
            elif mutant.number in self.reach.at_load:
                self.report(mutant, AT_LOAD, "")
            else:
                verdict, by = self._try(mutant, self._order(mutant, kills))
                kills[by] += by >= 0
                self.report(mutant, verdict, self.items[by].nodeid if by >= 0 else "")
        return True

    def _order(self, mutant: Mutant, kills: Counter[int]) -> list[int]:
        """The tests for a mutant within the budget: those that found most, then the quick ones."""
        quick = self.reach.of(mutant)
        first = sorted(quick, key=lambda place: -kills[place])[:FIRST]
        left, places = self.budget, []
        for place in (*first, *(each for each in quick if each not in first)):
            left -= self.reach.seconds[place]
            if places and left < 0:
                break
            places.append(place)
        return places

    def _measure(self) -> None:
        """Run every test once, and note what it comes across."""
        for place, met, seconds in _lines(lambda tell: self._run_all(tell)):
            self.reach.seconds[place] = seconds
            for number in met:
                self.reach.tests.setdefault(number, set()).add(place)
        failed = set(range(len(self.items))) - set(self.reach.seconds)
        for place in sorted(failed):
            print(f"fails without a mutant: {self.items[place].nodeid}", file=sys.stderr)

    def _run_all(self, tell: Callable[[Any], None]) -> None:
        self.switches.met()
        for place, item in enumerate(self.items):
            began = time.process_time()
            follower = self.items[place + 1] if place + 1 < len(self.items) else None
            reports = runtestprotocol(item, nextitem=follower, log=False)
            met = [number for number, was in enumerate(self.switches.met()) if was]
            if not any(each.failed for each in reports):
                tell([place, met, time.process_time() - began])

    def _try(self, mutant: Mutant, places: Sequence[int]) -> tuple[str, int]:
        """Whether a test notices a mutant, and the place of that test; -1: none."""
        if not places:
            return NOT_MET, -1
        took = sum(self.reach.seconds[place] for place in places)

        def run(tell: Callable[[Any], None]) -> None:
            self.switches.turn_on(mutant.number)
            for number, place in enumerate(places):
                tell(place)
                follower = self.items[places[number + 1]] if number + 1 < len(places) else None
                reports = runtestprotocol(self.items[place], nextitem=follower, log=False)
                if any(each.failed for each in reports):
                    return
            tell(-1)

        *_, last = (-2, *_lines(run, int(SECONDS_MIN + TIMES_LONGER * took)))
        return (SURVIVED if last == -1 else KILLED), last


def _lines(run: Callable[[Callable[[Any], None]], None], seconds: int = 0) -> Iterator[Any]:
    """What a forked process tells, to its end: in order, by itself or by a signal."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _forked(run, writing, seconds)
    os.close(writing)
    with os.fdopen(reading) as lines:
        for line in lines:
            yield json.loads(line)
    os.waitpid(child, 0)


def _forked(run: Callable[[Callable[[Any], None]], None], writing: int, seconds: int) -> None:
    """In the forked process: run and tell, within limits; never comes back."""
    os.setpgrp()
    if seconds:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(6 * seconds)  # for tests that wait for ever
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    try:
        run(lambda told: os.write(writing, f"{json.dumps(told)}\n".encode()) and None)
    finally:
        os._exit(0)


def in_fork(mutant: Mutant, arguments: Iterable[str], seconds: int) -> tuple[str, str]:
    """Whether a test notices a mutant that takes effect while the library is loaded.

    The calling process must not have loaded it.
    """

    def run(tell: Callable[[Any], None]) -> None:
        os.environ["BLOCKSTM_MUTANT"] = str(mutant.number)
        tell(int(pytest.main([*arguments, "-q", "-x", "-p", "no:cacheprovider"])))

    codes = list(_lines(run, seconds))
    return (SURVIVED if codes == [0] else KILLED), ""
