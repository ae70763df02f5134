"""What other EVMs took beside ours where this benchmark cannot run them, since no package has them.

Measured by us, once, and printed as that: a run says nothing new about them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["MACHINE", "MEASURED_ON", "PUBLISHED", "Published"]

MEASURED_ON = "2026-11-29 and 30"
MACHINE = "2 cores of an AMD EPYC (Zen 4; evm2: Zen 5), shared with other work"


@dataclass(frozen=True)
class Published:
    """How many times as long an EVM took as ours, on the same bytecode and with equal gas.

    Attributes:
        evm: which one, and how it was built.
        contracts: on the contracts of this benchmark, geometric mean: the least and the greatest of
            several runs.
        ipsilon: on the 27 workloads of ipsilon's evm-benchmarks, likewise.
        remark: its best rows against ours; below 1 it is faster.
    """

    evm: str
    contracts: tuple[float, float]
    ipsilon: tuple[float, float]
    remark: str

    def as_dict(self) -> dict[str, object]:
        """The figures, ready for JSON."""
        return {**asdict(self), "measured_on": MEASURED_ON, "machine": MACHINE}


PUBLISHED = (
    Published(
        "revm 43.0.3 (LTO, native, jemalloc)",
        (2.2, 2.3),
        (2.2, 2.3),
        "hashing_long 0.98-1.03, jump_around 0.96-1.08 (cold 0.41)",
    ),
    Published(
        "evmone 0.20 baseline, by EVMC (g++ 12)",
        (1.8, 1.9),
        (3.1, 3.2),
        "fibonacci 1.15, structarray_alloc 1.16, memory 1.25",
    ),
    Published("evmone 0.15 advanced (g++ 12)", (2.8, 2.9), (3.8, 4.2), "hashing 1.3"),
    Published(
        "evm2 of August 2026 (tail calls, nightly)",
        (2.1, 2.2),
        (3.1, 3.1),
        "jump_around 1.38, fibonacci 1.41, hashing_long 1.29-1.42",
    ),
)
"""evmone 0.20 and evm2 beside the EVM as it is, in blocks of 3 to 5 ms. The others beside the one
that translated every code when it met it: JUMPDEST_n0 and loop_with_many_jumpdests take it a
nineteenth since.
"""
