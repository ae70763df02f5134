"""What hints do to a block's time: right ones of each kind, and hostile ones, beside none.

All are timed in turn on the same engine, which alone is timed: hints are made beforehand, from a
run in order. Every iteration's gas and writes are compared with those of one worker.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median, quantiles
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from blockstm.bench.benchmark import in_turn
from blockstm.config import Config
from blockstm.errors import ConfigError
from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.hints import from_access_list
from blockstm.executor import Executor
from blockstm.hints import Expected, Hints, from_dependencies
from blockstm.insight.recording import Recording, Steps, record
from blockstm.messages import brief
from blockstm.types import BlockResult, HintsReport

__all__ = ["HINTS", "NONE", "ONE_WORKER", "HintedRow", "bound_seconds", "measure_hints"]

NONE = "none"
ONE_WORKER = "one worker"
ScheduleName: TypeAlias = Literal["optimistic", "declared", "grouped", "listed", "adaptive"]
_DRAWN = 7


def _accesses(recording: Recording) -> Hints:
    """All but nonces: a transaction names its sender's itself."""
    return Hints.of(
        Expected(
            reads=each.reads,
            writes=[location for location in each.writes if location[1] != "nonce"],
            adds=each.adds,
        )
        for each in recording.accesses
    )


def _values(recording: Recording) -> Hints:
    """What a block's access list tells: the values after each transaction."""
    return from_access_list(recording.access_list, recording.gas_limits)


def _lies(recording: Recording) -> Hints:
    """The same with every number one too large."""
    return from_access_list(_with_lies(recording, 0), recording.gas_limits)


def _late_lies(recording: Recording) -> Hints:
    """Right as long as that builds trust, then one too large."""
    return from_access_list(_with_lies(recording, len(recording) // 2), recording.gas_limits)


def _with_lies(recording: Recording, first: int) -> BlockAccessList:
    def of(changes: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        return tuple((index, value + (index > first)) for index, value in changes)

    return BlockAccessList(
        tuple(
            replace(
                each,
                storage_changes=tuple((slot, of(found)) for slot, found in each.storage_changes),
                balance_changes=of(each.balance_changes),
                nonce_changes=of(each.nonce_changes),
            )
            for each in recording.access_list.accounts
        )
    )


def _slots(recording: Recording) -> Hints:
    """Which slots were changed, without the values."""
    changed = [
        [location for location in each.writes if isinstance(location[1], int)]
        for each in recording.accesses
    ]
    return Hints.of(Expected(reads=each, writes=each) for each in changed)


def _weights(weights: Sequence[int]) -> Hints:
    return Hints.of(Expected(weight=each) for each in weights)


def _dependencies_and_times(recording: Recording) -> Hints:
    return Hints.of(
        Expected(dependencies=needed, weight=run_ns)
        for needed, run_ns in zip(recording.dependencies, recording.run_ns, strict=True)
    )


def _chain(recording: Recording) -> Hints:
    return from_dependencies([n - 1] if n else [] for n in range(len(recording)))


def _drawn(recording: Recording) -> Hints:
    draw = random.Random(_DRAWN)
    return from_dependencies(
        [draw.randrange(n) for _ in range(3)] if n else [] for n in range(len(recording))
    )


def _first_half_right(recording: Recording) -> Hints:
    """Right as long as that builds trust, then a chain that is none."""
    half = len(recording) // 2
    return from_dependencies(
        needed if n < half else [n - 1] for n, needed in enumerate(recording.dependencies)
    )


def _last_are_long(recording: Recording) -> Hints:
    count = len(recording)
    return _weights([max(n - count + 3, 0) for n in range(count)])


HINTS: Mapping[str, Callable[[Recording], Hints]] = MappingProxyType(
    {
        "dependencies": lambda recording: from_dependencies(recording.dependencies),
        "accesses": _accesses,
        "slots": _slots,
        "values": _values,
        "weights by gas": lambda recording: _weights(recording.gas),
        "weights by time": lambda recording: _weights(recording.run_ns),
        "dependencies and times": _dependencies_and_times,
        "hostile: a chain": _chain,
        "hostile: drawn": _drawn,
        "hostile: all on the first": lambda recording: from_dependencies([[0]] * len(recording)),
        "hostile: right then a chain": _first_half_right,
        "hostile: the last are long": _last_are_long,
        "hostile: lying values": _lies,
        "hostile: right values then lies": _late_lies,
    }
)
"""Name → what makes such hints of a block that has been recorded."""


@dataclass(frozen=True)
class HintedRow:
    """One row: one kind of hints on one block.

    Attributes:
        block: its name; ``hints``: theirs, or `NONE`.
        transactions: of the block.
        workers: threads.
        seconds: the engine's wall time, the median of the iterations, in s.
        spread: interquartile range over median.
        ratio: the median, over the iterations, of its time over that without hints.
        incarnations_per_transaction: the greatest of all iterations.
        longest_seconds: what the block's longest transaction took on one worker, recorded before.
        report: what hints did in the last iteration; None without any.
    """

    block: str
    hints: str
    transactions: int
    workers: int
    seconds: float
    spread: float
    ratio: float
    incarnations_per_transaction: float
    longest_seconds: float
    report: HintsReport | None

    def as_dict(self) -> dict[str, Any]:
        """The row flat, ready for JSON."""
        members = ("block", "hints", "transactions", "workers", "seconds", "spread", "ratio")
        report = self.report or HintsReport()
        return {name: getattr(self, name) for name in members} | {
            "incarnations_per_transaction": self.incarnations_per_transaction,
            "longest_seconds": self.longest_seconds,
            "holds": report.holds,
            "right": report.right,
            "wrong": report.wrong,
            "misled": report.misled,
        }


def measure_hints(
    steps: Steps,
    *,
    workers: int = 2,
    iterations: int = 20,
    names: Sequence[str] = tuple(HINTS),
    schedule: ScheduleName = "declared",
    more: Mapping[str, Hints] = MappingProxyType({}),
    with_one_worker: bool = False,
) -> list[HintedRow]:
    """Run a block without hints and with each kind of them, in turn; a row for each.

    Args:
        schedule: how hints are used, see `blockstm.Config`.
        more: name → hints, measured beside those of ``names``.
        with_one_worker: whether one worker is measured behind them, without hints.

    Raises:
        ConfigError: there are no such hints, or fewer than 2 iterations.
        AssertionError: an iteration came to something else than one worker does.
    """
    unknown = [name for name in names if name not in HINTS]
    if unknown or iterations < 2:
        wanted = f"hints are {', '.join(HINTS)}, and iterations 2 or more"
        raise ConfigError(f"{wanted}, not {brief(unknown[0]) if unknown else iterations}")
    recording = record(steps, repeats=3)
    given: dict[str, Any] = {NONE: None}
    for name, hints in ({each: HINTS[each](recording) for each in names} | dict(more)).items():
        given[name] = hints.shifted(steps.transactions.start)
    results: dict[str, list[BlockResult]] = {name: [] for name in given}
    with (
        Executor(Config(workers=1)) as alone,
        Executor(Config(workers=workers, schedule=schedule)) as shared,
    ):
        expected = alone.execute_block(steps.steps, steps.state, steps.evm)

        def iterate(engine: Executor, name: str) -> BlockResult:
            hints = given.get(name)
            result = engine.execute_block(steps.steps, steps.state, steps.evm, hints=hints)
            if result.gas_used != expected.gas_used or result.writes != expected.writes:
                raise AssertionError(f"{steps.name} with hints {name} came to another result")
            return result

        for number in range(-1, iterations):
            for name in in_turn(list(given), max(number, 0)):
                result = iterate(shared, name)
                if number >= 0:
                    results[name].append(result)
        if with_one_worker:  # behind them: whatever came next would find the other threads asleep
            results[ONE_WORKER] = [iterate(alone, ONE_WORKER) for _ in range(iterations)]
    longest = max(recording.run_ns, default=0) / 1e9
    return [
        _row(steps, name, 1 if name == ONE_WORKER else workers, results, longest)
        for name in results
    ]


def bound_seconds(rows: Iterable[Mapping[str, Any]]) -> float | None:
    """The least time that any hints could make of these rows' blocks, together, in s.

    A block takes at least one worker's time shared evenly among all workers, and at least as long
    as its longest transaction. ``rows`` are of `HintedRow.as_dict`; None where they have not one
    worker's time of each block.
    """
    rows = list(rows)
    alone = {row["block"]: row for row in rows if row["hints"] == ONE_WORKER}
    shared = [row for row in rows if row["hints"] == NONE]
    if not shared or any(row["block"] not in alone for row in shared):
        return None
    each = (
        max(alone[row["block"]]["seconds"] / row["workers"], row["longest_seconds"])
        for row in shared
    )
    return float(sum(each))


def _row(
    steps: Steps,
    name: str,
    workers: int,
    results: Mapping[str, Sequence[BlockResult]],
    longest_seconds: float,
) -> HintedRow:
    stats = [result.stats for result in results[name]]
    seconds = [each.seconds for each in stats]
    ratios = [
        each.seconds / none.stats.seconds for each, none in zip(stats, results[NONE], strict=True)
    ]
    low, middle, high = quantiles(seconds, n=4, method="inclusive")
    return HintedRow(
        block=steps.name,
        hints=name,
        transactions=len(steps.transactions),
        workers=workers,
        seconds=middle,
        spread=(high - low) / middle,
        ratio=median(ratios),
        incarnations_per_transaction=max(each.incarnations_per_transaction for each in stats),
        longest_seconds=longest_seconds,
        report=stats[-1].hints,
    )
