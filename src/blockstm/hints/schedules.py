"""How a block's hints are used: one of a few schedules, or the one that has paid lately.

None of them changes a result. The numbers are those of the core (`_native/engine/expected.pxd`).
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Final, Protocol

from blockstm.types import BlockResult

__all__ = ["ADAPTIVE", "Adaptive", "Fixed", "Schedule", "ScheduleChoice", "schedule_choice"]

ADAPTIVE: Final = "adaptive"


class Schedule(IntEnum):
    """What a block's workers do with its hints.

    Attributes:
        OPTIMISTIC: nothing; what conflicts is found by running it.
        DECLARED: a transaction waits for those that it depends on; long ones are begun early.
        GROUPED: that, and transactions that write a location in common form a group, whose members
            run one after another, mostly on one worker, and different groups side by side.
        LISTED: as ``DECLARED``, and nothing is validated again before its turn, as all reads are
            taken to be known; that ends where too many prove wrong.
    """

    OPTIMISTIC = 0
    DECLARED = 1
    GROUPED = 2
    LISTED = 3


class ScheduleChoice(Protocol):
    """Which schedule a block with hints gets."""

    def next(self) -> Schedule:
        """The schedule of the block that is run next."""

    def learn(self, result: BlockResult) -> None:
        """What a block with hints came to."""


class Fixed:
    """The same schedule for every block."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def next(self) -> Schedule:
        """The schedule that it was made with."""
        return self._schedule

    def learn(self, result: BlockResult) -> None:
        """Nothing is learnt."""


class Adaptive:
    """The schedule that took the least time for the work of the last blocks.

    Each is tried once to begin with, on a block that is shared; later, one block in `PROBE_EVERY`
    goes to the next in turn. What a block takes is measured against the time that its runs would
    take one after another, so that blocks of different sizes compare; older blocks count less.
    """

    PROBE_EVERY: Final = 16
    _DECAY: Final = 0.75

    def __init__(self) -> None:
        self._costs: dict[Schedule, float] = {}
        self._blocks = 0

    def next(self) -> Schedule:
        """The schedule of the block that is run next."""
        schedules: list[Schedule] = [*Schedule]
        probe, rest = divmod(self._blocks, self.PROBE_EVERY)
        if self._blocks < len(schedules):
            return schedules[self._blocks]
        if rest == self.PROBE_EVERY - 1:
            return schedules[probe % len(schedules)]
        return min(schedules, key=lambda each: self._costs.get(each, math.inf))

    def learn(self, result: BlockResult) -> None:
        """What a block with hints came to."""
        report, stats = result.stats.hints, result.stats
        if report is None or stats.workers < 2:
            return
        self._blocks += 1
        work = sum(stats.phases.values()) / max(stats.incarnations_per_transaction, 1.0)
        if work <= 0 or stats.seconds <= 0:  # the phases are sampled
            return
        schedule = Schedule[report.schedule.upper()]
        cost = math.log(stats.seconds / work)
        before = self._costs.get(schedule, cost)
        self._costs[schedule] = self._DECAY * before + (1 - self._DECAY) * cost


def schedule_choice(name: str) -> ScheduleChoice:
    """What chooses the schedules under an option of `blockstm.Config`."""
    return Adaptive() if name == ADAPTIVE else Fixed(Schedule[name.upper()])
