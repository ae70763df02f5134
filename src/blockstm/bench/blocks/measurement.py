"""One row of the benchmark of a workload: the engine on some workers, and what it is compared with.

In turn, iteration by iteration: the engine with one worker (``sequential``), with so many workers,
    and as many
engines with one worker each that run the whole block side by side and know nothing of each other
(``uncoordinated``). What these get done in a second is what the machine has to give: beside it, one
sees what sharing a block costs. Every iteration's gas is checked in its time, everything else
behind it.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from blockstm.bench.benchmark import Benchmark, Candidate, Timing
from blockstm.bench.blocks.baselines import BASELINES
from blockstm.bench.blocks.workloads import BlockWorkload
from blockstm.config import Config
from blockstm.errors import ConfigError
from blockstm.executor import Executor
from blockstm.messages import brief
from blockstm.types import BlockResult, Status

__all__ = ["BOUND", "SEQUENTIAL", "ParallelRow", "measure_workload"]

SEQUENTIAL = "sequential"
BOUND = "uncoordinated"


@dataclass(frozen=True)
class ParallelRow:
    """One row: the measurement of a workload on a number of workers.

    Attributes:
        name: of the workload; ``transactions`` and ``gas`` are its block's.
        workers: threads of the engine, at most.
        timing: what the engine's iterations come to.
        sequential: the same with one worker.
        speedups: of each iteration, over the sequential iteration beside it.
        bound: how many times as much the workers get done without coordination as one does.
        incarnations_per_transaction: in the last iteration; ``aborts``: by cause, likewise.
        shared: how many workers worked on the block in the last iteration (1: the gate stayed
            closed).
        baselines: seconds for a transaction, by name of the EVM, one thread each; None: see
            `BASELINES`.
    """

    name: str
    transactions: int
    gas: int
    workers: int
    timing: Timing
    sequential: Timing
    speedups: Sequence[float]
    bound: float
    incarnations_per_transaction: float
    aborts: Mapping[str, int]
    shared: int
    baselines: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def speedup(self) -> float:
        """The median of the iterations' speed-ups over one worker: above 1, sharing wins."""
        return statistics.median(self.speedups)

    @property
    def speedup_spread(self) -> float:
        """The interquartile range of the speed-ups over their median."""
        low, _, high = statistics.quantiles(self.speedups, n=4, method="inclusive")
        return (high - low) / self.speedup

    def as_dict(self) -> dict[str, object]:
        """The row flat, ready for JSON."""
        flat: dict[str, object] = {
            "workload": self.name,
            "transactions": self.transactions,
            "gas": self.gas,
            "workers": self.workers,
            "seconds": self.timing.seconds,
            "spread": self.timing.spread,
            "sequential_seconds": self.sequential.seconds,
            "sequential_spread": self.sequential.spread,
            "speedup": self.speedup,
            "speedup_spread": self.speedup_spread,
            "bound": self.bound,
            "cpu_cores": self.timing.cpu_cores,
            "transactions_per_second": self.transactions / self.timing.seconds,
            "sequential_transactions_per_second": self.transactions / self.sequential.seconds,
            "gigagas_per_second": self.gas / self.timing.seconds / 1e9,
            "incarnations_per_transaction": self.incarnations_per_transaction,
            "aborts": dict(self.aborts),
            "shared": self.shared,
            "iterations": self.timing.iterations,
            "stable": self.speedup_spread <= 0.1,
        }
        for name, seconds in self.baselines.items():
            key = name.replace("-", "_")
            alone = self.sequential.seconds / self.transactions
            flat |= {
                f"{key}_transactions_per_second": seconds and 1 / seconds,
                f"{key}_ratio": seconds and seconds / alone,
            }
        return flat


def measure_workload(
    workload: BlockWorkload,
    *,
    workers: int,
    seconds: float = 2.0,
    iterations: int | None = None,
    against: Sequence[str] = (),
) -> ParallelRow:
    """Benchmark the engine on a workload with ``workers`` against itself with one.

    Args:
        workload: what to run.
        workers: threads of the engine, at most.
        seconds: about how long to measure.
        iterations: of each instead, if given.
        against: other EVMs, of `BASELINES`; most run the block's first transactions once. None of
            them is measured on a workload that they cannot run.

    Raises:
        ConfigError: there is no such baseline.
        AssertionError: an iteration came to something else than the first sequential one.
    """
    unknown = [name for name in against if name not in BASELINES]
    if unknown:
        raise ConfigError(
            f"workloads are compared with {', '.join(BASELINES)}, not {brief(unknown[0])}"
        )
    one = Executor(Config(workers=1))
    many = Executor(Config(workers=workers))
    apart = [Executor(Config(workers=1)) for _ in range(workers)]
    pool = ThreadPoolExecutor(len(apart))
    try:
        benchmark = _benchmark(workload, one, many, apart, pool)
        benchmark.warm_up()
        benchmark.run(seconds=seconds, rounds_min=iterations or 5, rounds_max=iterations or 400)
    finally:
        for executor in (one, many, *apart):
            executor.close()
        pool.shutdown()
    baselines = {
        name: BASELINES[name](workload) if workload.is_portable else None for name in against
    }
    return _row(workload, workers, benchmark, baselines)


def _benchmark(
    workload: BlockWorkload,
    one: Executor,
    many: Executor,
    apart: Sequence[Executor],
    pool: ThreadPoolExecutor,
) -> Benchmark:
    steps = workload.evm.bind(workload.steps)
    same = _Same(len(workload.steps), workload.all_succeed)

    def on(executor: Executor) -> BlockResult:
        return same.at_once(executor.execute_block(steps, workload.state, workload.evm))

    def side_by_side(_: object) -> list[BlockResult]:
        return list(pool.map(on, apart))

    return Benchmark(
        {
            SEQUENTIAL: Candidate(lambda _: on(one), check=same),
            "engine": Candidate(lambda _: on(many), check=same),
            BOUND: Candidate(side_by_side, check=same.of_all),
        }
    )


def _row(
    workload: BlockWorkload,
    workers: int,
    benchmark: Benchmark,
    baselines: Mapping[str, float | None],
) -> ParallelRow:
    result: BlockResult = benchmark.results["engine"]
    engine, alone = benchmark.iterations["engine"], benchmark.iterations[SEQUENTIAL]
    return ParallelRow(
        name=workload.name,
        transactions=len(workload.steps),
        gas=result.gas_used,
        workers=workers,
        timing=benchmark.timing("engine"),
        sequential=benchmark.timing(SEQUENTIAL),
        speedups=[b.seconds / a.seconds for a, b in zip(engine, alone, strict=True)],
        bound=workers * benchmark.timing(SEQUENTIAL).seconds / benchmark.timing(BOUND).seconds,
        incarnations_per_transaction=result.stats.incarnations_per_transaction,
        aborts=result.stats.aborts,
        shared=result.stats.workers,
        baselines=baselines,
    )


class _Same:
    """Raises unless an iteration gives what the first one gave, without a failed transaction."""

    def __init__(self, count: int, all_succeed: bool) -> None:
        self.count = count
        self.all_succeed = all_succeed
        self.first: BlockResult | None = None
        self.outputs: list[bytes] = []

    def at_once(self, result: BlockResult) -> BlockResult:
        """Within the iteration: all are there, none was refused, the gas is right."""
        outcomes: Any = result.outcomes
        if outcomes.count_of(Status.SUCCESS) != self.count:
            raise AssertionError(f"{len(outcomes)} of {self.count} transactions became final")
        if self.first is not None and result.gas_used != self.first.gas_used:
            raise AssertionError(f"{result.gas_used} gas instead of {self.first.gas_used}")
        return result

    def of_all(self, results: Sequence[BlockResult]) -> None:
        """Each of them, behind the iteration."""
        for result in results:
            self(result)

    def __call__(self, result: BlockResult) -> None:
        """Behind the iteration: outputs, logs and writes are the same, and all succeeded."""
        outputs = _outputs(result)
        if self.first is None:
            failed = [index for index, output in enumerate(outputs) if output[:1] != b"\1"]
            if failed and self.all_succeed:
                raise AssertionError(f"{len(failed)} transactions failed, {failed[0]} first")
            self.first, self.outputs = result, outputs
        elif outputs != self.outputs or result.writes != self.first.writes:
            raise AssertionError(
                "an iteration came to another result than the first sequential one"
            )


def _outputs(result: BlockResult) -> list[bytes]:
    outcomes: Any = result.outcomes
    outputs: Callable[[], list[bytes]] = outcomes.outputs
    return outputs()
