"""One row of the benchmark of the EVM: a workload, an EVM and its baselines, timed in turn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from blockstm.bench.benchmark import Benchmark, Timing
from blockstm.bench.evm.candidates import Ran, candidate
from blockstm.bench.evm.instructions import instructions
from blockstm.bench.evm.workloads import Workload

__all__ = ["Row", "Same", "measure", "overall", "row", "start_benchmark"]


class Same:
    """The result of the first iteration, which every one of every EVM must have.

    Raises AssertionError where gas or output differ, so that no EVM is timed doing something else.
    """

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.ran: Ran | None = None

    def __call__(self, ran: Ran) -> None:
        """Compare an iteration's result with the first."""
        if self.ran is None:
            self.ran = ran
        elif ran != self.ran:
            raise AssertionError(f"the EVMs disagree on {self.workload.name}: {self.ran} and {ran}")

    @property
    def gas(self) -> int:
        """Gas of the call, the same for all."""
        return self.ran.gas_used if self.ran else 0


@dataclass(frozen=True)
class Row:
    """One row: the measurement of one workload.

    Attributes:
        workload: its name.
        evm: which EVM; ``baselines``: the timings of the others, by name.
        gas: of the call, in all iterations of all EVMs.
        instructions: executed by the call; None where they have not been counted.
        timing: what the iterations of ``evm`` come to; its seconds are a median.
    """

    workload: str
    evm: str
    gas: int
    instructions: int | None
    timing: Timing
    baselines: dict[str, Timing]

    @property
    def stable(self) -> bool:
        """Whether all spreads are small enough to compare."""
        return all(timing.stable for timing in (self.timing, *self.baselines.values()))

    def ratio(self, baseline: str) -> float:
        """The baseline's time over that of ``evm``: above 1, ``evm`` is faster."""
        return self.baselines[baseline].seconds / self.timing.seconds

    def as_dict(self) -> dict[str, object]:
        """The row flat, ready for JSON. ``ratio`` is against the first baseline."""
        flat: dict[str, object] = {
            "workload": self.workload,
            "evm": self.evm,
            "gas": self.gas,
            "seconds": self.timing.seconds,
            "spread": self.timing.spread,
            "mgas_per_second": self.gas / self.timing.seconds / 1e6,
            "instructions": self.instructions,
        }
        if self.instructions:
            flat["ns_per_instruction"] = self.timing.seconds / self.instructions * 1e9
        for place, (name, timing) in enumerate(self.baselines.items()):
            key = name.replace("-", "_")
            if place == 0:
                flat |= {"against": name, "ratio": self.ratio(name)}
            flat |= {
                f"{key}_seconds": timing.seconds,
                f"{key}_spread": timing.spread,
                f"{key}_ratio": self.ratio(name),
            }
        return flat | {"iterations": self.timing.iterations, "stable": self.stable}


def start_benchmark(
    workload: Workload, evm: str, baselines: Sequence[str]
) -> tuple[Benchmark, Same]:
    """A benchmark of a workload; not warmed up yet."""
    same = Same(workload)
    names = dict.fromkeys((*baselines, evm))
    return Benchmark({name: candidate(name, workload, same) for name in names}), same


def row(
    benchmark: Benchmark, workload: Workload, gas: int, evm: str, baselines: Sequence[str]
) -> Row:
    """The row of a benchmark's iterations so far."""
    return Row(
        workload=workload.name,
        evm=evm,
        gas=gas,
        instructions=instructions(workload),
        timing=benchmark.timing(evm),
        baselines={name: benchmark.timing(name) for name in baselines},
    )


def measure(
    workload: Workload,
    *,
    evm: str,
    baselines: Sequence[str],
    seconds: float = 2.0,
    iterations: int | None = None,
) -> Row:
    """Measure an EVM and its baselines in turn, for about ``seconds`` or ``iterations`` of each.

    Raises:
        UsageError: an EVM is unknown or not installed.
        AssertionError: two iterations came to different gas or output.
    """
    benchmark, same = start_benchmark(workload, evm, baselines)
    for name in benchmark.candidates:  # for the sake of caches; once, as py-evm takes its time
        benchmark.iterate(name)
    benchmark.iterations.clear()
    benchmark.run(seconds=seconds, rounds_min=iterations or 3, rounds_max=iterations or 50)
    return row(benchmark, workload, same.gas, evm, baselines)


def overall(rows: Iterable[Row]) -> dict[str, object]:
    """All rows in one: the sums of gas and seconds, the geometric means of the ratios."""
    rows = list(rows)
    flat: dict[str, object] = {
        "workload": "overall",
        "evm": rows[0].evm,
        "gas": sum(each.gas for each in rows),
        "seconds": sum(each.timing.seconds for each in rows),
    }
    for place, name in enumerate(rows[0].baselines):
        key = name.replace("-", "_")
        mean = math.exp(sum(math.log(each.ratio(name)) for each in rows) / len(rows))
        if place == 0:
            flat |= {"against": name, "ratio": mean}
        flat |= {
            f"{key}_seconds": sum(each.baselines[name].seconds for each in rows),
            f"{key}_ratio": mean,
        }
    return flat | {"stable": all(each.stable for each in rows)}
