"""A block under each policy on each number of cores, beside what was measured of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from blockstm.errors import InputError
from blockstm.insight.recording import Recording, Steps
from blockstm.insight.simulation.measured import measure_block
from blockstm.insight.simulation.model import Costs, Simulated
from blockstm.insight.simulation.policies import policy_named
from blockstm.insight.simulation.simulator import simulate
from blockstm.messages import brief

__all__ = ["CORES", "CoreEstimates", "ceiling_seconds", "estimate_cores", "simulate_cores"]

CORES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class CoreEstimates:
    """What a block would take on so many cores. Simulated, but for ``measured``.

    Attributes:
        name: of the block; ``transactions``: how many it has.
        simulated: (policy, cores) → what came of it.
        measured: cores → the engine's wall time without hints, in s; what was not measured is not
            in it.
        ceiling_seconds: its longest chain of dependent transactions, which no number of cores makes
            shorter without another order of reads, in s.
        costs: what the simulation was given.
    """

    name: str
    transactions: int
    simulated: Mapping[tuple[str, int], Simulated]
    measured: Mapping[int, float]
    ceiling_seconds: float
    costs: Costs

    def speedup(self, policy: str, cores: int) -> float:
        """Simulated time on one core, over that on so many.

        Raises:
            InputError: the policy was not simulated on so many cores, or nothing on one.
        """
        if (policy, cores) not in self.simulated:
            raise InputError(f"{brief(policy)} was not simulated on {brief(cores)} cores")
        return self._speedup(self.simulated[policy, cores].seconds)

    @property
    def ceiling(self) -> float:
        """The speed-up that the longest chain leaves; behind it the costs of the whole block.

        Raises:
            InputError: nothing was simulated on one core.
        """
        return self._speedup(self.ceiling_seconds)

    def error(self, cores: int) -> float | None:
        """How far the simulation of today's engine is off, as a part of what was measured."""
        if cores not in self.measured or ("optimistic", cores) not in self.simulated:
            return None
        return self.simulated["optimistic", cores].seconds / self.measured[cores] - 1

    def _speedup(self, seconds: float) -> float:
        alone = [each.seconds for (_, cores), each in self.simulated.items() if cores == 1]
        if not alone:
            raise InputError("a speed-up is over one core, on which nothing was simulated")
        return alone[0] / seconds if seconds else 1.0  # an empty block at no cost


def estimate_cores(
    steps: Steps,
    *,
    cores: Sequence[int] = CORES,
    policies: Sequence[str] = ("optimistic",),
    repeats: int = 30,
) -> CoreEstimates:
    """Measure a block on one worker and on two, and simulate it on more.

    Raises:
        ConfigError: there is no such policy, or ``repeats`` is less than 1.
        InputError: a number of cores is not from 1 to 256.
        BlockError: the block ends early.
    """
    found = measure_block(steps, repeats=repeats)
    return simulate_cores(
        found.recording, found.costs, cores=cores, policies=policies, measured=found.seconds
    )


def simulate_cores(
    recording: Recording,
    costs: Costs,
    *,
    cores: Sequence[int] = CORES,
    policies: Sequence[str] = ("optimistic",),
    measured: Mapping[int, float] | None = None,
) -> CoreEstimates:
    """Simulate a recorded block. Deterministic.

    Raises:
        ConfigError: there is no such policy.
        InputError: a number of cores is not from 1 to 256.
    """
    for count in cores:
        if not isinstance(count, int) or not 1 <= count <= 256:
            raise InputError(f"a number of cores is from 1 to 256, not {brief(count)}")
    made = {name: policy_named(name)(recording) for name in policies}
    return CoreEstimates(
        name=recording.name,
        transactions=len(recording),
        simulated={
            (name, count): simulate(recording.run_ns, policy, costs, count)
            for name, policy in made.items()
            for count in sorted({1, *cores})
        },
        measured=measured or {},
        ceiling_seconds=ceiling_seconds(recording, costs),
        costs=costs,
    )


def ceiling_seconds(recording: Recording, costs: Costs) -> float:
    """The longest chain of dependent transactions by time, with what the whole block costs."""
    ends: list[float] = []
    for needed, run_ns in zip(recording.dependencies, recording.run_ns, strict=True):
        ends.append(run_ns + max((ends[each] for each in needed), default=0.0))
    return (costs.fixed_ns + max(ends, default=0.0)) / 1e9
