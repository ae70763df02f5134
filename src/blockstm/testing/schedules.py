"""Which worker runs next: every choice written down, enumerated, drawn, shrunk and replayed.

A schedule is a tuple of choices. `blockstm.executor.explore` steps the engine's real scheduler
and store with one worker running at a time and asks the schedule at every point where several
could go on; past its end the worker that ran last goes on. So ``()`` is the schedule without
preemption, and a short schedule of small numbers is a simple story.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blockstm.executor import Decision, Exploration

__all__ = ["enumerate_schedules", "random_schedules", "schedule_story", "shrink_schedule"]

Schedule = tuple[int, ...]


def enumerate_schedules(
    explore: Callable[[Schedule], Exploration], *, preemptions: int | None = None
) -> Iterator[tuple[Schedule, Exploration]]:
    """Run a block once for every schedule there is, depth first.

    Args:
        explore: runs the block under the choices it is given.
        preemptions: leave out the schedules that take the turn from a worker that could go on
            more often than this; None: leave out none.

    Yields:
        each schedule with the exploration it led to. No two of them are the same.

    Example:
        >>> from functools import partial
        >>> from blockstm.executor import explore
        >>> from blockstm.testing import enumerate_schedules, scripted_vm
        >>> block = [[("put", "a", 1)], [("get", "a")]]
        >>> runs = enumerate_schedules(
        ...     lambda choices: explore(block, {}, scripted_vm, choices=choices), preemptions=1)
        >>> {run.result.outcomes[1].value for _, run in runs}
        {(1,)}
    """
    schedule: Schedule | None = ()
    continues: list[bool] = []
    while schedule is not None:
        exploration = explore(schedule)
        yield schedule, exploration
        _note_continues(continues, schedule, exploration.trace)
        schedule = _next_schedule(exploration.trace, continues, preemptions)


def _note_continues(continues: list[bool], schedule: Schedule, trace: Sequence[Decision]) -> None:
    """Note for each decision whether the worker that had the turn could have kept it.

    It could if choice 0 is that worker. Depth first, every decision is first met with choice 0,
    so what was noted for the decisions that the schedule fixes still holds.
    """
    del continues[len(schedule) :]
    for place in range(len(continues), len(trace)):
        before = trace[place - 1].worker if place else None
        continues.append(trace[place].worker == before)


def _next_schedule(
    trace: Sequence[Decision], continues: Sequence[bool], preemptions: int | None
) -> Schedule | None:
    """The schedule after the one that led to ``trace``, in depth-first order; None at the end."""
    chosen = [decision.chosen for decision in trace]
    spent = [0]  # preemptions before each decision
    for place, choice in enumerate(chosen):
        spent.append(spent[-1] + (choice > 0 and continues[place]))
    for place in reversed(range(len(trace))):
        if chosen[place] + 1 >= trace[place].options:
            continue
        if preemptions is None or spent[place] + continues[place] <= preemptions:
            return (*chosen[:place], chosen[place] + 1)
    return None


def random_schedules(seed: int, *, length: int = 200, workers: int = 2) -> Iterator[Schedule]:
    """Schedules without end, the same for the same seed.

    Some switch often, some almost never: a bug may need either.

    Args:
        seed: any int.
        length: choices per schedule; later decisions are taken without preemption.
        workers: choices lie in ``range(workers)``.

    Example:
        >>> from itertools import islice
        >>> from blockstm.testing import random_schedules
        >>> list(islice(random_schedules(7), 3)) == list(islice(random_schedules(7), 3))
        True
    """
    draw = random.Random(seed)
    while True:
        switching = draw.choice((0.05, 0.2, 0.5, 1.0))
        yield tuple(
            draw.randrange(workers) if draw.random() < switching else 0 for _ in range(length)
        )


def shrink_schedule(
    schedule: Sequence[int], fails: Callable[[Schedule], bool], *, tries: int = 200
) -> Schedule:
    """A schedule for which ``fails`` still holds, with fewer and smaller choices.

    Args:
        schedule: one for which it holds.
        fails: runs the block under a schedule and tells whether it goes wrong.
        tries: at most this many calls of ``fails``.

    Example:
        >>> from blockstm.testing import shrink_schedule
        >>> shrink_schedule((1, 0, 1, 1, 0, 1), lambda choices: choices[3:4] == (1,))
        (0, 0, 0, 1)
    """
    budget = iter(range(tries))
    best = _without_tail(schedule)
    chunk = max(len(best) // 2, 1)
    while chunk:
        for start in range(0, len(best), chunk):
            candidate = _without_tail(
                (*best[:start], *(0 for _ in best[start : start + chunk]), *best[start + chunk :])
            )
            if candidate == best or next(budget, None) is None:
                continue
            if fails(candidate):
                best = candidate
        chunk //= 2
    return best


def _without_tail(schedule: Sequence[int]) -> Schedule:
    """The schedule without its last zeros: they are what happens past its end anyway."""
    end = len(schedule)
    while end and schedule[end - 1] == 0:
        end -= 1
    return tuple(schedule[:end])


def schedule_story(trace: Sequence[Decision]) -> list[str]:
    """What each worker did, in the order it happened: one line for each turn of a worker."""
    lines: list[str] = []
    worker = None
    for decision in trace:
        step = decision.point if decision.index < 0 else f"{decision.point} {decision.index}"
        if decision.worker == worker:
            lines[-1] += f", {step}"
        else:
            lines.append(f"worker {decision.worker}: {step}")
        worker = decision.worker
    return lines
