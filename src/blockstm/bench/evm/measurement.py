"""One row of the benchmark of the EVM: a load, one EVM, and its rivals, in turn in one run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from blockstm.bench.benchmark import Race, Timing
from blockstm.bench.evm.candidates import Ran, contender
from blockstm.bench.evm.instructions import instructions
from blockstm.bench.evm.workloads import Load

__all__ = ["Row", "Same", "measure", "overall", "row", "start_race"]


class Same:
    """What every lap of every EVM must come to: what the first one came to.

    Raises AssertionError where gas or output differ, so that no EVM is timed doing something else.
    """

    def __init__(self, load: Load) -> None:
        self.load = load
        self.ran: Ran | None = None

    def __call__(self, ran: Ran) -> None:
        """Compare a lap's result with the first."""
        if self.ran is None:
            self.ran = ran
        elif ran != self.ran:
            raise AssertionError(f"the EVMs disagree on {self.load.name}: {self.ran} and {ran}")

    @property
    def gas(self) -> int:
        """Gas of the call, the same for all."""
        return self.ran.gas_used if self.ran else 0


@dataclass(frozen=True)
class Row:
    """What was measured of one load.

    Attributes:
        workload: its name.
        evm: which EVM; ``rivals``: the timings of the others, by name.
        gas: of the call, in all laps of all EVMs.
        instructions: executed by the call; None where they have not been counted.
        timing: what the laps of ``evm`` come to; its seconds are a median.
    """

    workload: str
    evm: str
    gas: int
    instructions: int | None
    timing: Timing
    rivals: dict[str, Timing]

    @property
    def stable(self) -> bool:
        """Whether all spreads are small enough to compare."""
        return all(timing.stable for timing in (self.timing, *self.rivals.values()))

    def ratio(self, rival: str) -> float:
        """The rival's time over that of ``evm``: above 1, ``evm`` is faster."""
        return self.rivals[rival].seconds / self.timing.seconds

    def as_dict(self) -> dict[str, object]:
        """The row flat, ready for JSON. ``ratio`` is against the first rival."""
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
        for place, (name, timing) in enumerate(self.rivals.items()):
            key = name.replace("-", "_")
            if place == 0:
                flat |= {"against": name, "ratio": self.ratio(name)}
            flat |= {
                f"{key}_seconds": timing.seconds,
                f"{key}_spread": timing.spread,
                f"{key}_ratio": self.ratio(name),
            }
        return flat | {"laps": self.timing.rounds, "stable": self.stable}


def start_race(load: Load, evm: str, rivals: Sequence[str]) -> tuple[Race, Same]:
    """A race on a load; not warmed up yet."""
    same = Same(load)
    names = dict.fromkeys((*rivals, evm))
    return Race({name: contender(name, load, same) for name in names}), same


def row(race: Race, load: Load, gas: int, evm: str, rivals: Sequence[str]) -> Row:
    """What the laps of a race so far come to."""
    return Row(
        workload=load.name,
        evm=evm,
        gas=gas,
        instructions=instructions(load),
        timing=race.timing(evm),
        rivals={name: race.timing(name) for name in rivals},
    )


def measure(
    load: Load,
    *,
    evm: str,
    rivals: Sequence[str],
    seconds: float = 2.0,
    laps: int | None = None,
) -> Row:
    """Race an EVM against its rivals, for about ``seconds`` or for ``laps`` each.

    Raises:
        UsageError: an EVM is unknown or not installed.
        AssertionError: two laps came to different gas or output.
    """
    race, same = start_race(load, evm, rivals)
    for name in race.contenders:  # for the sake of caches; once, as py-evm takes its time
        race.lap(name)
    race.laps.clear()
    race.run(seconds=seconds, rounds_min=laps or 3, rounds_max=laps or 50)
    return row(race, load, same.gas, evm, rivals)


def overall(rows: Iterable[Row]) -> dict[str, object]:
    """All rows in one: the sums of gas and seconds, the geometric means of the ratios."""
    rows = list(rows)
    flat: dict[str, object] = {
        "workload": "overall",
        "evm": rows[0].evm,
        "gas": sum(each.gas for each in rows),
        "seconds": sum(each.timing.seconds for each in rows),
    }
    for place, name in enumerate(rows[0].rivals):
        key = name.replace("-", "_")
        mean = math.exp(sum(math.log(each.ratio(name)) for each in rows) / len(rows))
        if place == 0:
            flat |= {"against": name, "ratio": mean}
        flat |= {
            f"{key}_seconds": sum(each.rivals[name].seconds for each in rows),
            f"{key}_ratio": mean,
        }
    return flat | {"stable": all(each.stable for each in rows)}
