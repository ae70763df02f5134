"""Blocks with hints of each kind, right ones and hostile ones; see `blockstm bench hints`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from tests.fixtures import fixtures, mainnet_block, mainnet_index

from bench.hints_table import CONTENDED, MAINNET
from bench.parallel_table import LONG_BLOCK
from blockstm import Config, Executor
from blockstm.bench.benchmark import Benchmark, Candidate
from blockstm.bench.blocks.hinted import HINTS, HintedRow, measure_hints
from blockstm.bench.blocks.pipeline import Subject
from blockstm.bench.blocks.signed_blocks import signed_block
from blockstm.bench.blocks.taught import taught_steps
from blockstm.bench.machine import machine
from blockstm.cores import usable_cores
from blockstm.ethereum import Block, ExecutedBlock
from blockstm.ethereum.execution.known_senders import KNOWN_SENDERS
from blockstm.ethereum.files.block_files import read_block_file
from blockstm.ethereum.hints import from_access_list
from blockstm.ethereum.witnesses import WitnessState, read_witness
from blockstm.insight.recording import Steps

WORKERS = 2
ITERATIONS = 13
GENERATED_ITERATIONS = 15
"""Of blocks of a few milliseconds each."""
GAS = 60_000_000
CONTENDED_LOADS = (
    "erc20-hot-10", "erc20-hot-30", "hybrid", "one-recipient", "beneficiary", "transfer-chain",
    "token-chain", "pool-chain", "settlement", "ai-dex", "agents",
)  # fmt: skip  # names, in the order in which the workloads are listed
SCHEDULES = {"declared": ("dependencies", "values"), "grouped": ("accesses",)}
"""Schedule → the hints that are measured with it, beside what is learned."""
HOSTILE = tuple(name for name in HINTS if name.startswith("hostile"))
SIGNED = ("transfers-20000", "erc20-29516")
WITNESSED = (15_537_394, 23_879_620, 24_628_608)
"""Blocks of mainnet that come with a witness."""
LISTED, UNLISTED = "with the list", "without"


def test_mainnet(benchmark: BenchmarkFixture) -> None:
    """The blocks that are long enough to share. pytest-benchmark times all of it once."""
    files = [read_block_file(mainnet_block(number)) for number in sorted(mainnet_index())]
    blocks = [Steps.of_file(file) for file in files if file.block.header.gas_used >= LONG_BLOCK]
    names = ("dependencies", "values", "weights by time", *HOSTILE)

    def measure() -> list[dict[str, Any]]:
        rows = (_measure(block, names, iterations=ITERATIONS, one_worker=True) for block in blocks)
        return [_told(row, MAINNET, "declared") for each in rows for row in each]

    benchmark.extra_info["hints"] = benchmark.pedantic(measure)


def test_contended(benchmark: BenchmarkFixture) -> None:
    """Generated blocks with hot accounts and chains, and what others of their kind teach."""
    benchmark.extra_info["hints"] = benchmark.pedantic(lambda: list(_contended(CONTENDED_LOADS)))


def _contended(loads: Iterable[str]) -> Iterator[dict[str, Any]]:
    for name in loads:
        block, taught = taught_steps(name, gas=GAS)
        more = {} if taught is None else {"learned": taught}
        for schedule, names in SCHEDULES.items():
            rows = _measure(
                block,
                names,
                iterations=GENERATED_ITERATIONS,
                one_worker=schedule == "declared",
                schedule=schedule,
                more=more,
            )
            yield from (_told(row, CONTENDED, schedule) for row in rows)


def _measure(
    block: Steps, names: Sequence[str], *, iterations: int, one_worker: bool, **options: Any
) -> list[HintedRow]:
    return measure_hints(
        block,
        workers=WORKERS,
        iterations=iterations,
        names=names,
        with_one_worker=one_worker,
        **options,
    )


def _told(row: HintedRow, of: str, schedule: str) -> dict[str, Any]:
    return row.as_dict() | {"of": of, "schedule": schedule, "machine": machine()}


@pytest.mark.parametrize("name", [*SIGNED, *map(str, WITNESSED)])
def test_roots(benchmark: BenchmarkFixture, name: str) -> None:
    """From bytes to roots with an access list and without, in turn; senders are new each time."""
    subject = _subject(name)
    with Executor(Config(workers=WORKERS)) as executor:
        recorded = _verify(executor, subject, None, accesses=True)
        access_list = recorded.accesses.access_list.encode()
        given = {LISTED: access_list, UNLISTED: None}
        timings = Benchmark(
            {
                which: Candidate(partial(_verify, executor, subject), partial(_forget, each))
                for which, each in given.items()
            }
        )
        timings.warm_up()
        benchmark.pedantic(lambda: timings.run(seconds=0, rounds_min=ITERATIONS))
    if subject.witness is None:
        is_hashed_ahead = "roots" in timings.results[LISTED].overlapped
        assert is_hashed_ahead == (usable_cores() > WORKERS)
    listed, unlisted = timings.timing(LISTED), timings.timing(UNLISTED)
    benchmark.extra_info["listed_roots"] = {
        "block": name,
        "transactions": len(recorded.receipts),
        "list_bytes": len(access_list),
        "unlisted_milliseconds": unlisted.seconds * 1e3,
        "unlisted_spread": unlisted.spread,
        "listed_milliseconds": listed.seconds * 1e3,
        "listed_spread": listed.spread,
        "ratio": unlisted.seconds / listed.seconds,
        "stable": listed.stable and unlisted.stable,
        "machine": machine(),
    }


def _subject(name: str) -> Subject:
    """A generated block on a state in memory, or one of mainnet with its witness."""
    if name in SIGNED:
        return Subject.of_signed(signed_block(name))
    witness = read_witness(fixtures() / "mainnet-witness" / f"{name}.json.xz")
    return Subject.of_file(read_block_file(mainnet_block(int(name))), witness)


def _verify(
    executor: Executor, subject: Subject, access_list: bytes | None, **options: Any
) -> ExecutedBlock:
    block = Block.decode(subject.encoding)
    if access_list is not None:
        options["hints"] = from_access_list(access_list, block.transactions)
    state = subject.state
    if subject.witness is not None:
        state = WitnessState(subject.witness, subject.codes)
    options |= {"chain": subject.chain, "block_hashes": subject.block_hashes}
    executed = executor.execute_block(block, state, "evm", **options)
    assert executed.state_root == block.header.state_root
    return executed


def _forget(access_list: bytes | None) -> bytes | None:
    """Have the senders to recover again; what is handed to the run."""
    KNOWN_SENDERS.clear()
    return access_list
