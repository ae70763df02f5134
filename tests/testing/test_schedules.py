"""Schedules: enumerated completely, drawn repeatably, shrunk to what matters."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from math import comb
from typing import Any

import pytest

from blockstm.testing import (
    enumerate_schedules,
    random_schedules,
    schedule_story,
    shrink_schedule,
)


@dataclass(frozen=True)
class Decision:
    options: int
    chosen: int
    worker: int
    point: str = "get"
    index: int = 0


@dataclass(frozen=True)
class Exploration:
    trace: list[Decision]


class Machine:
    """Workers with so many steps each: every interleaving of them is possible."""

    def __init__(self, *steps: int) -> None:
        self.steps = steps

    def explore(self, choices: tuple[int, ...]) -> Any:
        left = list(self.steps)
        trace: list[Decision] = []
        last = -1
        while any(left):
            options = [worker for worker, steps in enumerate(left) if steps]
            options.sort(key=lambda worker: worker != last)
            choice = choices[len(trace)] if len(trace) < len(choices) else 0
            last = options[choice % len(options)]
            left[last] -= 1
            trace.append(Decision(len(options), choice % len(options), last))
        return Exploration(trace)

    def interleavings(self, **options: Any) -> list[tuple[int, ...]]:
        runs = enumerate_schedules(self.explore, **options)
        return [tuple(decision.worker for decision in run.trace) for _, run in runs]


@pytest.mark.parametrize("steps", [(0, 0), (1, 1), (3, 2), (4, 4)])
def test_every_interleaving_of_two_workers_is_met_once(steps: tuple[int, int]) -> None:
    met = Machine(*steps).interleavings()
    assert len(met) == len(set(met)) == comb(sum(steps), steps[0])


def test_every_interleaving_of_three_workers_is_met_once() -> None:
    met = Machine(2, 2, 2).interleavings()
    assert len(met) == len(set(met)) == comb(6, 2) * comb(4, 2)


def preemptions(interleaving: tuple[int, ...], steps: tuple[int, ...]) -> int:
    left = list(steps)
    count = 0
    for before, worker in zip((None, *interleaving), interleaving, strict=False):
        count += before is not None and before != worker and left[before] > 0
        left[worker] -= 1
    return count


@pytest.mark.parametrize("steps", [(3, 3), (2, 3), (2, 2, 2)])
@pytest.mark.parametrize("bound", [0, 1, 2])
def test_a_bound_leaves_out_what_preempts_more_often(steps: tuple[int, ...], bound: int) -> None:
    machine = Machine(*steps)
    kept = machine.interleavings(preemptions=bound)
    expected = [met for met in machine.interleavings() if preemptions(met, steps) <= bound]
    assert sorted(kept) == sorted(expected)


def test_a_schedule_replays_its_interleaving() -> None:
    machine = Machine(3, 3)
    for schedule, run in enumerate_schedules(machine.explore):
        assert machine.explore(schedule).trace == run.trace


def test_random_schedules_depend_on_the_seed_alone() -> None:
    first = list(islice(random_schedules(1, workers=3), 20))
    assert first == list(islice(random_schedules(1, workers=3), 20))
    assert first != list(islice(random_schedules(2, workers=3), 20))
    assert {choice for schedule in first for choice in schedule} == {0, 1, 2}


def test_random_schedules_switch_often_and_seldom() -> None:
    switches = [sum(schedule) for schedule in islice(random_schedules(3), 40)]
    assert min(switches) < 20
    assert max(switches) > 80


def test_shrinking_keeps_what_fails_and_counts_its_tries() -> None:
    tried = []

    def fails(schedule: tuple[int, ...]) -> bool:
        tried.append(schedule)
        return len(schedule) > 20 and schedule[7] == 1 and schedule[20] == 1

    start = next(random_schedules(0, length=64))
    start = tuple(1 if place in (7, 20) else choice for place, choice in enumerate(start))
    assert shrink_schedule(start, fails) == tuple(int(place in (7, 20)) for place in range(21))
    tried.clear()
    shrink_schedule(start, fails, tries=5)
    assert len(tried) <= 5


def test_a_story_has_a_line_for_each_turn_of_a_worker() -> None:
    trace: list[Any] = [
        Decision(2, 0, 0, "claim", -1),
        Decision(2, 0, 0, "get", 3),
        Decision(2, 1, 1, "claim", -1),
        Decision(2, 1, 0, "publish", 3),
    ]
    assert schedule_story(trace) == [
        "worker 0: claim, get 3",
        "worker 1: claim",
        "worker 0: publish 3",
    ]
