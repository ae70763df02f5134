"""10,000 generated payments on all cores, compared with sequential: what ``make demo`` runs.

The block runs in a plain sequential loop over a hash map, on one worker of the engine and on all
cores, in turn. What the engine makes of it is compared with the reference, which is plain Python:
every outcome, every write, and their order.
"""

from __future__ import annotations

from importlib.util import find_spec

from blockstm import Config, Executor
from blockstm.cores import usable_cores
from blockstm.insight.contenders import Vm, engine_input
from blockstm.insight.machine import machine
from blockstm.insight.measurement import Row, measure
from blockstm.insight.programs import PROGRAMS
from blockstm.insight.workloads import Workload, workload
from blockstm.reference import execute_block as reference

ACCOUNTS = 1_000
WORK_US = 5.0
CORES = usable_cores()


def compare_with_reference(load: Workload, vm: Vm) -> None:
    """Run the block on all cores and raise AssertionError unless it is equal to sequential."""
    wanted = reference([(*tx, 0) for tx in load.transactions], load.state, PROGRAMS[load.program])
    with Executor(Config(workers=CORES)) as executor:
        result = executor.execute_block(*engine_input(load, vm, turns=0))
    assert list(result.outcomes) == list(wanted.outcomes)
    assert list(result.writes.items()) == list(wanted.writes.items())
    outcomes, writes = len(wanted.outcomes), len(wanted.writes)
    print(f"{outcomes:,} outcomes and {writes:,} writes: equal to sequential")


def show(rows: list[Row]) -> None:
    """A small table: the sequential loop once, then the engine."""
    lines = [("plain sequential loop", rows[0].baseline_seconds, 1.0, 1.0)]
    for row in rows:
        name = f"engine, {row.workers} worker{'s' * (row.workers > 1)}"
        lines.append(
            (name, row.seconds, row.speedup_over_baseline, row.incarnations_per_transaction)
        )
    print(f"\n{'':<28}{'time':>10}{'speed-up':>10}{'incarnations per transaction':>30}")
    for name, seconds, speedup, incarnations in lines:
        print(f"{name:<28}{seconds * 1e3:>7.1f} ms{speedup:>9.2f}x{incarnations:>30.2f}")
    if not all(row.stable for row in rows):
        print("\nThe timings differ by more than 10 % from lap to lap: is the machine busy?")


def main(transactions: int = 10_000) -> None:
    """Generate a block, compare, measure, print."""
    vm: Vm = "kernel" if find_spec("numba") else "python"
    load = workload("payments", accounts=ACCOUNTS, transactions=transactions)
    print(f"{transactions:,} payments among {ACCOUNTS:,} accounts, {WORK_US:g} µs of work each")
    print(", ".join(f"{name} {value}" for name, value in machine().items()), "\n")
    compare_with_reference(load, vm)
    show([measure(load, vm=vm, work_us=WORK_US, workers=n) for n in sorted({1, CORES})])


if __name__ == "__main__":
    main()
