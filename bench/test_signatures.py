"""Senders of transactions that were never met, against libsecp256k1, in turn in one run."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from tests.crypto.signatures import Signed, signed_transactions, signer_by_libsecp256k1

from bench.conftest import rounds
from blockstm.bench.benchmark import Benchmark, Candidate
from blockstm.bench.machine import machine
from blockstm.ethereum import Transaction, recover_senders
from blockstm.ethereum.execution.known_senders import KNOWN_SENDERS

COUNT = 2048
OURS, LIBRARY = "blockstm", "libsecp256k1"


@pytest.fixture(scope="module")
def benchmark_of() -> Any:
    """A runner for a number of threads; the transactions are signed once."""
    made, senders = signed_transactions(COUNT)
    signatures = [Signed(each.signing_hash, each.r, each.s, each.y_parity) for each in made]
    transactions = [Transaction.decode(each.encode()) for each in made]  # as a block brings them

    def check(found: list[bytes]) -> None:
        assert found == senders

    def of(threads: int) -> Benchmark:
        def recover(_: Any) -> list[Any]:
            return recover_senders(transactions, workers=threads)

        def one_by_one(_: Any) -> list[Any]:
            return [signer_by_libsecp256k1(each) for each in signatures]

        ours = Candidate(recover, prepare=KNOWN_SENDERS.clear, check=check)
        return Benchmark({OURS: ours, LIBRARY: Candidate(one_by_one, check=check)})

    return of


@pytest.mark.parametrize("threads", [1, 2])
def test_signatures(benchmark: BenchmarkFixture, benchmark_of: Any, threads: int) -> None:
    """Everything `recover_senders` does, both hashes included."""
    runner: Benchmark = benchmark_of(threads)

    def before() -> tuple[tuple[Any, ...], dict[str, Any]]:
        runner.iterate(LIBRARY)
        return (OURS, runner.candidates[OURS].prepare()), {}

    benchmark.pedantic(
        runner.timed,
        setup=before,
        teardown=lambda name, prepared: runner.check(name),
        rounds=rounds(runner.warm_up()),
    )
    ours, library = runner.timing(OURS), runner.timing(LIBRARY)
    benchmark.extra_info["signatures"] = {
        "signatures": COUNT,
        "threads": threads,
        "microseconds": ours.seconds / COUNT * 1e6,
        "spread": ours.spread,
        "libsecp256k1_microseconds": library.seconds / COUNT * 1e6,
        "ratio": library.seconds / ours.seconds,
        "cpu_cores": ours.cpu_cores,
        "stable": ours.stable and library.stable,
        "machine": machine(),
    }
