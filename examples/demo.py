"""Real blocks of Ethereum and one of a gigagas, on one worker and on all: ``make demo``.

The blocks are of mainnet, from its first year to its newest rules, with what executing them reads.
Each is executed in turn on one worker and on all cores, and every time what comes out is compared
with its header. One of them is then given to py-evm too, the EVM in Python. Last comes a
generated block of a gigagas, about thirty times what a block of mainnet has.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from blockstm import Config, Executor
from blockstm.bench.benchmark import Benchmark, Candidate
from blockstm.bench.blocks.measurement import measure_workload
from blockstm.bench.blocks.workloads import GIGAGAS, block_workload
from blockstm.bench.machine import machine
from blockstm.cores import usable_cores
from blockstm.ethereum import BlockFile, read_block_file
from blockstm.ethereum.execution import ExecutedBlock, PreparedBlock, prepare_file
from blockstm.ethereum.execution.checks import block_checks, run_checks
from blockstm.ethereum.witnesses import WitnessState, read_witness

DATA = Path(__file__).parents[1] / "tests" / "data"
BLOCKS = (46147, 1150000, 4370000, 12300570, 13287210, 19426587, 23879620, 24628607)
ON_PYEVM = 19426587
CORES = max(2, usable_cores())
NAMES = {"gas_used": "gas", "receipts_root": "receipts", "logs_bloom": "logs"}


def file_of(number: int) -> BlockFile:
    return read_block_file(DATA / "mainnet" / f"{number}.json.xz")


def checked(prepared: PreparedBlock, run: ExecutedBlock) -> list[str]:
    """What is equal to the block's header; raises AssertionError where something is not.

    The state root can be checked where the nodes of the state trie are at hand.
    """
    header = prepared.block.header
    checks = block_checks(prepared) | run_checks(prepared, run)
    witness = DATA / "mainnet-witness" / f"{header.number}.json.xz"
    if witness.exists():
        root = WitnessState(read_witness(witness)).root_after(run.writes)
        checks["state_root"] = root == header.state_root
    differ = [name for name, holds in checks.items() if holds is False]
    assert not differ, f"block {header.number} differs from its header: {', '.join(differ)}"
    return [words for name, words in NAMES.items() if checks[name]] + (
        ["state root"] if checks["state_root"] else []
    )


def show_block(file: BlockFile, one: Executor, many: Executor) -> None:
    """A line of the table: the block on one worker and on all, median of five each."""
    prepared = prepare_file(file)
    benchmark = Benchmark(
        {
            "one": Candidate(lambda _: prepared.run(one.execute_block)),
            "many": Candidate(lambda _: prepared.run(many.execute_block)),
        }
    )
    benchmark.warm_up()
    benchmark.run(seconds=0.2)
    found = [checked(prepared, benchmark.results[name]) for name in ("one", "many")]
    assert benchmark.results["one"].receipts == benchmark.results["many"].receipts
    alone, together = (benchmark.timing(name).seconds for name in ("one", "many"))
    header = file.block.header
    print(
        f"{header.number:>9}  {prepared.fork.name:<12}{len(file.block.transactions):>6,}"
        f"{header.gas_used / 1e6:>9.2f}{alone * 1e3:>11.2f}{together * 1e3:>11.2f}"
        f"{alone / together:>9.2f}x   {', '.join(found[1])}",
        flush=True,
    )


def show_blocks(numbers: Sequence[int]) -> None:
    print(
        f"{'block':>9}  {'fork':<12}{'txs':>6}{'Mgas':>9}{'1 worker':>11}"
        f"{f'{CORES} workers':>11}{'speed-up':>10}   equal to the header"
    )
    with Executor(Config(workers=1)) as one, Executor(Config(workers=CORES)) as many:
        for number in numbers:
            show_block(file_of(number), one, many)
    print("(times in ms, medians; a block with little to share is left to one worker)")


def show_pyevm(number: int) -> None:
    """The same block once on py-evm: the same receipts, another time."""
    file = file_of(number)
    ours = prepare_file(file)
    try:
        theirs = prepare_file(file, "py-evm")
    except ImportError as error:
        print(f"\nNot compared with py-evm: {error}")
        return
    with Executor(Config(workers=1)) as executor:
        ours.run(executor.execute_block)  # once before, so that its contracts are known
        started = time.perf_counter()
        fast = ours.run(executor.execute_block)
        between = time.perf_counter()
        slow = theirs.run(executor.execute_block)
        ended = time.perf_counter()
    assert fast.receipts == slow.receipts
    seconds, slower = between - started, ended - between
    print(
        f"\nBlock {number} on py-evm: {slower:.2f} s, {slower / seconds:.0f} times as long as on "
        "ours with one worker; the receipts are equal."
    )


def show_gigagas(gas: int) -> None:
    """A generated block: outputs, logs and writes are compared in every iteration."""
    workload = block_workload("hybrid", gas=gas)
    row = measure_workload(workload, workers=CORES, seconds=1.0)
    print(f"\nA generated block: {len(workload.steps):,} transactions, {workload.about}")
    for workers, timing in ((1, row.sequential), (CORES, row.timing)):
        print(
            f"{workers:>3} worker{'s' * (workers > 1):<2}{timing.seconds * 1e3:>8.1f} ms"
            f"{row.gas / timing.seconds / 1e9:>8.2f} gigagas/s"
            f"{row.transactions / timing.seconds:>11,.0f} transactions/s"
        )
    print(
        f"{row.speedup:.2f} times as fast; without any coordination this machine could give "
        f"{row.bound:.2f}. Equal: every output, log and write."
    )
    if row.speedup_spread > 0.1:
        print("The iterations differ by more than 10 %: is the machine busy?")


def main(numbers: Sequence[int] = BLOCKS, gas: int = GIGAGAS) -> None:
    """Execute, compare, print."""
    print("blockstm on " + ", ".join(f"{name} {value}" for name, value in machine().items()), "\n")
    show_blocks(numbers)
    show_pyevm(ON_PYEVM)
    show_gigagas(gas)
    if usable_cores() < 2:
        print("\nThis machine has one usable core: a second worker cannot help here.")


if __name__ == "__main__":
    main()
