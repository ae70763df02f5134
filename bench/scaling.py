"""From one worker to as many as the machine has: ``python bench/scaling.py [WORKLOAD...]``.

Prints a Markdown table, what was measured beside what `blockstm simulate-cores` makes of the same
block, and with ``--out FOLDER`` writes it there beside a plot, as
``scaling.md`` and ``scaling.png``. The machine is described by its cores and its processor.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from blockstm.bench.blocks.measurement import measure_workload
from blockstm.bench.blocks.workloads import (
    BLOCK_WORKLOADS,
    GIGAGAS,
    BlockWorkload,
    block_workload,
)
from blockstm.bench.machine import machine
from blockstm.cores import usable_cores
from blockstm.insight.recording import Steps
from blockstm.insight.simulation.estimates import CoreEstimates, estimate_cores

_REPEATS = 5
WORKLOADS = ("transfers", "erc20", "swaps", "erc20-hot-30", "hybrid", "one-recipient", "pool-chain")


def counts(most: int) -> list[int]:
    """1, 2, 4, ... and the machine's own number of cores."""
    return sorted({1 << power for power in range(most.bit_length())} | {most})


def measured(
    names: Sequence[str], most: int, gas: int, seconds: float
) -> Iterator[dict[str, object]]:
    """A row for each workload and number of workers."""
    for name in names:
        workload = block_workload(name, gas=gas)
        estimates = simulated(workload, counts(most))
        for workers in counts(most):
            row = measure_workload(workload, workers=workers, seconds=seconds)
            print(f"{name}, {workers}: {row.speedup:.2f}x", file=sys.stderr, flush=True)
            yield row.as_dict() | {"simulated": estimates.speedup("optimistic", workers)}


def simulated(workload: BlockWorkload, cores: Sequence[int]) -> CoreEstimates:
    """The same block on simulated cores."""
    places = range(len(workload.steps))
    steps = Steps(workload.name, workload.steps, workload.state, workload.evm, places)
    return estimate_cores(steps, cores=cores, repeats=_REPEATS)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a page: a line for each workload, a column for each number of workers."""
    about = machine()
    workers = sorted({row["workers"] for row in rows})
    lines = [
        f"Measured on: {about['processor']}, {about['cores']} cores, Python {about['python']}. "
        "Speed-up over one worker; behind it what uncoordinated workers come to, and what the "
        "simulation of the block says.",
        "",
        "| workload | tx/s, 1 worker | " + " | ".join(f"{count}" for count in workers) + " |",
        "|---|---:|" + "---:|" * len(workers),
    ]
    for name in dict.fromkeys(row["workload"] for row in rows):
        of_workload = {row["workers"]: row for row in rows if row["workload"] == name}
        alone = of_workload[workers[0]]["sequential_transactions_per_second"]
        cells = [
            f"{of_workload[n]['speedup']:.2f}x ({of_workload[n]['bound']:.1f}x; simulated "
            f"{of_workload[n]['simulated']:.2f}x)"
            for n in workers
        ]
        lines.append(f"| {name} | {alone:,.0f} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="WORKLOAD", default=list(WORKLOADS))
    parser.add_argument("--workers", type=int, default=usable_cores(), metavar="MOST")
    parser.add_argument("--gas", type=float, default=GIGAGAS, metavar="G")
    parser.add_argument("--seconds", type=float, default=3.0, metavar="S", help="for a row")
    parser.add_argument("--out", type=Path, metavar="FOLDER")
    args = parser.parse_args()
    unknown = [name for name in args.names if name not in BLOCK_WORKLOADS]
    if unknown:
        parser.error(f"a workload is one of {', '.join(BLOCK_WORKLOADS)}, not {unknown[0]!r}")
    rows = list(measured(args.names, args.workers, int(args.gas), args.seconds))
    page = table(rows)
    print(page)
    if args.out:
        from blockstm.bench.blocks.plots import draw_scaling

        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "scaling.md").write_text(page)
        draw_scaling(rows, args.out / "scaling.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
