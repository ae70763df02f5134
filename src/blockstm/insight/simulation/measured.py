"""What a block's steps cost on this machine, on one worker and on two, and what the block takes.

All is measured in turn, and of all repetitions the quickest counts: what else the machine did
meanwhile made the others slower.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise

from blockstm.config import Config
from blockstm.errors import ConfigError
from blockstm.executor import Executor
from blockstm.insight.recording import Recording, Steps, recorded, run, timing_executor
from blockstm.insight.simulation.model import Costs
from blockstm.messages import brief
from blockstm.types import Span, Stats

__all__ = ["Measured", "measure_block"]

_CORES = (1, 2)
_GAP_NS_MAX = 5_000
"""A longer time between two activities of a worker is not the cost of finding the next one."""


@dataclass(frozen=True)
class Measured:
    """A block on this machine.

    Attributes:
        recording: its transactions, in order on one worker.
        costs: what else its steps cost.
        seconds: workers → the engine's wall time of the block, in s.
    """

    recording: Recording
    costs: Costs
    seconds: Mapping[int, float]


def measure_block(steps: Steps, *, repeats: int = 30) -> Measured:
    """Run a block ``repeats`` times on one worker and on two, with and without a timeline.

    Where two workers never shared the block, the costs of sharing are 0.

    Raises:
        ConfigError: ``repeats`` is less than 1.
        BlockError: the block ends early.
    """
    if type(repeats) is not int or repeats < 1:
        raise ConfigError(f"a block is timed once or more, not {brief(repeats)} times")
    plain: dict[int, list[Stats]] = {count: [] for count in _CORES}
    timed: dict[int, list[Stats]] = {count: [] for count in _CORES}
    with ExitStack() as stack:
        engines = {each: stack.enter_context(Executor(Config(workers=each))) for each in _CORES}
        timing = {each: stack.enter_context(timing_executor(steps, each)) for each in _CORES}
        for number in range(repeats + 1):
            for count in _CORES:
                for runs, engine in ((plain, engines[count]), (timed, timing[count])):
                    stats = run(engine, steps)
                    if number:
                        runs[count].append(stats)
    recording = recorded(steps, timed[1])
    seconds = {count: min(each.seconds for each in plain[count]) for count in _CORES}
    return Measured(recording, _costs(steps, recording, timed), seconds)


def _costs(steps: Steps, recording: Recording, timed: Mapping[int, Sequence[Stats]]) -> Costs:
    """Each from one whole run: the quickest on one worker, or on two that shared the block."""
    alone = _quickest(timed[1])
    shared = [stats for stats in timed[2] if any(span.worker for span in stats.timeline)]
    both = _quickest(shared) if shared else Stats()
    return Costs(
        fixed_ns=_around_ns(alone),
        joined_ns=_joined_ns(both.timeline),
        claim_ns=_claim_ns(alone.timeline),
        publish_ns=_mean(both.timeline, "publish"),
        validate_ns=_mean(both.timeline, "validate"),
        commit_ns=statistics.fmean(recording.commit_ns) if len(recording) else 0.0,
        miss=_miss(both.timeline, steps, recording),
    )


def _quickest(runs: Sequence[Stats]) -> Stats:
    return min(runs, key=lambda stats: stats.seconds)


def _around_ns(stats: Stats) -> float:
    """What a block took before its first step and after its last."""
    if not stats.timeline:
        return stats.seconds * 1e9
    first, last = stats.timeline[0], stats.timeline[-1]
    return stats.seconds * 1e9 - (last.end_ns - first.begin_ns)


def _claim_ns(timeline: Sequence[Span]) -> float:
    """The time between two activities of a worker, where it looked for the next."""
    gaps = [
        max(after.begin_ns - before.end_ns, 0)
        for before, after in pairwise(timeline)
        if after.activity == "execute" and after.begin_ns - before.end_ns < _GAP_NS_MAX
    ]
    return statistics.fmean(gaps) if gaps else 0.0


def _joined_ns(timeline: Sequence[Span]) -> int:
    """When the second worker began its first activity."""
    return min((span.begin_ns for span in timeline if span.worker), default=0)


def _mean(timeline: Sequence[Span], activity: str) -> float:
    taken = [span.end_ns - span.begin_ns for span in timeline if span.activity == activity]
    return statistics.fmean(taken) if taken else 0.0


def _miss(timeline: Sequence[Span], steps: Steps, recording: Recording) -> float:
    """How many times as long a run takes whose data are all in another core's cache.

    With two workers, half of a run's data are.
    """
    beside = alone = 0
    joined = _joined_ns(timeline)
    for span in timeline:
        if span.activity != "execute" or span.incarnation or span.begin_ns < joined:
            continue
        if span.index is not None and span.index in steps.transactions:
            beside += span.end_ns - span.begin_ns
            alone += recording.run_ns[steps.transactions.index(span.index)]
    return max(1.0, 2 * beside / alone - 1) if alone else 1.0
