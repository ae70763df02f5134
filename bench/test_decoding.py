"""`Block.decode` of a thousand transactions, against the same item by item in Python, in turn."""

from __future__ import annotations

from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture
from tests.crypto.signatures import signed_transactions
from tests.ethereum.builders import Site
from tests.ethereum.item_by_item import item_by_item

from bench.conftest import rounds
from blockstm.bench.benchmark import Benchmark, Candidate
from blockstm.bench.machine import machine
from blockstm.ethereum.blocks.block import Block
from blockstm.vm.forks import PRAGUE

COUNT = 1000
OURS, IN_PYTHON = "blockstm", "item by item"


def test_decoding(benchmark: BenchmarkFixture) -> None:
    """From a block's bytes to an object that answers whatever is asked of it."""
    transactions, _ = signed_transactions(COUNT)
    encoding = Site(PRAGUE).block(transactions).encode()

    def decode(_: Any) -> Block:
        return Block.decode(encoding)

    def decode_in_python(_: Any) -> Block:
        with item_by_item():
            return Block.decode(encoding)

    def check(block: Block) -> None:
        assert block.transactions == tuple(transactions)

    ours, in_python = Candidate(decode, check=check), Candidate(decode_in_python, check=check)
    timings = Benchmark({OURS: ours, IN_PYTHON: in_python})

    def before() -> tuple[tuple[Any, ...], dict[str, Any]]:
        timings.iterate(IN_PYTHON)
        return (OURS, None), {}

    benchmark.pedantic(
        timings.timed,
        setup=before,
        teardown=lambda name, prepared: timings.check(name),
        rounds=rounds(timings.warm_up()),
    )
    native, python = timings.timing(OURS), timings.timing(IN_PYTHON)
    benchmark.extra_info["decoding"] = {
        "transactions": COUNT,
        "milliseconds": native.seconds * 1e3,
        "spread": native.spread,
        "in_python_milliseconds": python.seconds * 1e3,
        "ratio": python.seconds / native.seconds,
        "stable": native.stable and python.stable,
        "machine": machine(),
    }
