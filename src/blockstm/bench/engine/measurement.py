"""One row of a benchmark: a workload, the engine on some workers, and its baseline, in turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from blockstm.bench.benchmark import Benchmark
from blockstm.bench.engine.candidates import Vm, candidates, work_loop
from blockstm.bench.engine.workloads import Workload
from blockstm.config import Config
from blockstm.executor import Executor

__all__ = ["BASELINE", "ENGINE", "Row", "calibrated_turns", "measure", "row", "start_benchmark"]

ENGINE, BASELINE = "engine", "baseline"


@dataclass(frozen=True)
class Row:
    """One row of the benchmark.

    Attributes:
        workload: its name.
        parameters: what the block was made from.
        vm: "kernel" or "python".
        work_us: work of a transaction, in µs; ``work_turns``: that in turns of the work loop.
        workers: threads of the engine.
        seconds: the engine's median time for the block, in s; ``spread``: its interquartile
            range over the median. The same of the baseline.
        speedup_over_baseline: baseline time over engine time: above 1, the engine is faster.
        incarnations_per_transaction: VM runs per transaction, in the engine's last iteration.
        cpu_cores: CPU time over wall time of the engine's iterations.
        iterations: how many of each.
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
    iterations: int
    stable: bool

    def as_dict(self) -> dict[str, object]:
        """The row flat, its parameters beside the rest, ready for JSON."""
        rest = dict(vars(self))
        flat: dict[str, object] = {"workload": rest.pop("workload")}
        flat.update(rest.pop("parameters"))
        flat.update(rest)
        return flat


def start_benchmark(workload: Workload, vm: Vm, turns: int, executor: Executor) -> Benchmark:
    """A benchmark of the engine and its baseline; not warmed up yet."""
    engine, baseline = candidates(workload, vm, turns, executor)
    return Benchmark({BASELINE: baseline, ENGINE: engine})


def row(
    benchmark: Benchmark, workload: Workload, vm: Vm, work_us: float, turns: int, workers: int
) -> Row:
    """The row of a benchmark's iterations so far."""
    engine, baseline = benchmark.timing(ENGINE), benchmark.timing(BASELINE)
    return Row(
        workload=workload.name,
        parameters=workload.parameters,
        vm=vm,
        work_us=work_us,
        work_turns=turns,
        workers=workers,
        seconds=engine.seconds,
        spread=engine.spread,
        baseline_seconds=baseline.seconds,
        baseline_spread=baseline.spread,
        speedup_over_baseline=baseline.seconds / engine.seconds,
        incarnations_per_transaction=benchmark.results[ENGINE].stats.incarnations_per_transaction,
        cpu_cores=engine.cpu_cores,
        iterations=engine.iterations,
        stable=engine.stable and baseline.stable,
    )


def measure(
    workload: Workload, *, vm: Vm, work_us: float, workers: int, seconds: float = 2.0
) -> Row:
    """Measure the engine and its baseline in turn, for about ``seconds``.

    Raises:
        AssertionError: an iteration did not come to what the block must come to.
    """
    turns = calibrated_turns(vm, work_us)
    with Executor(Config(workers=workers)) as executor:
        benchmark = start_benchmark(workload, vm, turns, executor)
        benchmark.warm_up()
        benchmark.run(seconds=seconds)
    return row(benchmark, workload, vm, work_us, turns, workers)


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
