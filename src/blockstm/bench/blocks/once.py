"""Real blocks met once: an iteration runs each of several blocks one time, in an order of its own.

Each iteration has a fresh process, so that no code was met before: what a block takes is what it
takes a node that has just begun. Nothing but the executor is kept from one block to the next, with
what the process learns. The same iterations are run with each number of workers, in turn. Where it
is asked for, the process runs all blocks a few times more: what they take when codes are known.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from blockstm.bench.benchmark import Benchmark, Candidate, Iteration, Timing, timing_of
from blockstm.bench.blocks.pipeline import in_a_process
from blockstm.config import Config
from blockstm.ethereum.execution import PreparedBlock, prepare_file
from blockstm.ethereum.files.block_files import BlockFile
from blockstm.ethereum.results import check_results
from blockstm.executor import Executor
from blockstm.vm.forks import BYZANTIUM

__all__ = ["OnceRow", "measure_once"]

Round = dict[int, Iteration]
"""Number of a block → what it took."""


@dataclass(frozen=True)
class OnceRow:
    """One row: iterations with so many workers.

    Attributes:
        workers: threads of ours.
        blocks: of an iteration; ``transactions`` and ``gas`` are theirs.
        timing: of an iteration: the engine's time for all its blocks, senders and states at hand.
        speedup: over the first number of workers: the median over pairs in the same order.
        by_block: number of a block → median s.
        known_by_block: the same of a block whose codes are known: the least of the rounds after the
            first; empty where there are none.
        first_sight: the time of an iteration over that of the known blocks, the median; None where
            there are none.
    """

    workers: int
    blocks: int
    transactions: int
    gas: int
    timing: Timing
    speedup: float
    by_block: dict[int, float]
    known_by_block: dict[int, float]
    first_sight: float | None

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
            "known_seconds": sum(self.known_by_block.values()) if self.known_by_block else None,
            "known_seconds_by_block": {
                str(number): each for number, each in self.known_by_block.items()
            },
            "first_sight": self.first_sight,
            "iterations": self.timing.iterations,
            "stable": self.timing.stable,
        }


def measure_once(
    files: Sequence[BlockFile],
    *,
    workers: Sequence[int] = (1, 2),
    iterations: int = 5,
    known: int = 0,
) -> Iterator[OnceRow]:
    """Run so many iterations with each number of workers; ``known`` rounds more in each process.

    Raises:
        InvalidBlock: a block did not come to the gas, the receipts or the bloom of its header.
    """
    taken: dict[int, list[list[Round]]] = {count: [] for count in workers}
    for number in range(iterations):
        order = random.Random(number).sample(files, len(files))
        for count in list(taken)[:: 1 if number % 2 == 0 else -1]:
            taken[count].append(in_a_process(run_rounds, order, count, 1 + known))
    first = [_whole(rounds[0]).seconds for rounds in next(iter(taken.values()))]
    for count, each in taken.items():
        wholes = [_whole(rounds[0]) for rounds in each]
        ratios = [one / many.seconds for one, many in zip(first, wholes, strict=True)]
        least = [_least(rounds[1:]) for rounds in each if known]
        yield OnceRow(
            workers=count,
            blocks=len(files),
            transactions=sum(len(file.block.transactions) for file in files),
            gas=sum(file.block.header.gas_used for file in files),
            timing=timing_of(wholes),
            speedup=statistics.median(ratios),
            by_block=_medians([_seconds(rounds[0]) for rounds in each]),
            known_by_block=_medians(least),
            first_sight=_first_sight(wholes, least),
        )


def run_rounds(files: Sequence[BlockFile], workers: int, rounds: int) -> list[Round]:
    """Run each block once, in this order, and all of them again and again: rounds of number →
    what it took."""
    prepared = {file.block.header.number: prepare_file(file) for file in files}
    with Executor(Config(workers=workers)) as executor:
        return [
            {number: _timed(executor, block) for number, block in prepared.items()}
            for _ in range(rounds)
        ]


def _timed(executor: Executor, prepared: PreparedBlock) -> Iteration:
    """What a block took; the comparison with its header comes after the time."""
    benchmark = Benchmark({"ours": Candidate(lambda run: run(executor.execute_block))})
    benchmark.timed("ours", prepared.run)
    executed = benchmark.results["ours"]
    check_results(
        prepared.block.header,
        executed.gas_used,
        executed.receipts,
        has_receipts_root=prepared.fork >= BYZANTIUM,  # earlier ones have state roots
    )
    return benchmark.iterations["ours"][0]


def _seconds(round_: Round) -> dict[int, float]:
    return {number: each.seconds for number, each in round_.items()}


def _least(rounds: Sequence[Round]) -> dict[int, float]:
    """Of each block the round that took least: what delays the others is the machine's."""
    return {number: min(round_[number].seconds for round_ in rounds) for number in rounds[0]}


def _medians(rounds: Sequence[dict[int, float]]) -> dict[int, float]:
    numbers = sorted(rounds[0]) if rounds else ()
    return {number: statistics.median(round_[number] for round_ in rounds) for number in numbers}


def _first_sight(wholes: Sequence[Iteration], least: Sequence[dict[int, float]]) -> float | None:
    if not least:
        return None
    pairs = zip(wholes, least, strict=True)
    return statistics.median(whole.seconds / sum(known.values()) for whole, known in pairs)


def _whole(blocks: Round) -> Iteration:
    taken = blocks.values()
    return Iteration(sum(each.seconds for each in taken), sum(each.cpu_seconds for each in taken))
