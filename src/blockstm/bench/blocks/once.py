"""Real blocks met once: an iteration runs each of several blocks one time, in an order of its own.

Each iteration has a fresh process, so that no code was met before: what a block takes is what it
takes a node that has just begun. Nothing but the executor is kept from one block to the next, with
what the process learns. The same iterations are run with each number of workers, in turn.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from blockstm.bench.benchmark import Benchmark, Candidate, Iteration, Timing, timing_of
from blockstm.bench.blocks.pipeline import in_a_process
from blockstm.config import Config
from blockstm.ethereum.execution import prepare_file
from blockstm.ethereum.files.block_files import BlockFile
from blockstm.executor import Executor

__all__ = ["OnceRow", "measure_once"]


@dataclass(frozen=True)
class OnceRow:
    """One row: iterations with so many workers.

    Attributes:
        workers: threads of ours.
        blocks: of an iteration; ``transactions`` and ``gas`` are theirs.
        timing: of an iteration: the engine's time for all its blocks, senders and states at hand.
        speedup: over the first number of workers: the median over pairs in the same order.
        by_block: number of a block → median s.
    """

    workers: int
    blocks: int
    transactions: int
    gas: int
    timing: Timing
    speedup: float
    by_block: dict[int, float]

    def as_dict(self) -> dict[str, object]:
        """The row flat, ready for JSON."""
        return {
            "workload": f"{self.blocks} blocks, each once",
            "workers": self.workers,
            "transactions": self.transactions,
            "gas": self.gas,
            "seconds": self.timing.seconds,
            "spread": self.timing.spread,
            "mgas_per_second": self.gas / self.timing.seconds / 1e6,
            "cpu_cores": self.timing.cpu_cores,
            "speedup": self.speedup,
            "seconds_by_block": {str(number): each for number, each in self.by_block.items()},
            "iterations": self.timing.iterations,
            "stable": self.timing.stable,
        }


def measure_once(
    files: Sequence[BlockFile], *, workers: Sequence[int] = (1, 2), iterations: int = 5
) -> Iterator[OnceRow]:
    """Run so many iterations with each number of workers.

    Raises:
        AssertionError: a block did not use the gas that its header says.
    """
    taken: dict[int, list[dict[int, Iteration]]] = {count: [] for count in workers}
    for number in range(iterations):
        order = random.Random(number).sample(files, len(files))
        for count in list(taken)[:: 1 if number % 2 == 0 else -1]:
            taken[count].append(in_a_process(run_once, order, count))
    first = [_whole(iteration).seconds for iteration in next(iter(taken.values()))]
    for count, each in taken.items():
        wholes = [_whole(iteration) for iteration in each]
        ratios = [one / many.seconds for one, many in zip(first, wholes, strict=True)]
        yield OnceRow(
            workers=count,
            blocks=len(files),
            transactions=sum(len(file.block.transactions) for file in files),
            gas=sum(file.block.header.gas_used for file in files),
            timing=timing_of(wholes),
            speedup=statistics.median(ratios),
            by_block={
                number: statistics.median(iteration[number].seconds for iteration in each)
                for number in sorted(each[0])
            },
        )


def run_once(files: Sequence[BlockFile], workers: int) -> dict[int, Iteration]:
    """Run each block once, in this order: number → what it took."""
    iteration = {}
    with Executor(Config(workers=workers)) as executor:
        for file in files:
            prepared, header = prepare_file(file), file.block.header
            benchmark = Benchmark({"ours": Candidate(lambda run: run(executor.execute_block))})
            benchmark.timed("ours", prepared.run)
            used = benchmark.results["ours"].gas_used
            if used != header.gas_used:
                raise AssertionError(
                    f"block {header.number} used {used} gas, not {header.gas_used}"
                )
            iteration[header.number] = benchmark.iterations["ours"][0]
    return iteration


def _whole(blocks: dict[int, Iteration]) -> Iteration:
    taken = blocks.values()
    return Iteration(sum(each.seconds for each in taken), sum(each.cpu_seconds for each in taken))
