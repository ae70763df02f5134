"""Runs the tests on one mutant after another, each in a fork of a process that has collected them.

First every test runs once without a mutant and notes which mutants it comes across and how long it
takes. Then each mutant meets only the tests that come across it, those first that are likely to
notice it, until one fails. All mutants meet a few tests before any meets many: most do not outlast
the first. A fork costs milliseconds, where loading everything costs seconds.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from tests.mutation.forks import ENDED, Fork, Tell, limit_time
from tests.mutation.mutant import Mutant
from tests.mutation.order import Order, within
from tests.mutation.reach import Measured, Reach, source_of
from tests.mutation.switches import Switches
from tests.mutation.verdicts import Explanations, Verdict, Verdicts

__all__ = ["Trials", "noticed"]

ROOT = Path(__file__).parents[2]
BUDGETS = (0.3, 1.0, 5.0, float("inf"))
"""Seconds of tests that all mutants meet before any meets more."""
SECONDS_MIN, TIMES_LONGER = 2, 5
"""How much processor time a test of a mutant gets: so many times what it takes without it."""
LOAD_SECONDS = 20
"""How much time the tests take of a mutant that needs a process of its own."""


class Trials:
    """A plugin of pytest: instead of a run of the tests, one for each mutant.

    Args:
        mutants: those to try, in this order.
        switches: makes what turns them on, once the library is loaded.
        reach: which tests come across which mutants; what it lacks is measured.
        verdicts: what is known of the mutants; what they come to is added.
        explanations: of mutants that meet few tests, as none is expected to notice them.
        until: when to end, by the monotonic clock.
        tell_load: told the number of each mutant that works only in a process that loads the
            library with it on, and the tests for it.
    """

    def __init__(
        self,
        mutants: Sequence[Mutant],
        switches: Callable[[], Switches],
        reach: Reach,
        verdicts: Verdicts,
        explanations: Explanations,
        until: float,
        tell_load: Callable[[int, list[str]], None],
    ) -> None:
        self.mutants, self.make_switches = mutants, switches
        self.reach, self.verdicts, self.until = reach, verdicts, until
        self.explanations = explanations
        self.tell_load = tell_load
        self.at_load = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        self.switches = self.make_switches()
        self._find_constants()
        self._measure()
        self.order = Order(ROOT, session.items)
        for mutant in self.mutants:
            if verdict := self.verdicts.of(mutant).by:
                self.order.noticed(mutant, verdict)
        gc.freeze()  # so that a collection in a fork does not touch, and so copy, what it shares
        for budget in BUDGETS:
            for mutant in self._left(budget):
                if time.monotonic() > self.until:
                    return True
                self._try(mutant, budget)
        self._plan_loads()
        return True

    def _left(self, budget: float) -> Iterator[Mutant]:
        """Those that can be turned on in a fork; behind the first budget without explained ones."""
        for mutant in self.mutants:
            is_fine = budget == BUDGETS[0] or mutant not in self.explanations
            if is_fine and not self.at_load >> mutant.number & 1:
                yield mutant

    def _find_constants(self) -> None:
        """Which mutants change constants: with all that is computed anew, or only by a new load."""
        met = self.switches.met()
        self.switches.refresh()
        self.reach.everywhere = self.switches.met()
        self.at_load = met & ~self.reach.everywhere

    # ---- without a mutant

    def _measure(self) -> None:
        """Run every test once that was not, and note what it comes across."""
        lacking = list(self.reach.lacking(self.items.values()))
        for _, group in groupby(lacking, key=lambda item: item.path):
            if time.monotonic() > self.until:
                return
            self._measure_file(list(group))

    def _measure_file(self, items: Sequence[pytest.Item]) -> None:
        while items:
            measured = 0
            for seconds, met in Fork(lambda tell, items=items: self._run_all(items, tell)):
                self._note(items[measured], seconds, int(met, 16))
                measured += 1
            if measured < len(items):  # what came next ended the process
                self._note(items[measured], -1, 0)
            items = items[measured + 1 :]

    def _note(self, item: pytest.Item, seconds: float, met: int) -> None:
        if seconds < 0:
            print(f"fails without a mutant: {item.nodeid}", file=sys.stderr, flush=True)
        self.reach.add(Measured(item.nodeid, source_of(item), seconds, met))

    def _run_all(self, items: Sequence[pytest.Item], tell: Tell) -> None:
        self.switches.met()
        for place, item in enumerate(items):
            began = time.process_time()
            passed = _passes(item, items[place + 1 : place + 2])
            seconds = time.process_time() - began
            tell([seconds if passed else -1, f"{self.switches.met():x}"])

    # ---- with one

    def _try(self, mutant: Mutant, budget: float) -> None:
        """Let a mutant meet tests that it has not met, within a budget of seconds."""
        known = self.verdicts.of(mutant)
        if known.killed:
            return
        numbers = self.reach.of(mutant, self.items)
        tried = known.tried if known.at == self.reach.build else 0
        new = {self.reach.tests[each].name: each for each in numbers if not tried >> each & 1}
        if not new and mutant.key in self.verdicts.known:
            return
        seconds = {name: self.reach.tests[each].seconds for name, each in new.items()}
        spent = sum(self.reach.tests[each].seconds for each in numbers if tried >> each & 1)
        if spent and budget <= spent:
            return
        names = list(within(budget - spent, self.order.of(mutant, seconds), seconds))
        by, how = self._meet(mutant, names)
        for name in names:
            tried |= 1 << new[name]
        self.verdicts.add(mutant, Verdict(by, how, tried, self.reach.build))
        if how:
            self.order.noticed(mutant, by)

    def _meet(self, mutant: Mutant, names: Sequence[str]) -> tuple[str, str]:
        """The first of these tests that notices a mutant, and how; two empty texts: none does."""

        def run(tell: Tell) -> None:
            self.switches.turn_on(mutant.number)
            limit_time(SECONDS_MIN)
            if self.reach.everywhere >> mutant.number & 1:
                self.switches.refresh()
            items = [self.items[name] for name in names]
            for place, item in enumerate(items):
                tell(item.nodeid)
                measured = self.reach.tests[self.reach.latest[item.nodeid]]
                limit_time(SECONDS_MIN + TIMES_LONGER * measured.seconds)
                if not _passes(item, items[place + 1 : place + 2]):
                    tell("")
                    return

        return noticed(Fork(run))

    def _plan_loads(self) -> None:
        """Choose the tests for mutants that need a process of their own to load the library in.

        These are also constants that nobody noticed: others may have been computed from them.
        """
        constants = self.at_load | self.reach.everywhere
        for mutant in self.mutants:
            if mutant in self.explanations and not self.at_load >> mutant.number & 1:
                continue
            if constants >> mutant.number & 1 and not self.verdicts.of(mutant).killed:
                near = sum(1 << each.number for each in self.mutants if each.path == mutant.path)
                tests = [self.reach.tests[self.reach.latest[name]] for name in self.items]
                passed = [each for each in tests if each.passed]
                seconds = {each.name: each.seconds for each in passed if each.met & near}
                seconds = seconds or {each.name: each.seconds for each in passed}
                names = self.order.of(mutant, seconds)
                self.tell_load(mutant.number, list(within(LOAD_SECONDS, names, seconds)))


def noticed(fork: Fork) -> tuple[str, str]:
    """The test that notices a mutant, of those whose names a process tells, and how; else ""."""
    told = list(fork)
    if told and told[-1] == "":
        return told[-2], "failed"
    return ("", "") if fork.ending == ENDED else (told[-1] if told else "", fork.ending)


def _passes(item: pytest.Item, then: Sequence[pytest.Item]) -> bool:
    reports = runtestprotocol(item, nextitem=then[0] if then else None, log=False)
    return not any(each.failed for each in reports)
