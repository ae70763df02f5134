"""Print what a block of 100,000 transactions takes in memory: ``python memory_probe.py payments``.

The peak of the process while it runs the block and holds its result, over what it held just
before, when block, state and executor were already there and a small block had been run.
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

from blockstm import Config, Executor
from blockstm.bench.engine.candidates import engine_input
from blockstm.bench.engine.workloads import workload_named

TRANSACTIONS = 100_000
STATUS = Path("/proc/self/status")


def kilobytes(field: str) -> int:
    """A field of the process's status, in KiB."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1])


def forget_peak() -> None:
    """Make the kernel's high-water mark start again from what is held now."""
    Path("/proc/self/clear_refs").write_text("5")


def probe(name: str) -> dict[str, object]:
    """Run one block and tell the growth of the process, in bytes a transaction."""
    small = engine_input(
        workload_named(name, accounts=10_000, transactions=1_000), "kernel", turns=0
    )
    large = engine_input(
        workload_named(name, accounts=10_000, transactions=TRANSACTIONS), "kernel", turns=0
    )
    with Executor(Config(workers=2)) as executor:
        executor.execute_block(*small)
        gc.collect()
        forget_peak()
        before = kilobytes("VmRSS")
        result = executor.execute_block(*large)
        peak = kilobytes("VmHWM")
        assert len(result.outcomes) == TRANSACTIONS
    return {
        "workload": name,
        "transactions": TRANSACTIONS,
        "bytes_per_transaction": (peak - before) * 1024 / TRANSACTIONS,
    }


if __name__ == "__main__":
    print(json.dumps(probe(sys.argv[1])))
