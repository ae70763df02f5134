"""One row of a benchmark: a workload, the engine on some workers, and its baseline, in turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from blockstm.bench.benchmark import Race
from blockstm.bench.engine.candidates import Vm, contenders, work_loop
from blockstm.bench.engine.workloads import Workload
from blockstm.config import Config
from blockstm.executor import Executor

__all__ = ["BASELINE", "ENGINE", "Row", "calibrated_turns", "measure", "row", "start_race"]

ENGINE, BASELINE = "engine", "baseline"


@dataclass(frozen=True)
class Row:
    """What was measured.

    Attributes:
        workload: its name.
        parameters: what the block was made from.
        vm: "kernel" or "python".
        work_us: work of a transaction, in µs; ``work_turns``: that in turns of the work loop.
        workers: threads of the engine.
        seconds: the engine's median time for the block, in s; ``spread``: its interquartile
            range over the median. The same of the baseline.
        speedup_over_baseline: baseline time over engine time: above 1, the engine is faster.
        incarnations_per_transaction: VM runs per transaction, in the engine's last lap.
        cpu_cores: CPU time over wall time of the engine's laps.
        rounds: laps of each.
        stable: whether both spreads are small enough to compare.
    """

    workload: str
    parameters: dict[str, int]
    vm: str
    work_us: float
    work_turns: int
    workers: int
    seconds: float
    spread: float
    baseline_seconds: float
    baseline_spread: float
    speedup_over_baseline: float
    incarnations_per_transaction: float
    cpu_cores: float
    rounds: int
    stable: bool

    def as_dict(self) -> dict[str, object]:
        """The row flat, its parameters beside the rest, ready for JSON."""
        rest = dict(vars(self))
        flat: dict[str, object] = {"workload": rest.pop("workload")}
        flat.update(rest.pop("parameters"))
        flat.update(rest)
        return flat


def start_race(load: Workload, vm: Vm, turns: int, executor: Executor) -> Race:
    """A race of the engine against its baseline; not warmed up yet."""
    engine, baseline = contenders(load, vm, turns, executor)
    return Race({BASELINE: baseline, ENGINE: engine})


def row(race: Race, load: Workload, vm: Vm, work_us: float, turns: int, workers: int) -> Row:
    """What the laps of a race so far come to."""
    engine, baseline = race.timing(ENGINE), race.timing(BASELINE)
    return Row(
        workload=load.name,
        parameters=load.parameters,
        vm=vm,
        work_us=work_us,
        work_turns=turns,
        workers=workers,
        seconds=engine.seconds,
        spread=engine.spread,
        baseline_seconds=baseline.seconds,
        baseline_spread=baseline.spread,
        speedup_over_baseline=baseline.seconds / engine.seconds,
        incarnations_per_transaction=race.results[ENGINE].stats.incarnations_per_transaction,
        cpu_cores=engine.cpu_cores,
        rounds=engine.rounds,
        stable=engine.stable and baseline.stable,
    )


def measure(load: Workload, *, vm: Vm, work_us: float, workers: int, seconds: float = 2.0) -> Row:
    """Race the engine against its baseline for about ``seconds`` and sum it up.

    Raises:
        AssertionError: a lap did not come to what the block must come to.
    """
    turns = calibrated_turns(vm, work_us)
    with Executor(Config(workers=workers)) as executor:
        race = start_race(load, vm, turns, executor)
        race.warm_up()
        race.run(seconds=seconds)
    return row(race, load, vm, work_us, turns, workers)


def calibrated_turns(vm: Vm, work_us: float) -> int:
    """How many turns of the work loop take ``work_us`` µs on this machine, now."""
    if work_us <= 0:
        return 0
    spin = work_loop(vm)
    spin(1)  # compiles it
    turns = 1000
    while (taken := _seconds(spin, turns)) < 0.002:
        turns *= 2
    best = min(taken, *(_seconds(spin, turns) for _ in range(9)))
    return max(1, round(work_us * 1e-6 * turns / best))


def _seconds(spin: Callable[[int], object], turns: int) -> float:
    start = time.perf_counter()
    spin(turns)
    return time.perf_counter() - start
