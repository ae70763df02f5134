"""A market of compute: an epoch in Bittensor's shape, then jobs, bids, answers and payments.

Validators weigh miners; what they agree on, by stake, decides what is emitted to whom. The epoch
runs on chain, and each number is compared with its meaning in Python. Then come blocks of jobs:
miners underbid each other, answer, are paid, or slashed where the model on chain answers otherwise.
All of it runs on one worker, on two, and on two that were told by hints what depends on what.

Run it: ``python -m examples.compute_market.main``.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from examples.compute_market.epochs import Subnet
from examples.compute_market.meaning import MINERS, VALIDATORS, Matrix, epoch

from blockstm import Executor
from blockstm.bench.blocks.workloads import block_workload
from blockstm.hints import Hints, from_dependencies
from blockstm.insight.recording import Steps, run_for_accesses

__all__ = ["Ran", "main"]


class Ran(NamedTuple):
    """A block on some workers, the best of a few times.

    Attributes:
        milliseconds: that the engine took.
        incarnations: runs of a transaction, on average.
    """

    milliseconds: float
    incarnations: float


def in_three_ways(steps: Steps, times: int) -> dict[str, Ran]:
    """A block on one worker, on two, and on two with hints; the writes must be the same.

    Raises:
        AssertionError: they are not.
    """
    _, accesses = run_for_accesses(steps)
    hints = from_dependencies(accesses.dependencies)
    ways: dict[str, tuple[int, Hints | None]] = {
        "one worker": (1, None), "two workers": (2, None), "two, with hints": (2, hints)
    }  # fmt: skip
    found, writes = {}, None
    for name, (workers, given) in ways.items():
        with Executor(workers=workers) as executor:
            results = [
                executor.execute_block(steps.steps, steps.state, steps.evm, hints=given)
                for _ in range(times)
            ]
        writes = writes or results[0].writes
        assert all(result.writes == writes for result in results), "another result"
        stats = min((result.stats for result in results), key=lambda each: each.seconds)
        found[name] = Ran(stats.seconds * 1e3, stats.incarnations_per_transaction)
    return found


def checked_epoch(subnet: Subnet, bonds: Matrix, times: int = 0) -> Matrix:
    """An epoch, compared with its meaning; the bonds after it.

    Args:
        times: how often it is timed.

    Raises:
        AssertionError: the chain came to something else.
    """
    stakes = subnet.read("stakes", VALIDATORS + MINERS)
    meant = epoch(stakes[:VALIDATORS], subnet.weights, bonds)
    steps = subnet.epoch()
    with Executor(workers=2) as executor:
        result = subnet.run(steps, executor)
    ways = in_three_ways(subnet.block(steps), times) if times else {}
    subnet.take(result)
    assert subnet.read("ranks", MINERS) == meant.ranks
    assert subnet.read("dividends", VALIDATORS) == meant.dividends
    after = subnet.read("stakes", VALIDATORS + MINERS)
    assert [new - old for new, old in zip(after, stakes, strict=True)] == meant.emission
    print(f"an epoch of {len(stakes)}: {len(steps)} calls, {result.gas_used:,} gas, ", end="")
    print(f"{sum(meant.emission):,} emitted, each number as meant")
    show(ways, len(steps))
    return meant.bonds


def show(ways: dict[str, Ran], count: int) -> None:
    """A line for each way."""
    for name, ran in ways.items():
        rate = count / ran.milliseconds * 1e3
        print(f"  {name:<16}{ran.milliseconds:9.2f} ms {rate:10,.0f} tx/s", end="")
        print(f"{ran.incarnations:8.3f} runs each")


def main(epochs: int = 3, gas: int = 10**8, times: int = 5) -> dict[str, Ran]:
    """Some epochs, then a block of jobs; how the jobs ran."""
    subnet = Subnet(random.Random(1))
    bonds: Matrix = [[0] * MINERS for _ in range(VALIDATORS)]
    for _ in range(epochs):
        with Executor(workers=2) as executor:
            subnet.take(subnet.run(subnet.weighing(), executor))
        bonds = checked_epoch(subnet, bonds, times)
    jobs = block_workload("settlement", gas=gas)
    ways = in_three_ways(
        Steps("jobs", jobs.steps, jobs.state, jobs.evm, range(len(jobs.steps))), times
    )
    print(f"a block of jobs: {len(jobs.steps):,} transactions")
    show(ways, len(jobs.steps))
    return ways


if __name__ == "__main__":
    main()
