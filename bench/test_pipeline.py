"""Blocks from bytes to verified; see `blockstm bench pipeline`."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from tests.fixtures import fixtures, mainnet_block

from blockstm.bench.blocks.pipeline import Subject, measure_pipeline
from blockstm.bench.blocks.signed_blocks import SIGNED_BLOCKS, signed_block
from blockstm.bench.machine import machine
from blockstm.ethereum.files.block_files import read_block_file
from blockstm.ethereum.witnesses import read_witness

WORKERS = 2
WITNESSES = sorted(
    (fixtures() / "mainnet-witness").glob("*.json.xz"),
    key=lambda path: int(path.name.split(".")[0]),
)


@pytest.mark.parametrize("name", SIGNED_BLOCKS)
def test_generated(benchmark: BenchmarkFixture, name: str) -> None:
    """In memory. Verifications are timed by themselves; pytest-benchmark times all of it once."""
    subject = Subject.of_signed(signed_block(name))
    rows = benchmark.pedantic(lambda: list(measure_pipeline(subject, workers=WORKERS)))
    benchmark.extra_info["pipeline"] = [row.as_dict() | {"machine": machine()} for row in rows]


@pytest.mark.parametrize("path", WITNESSES, ids=lambda path: path.name.split(".")[0])
def test_mainnet(benchmark: BenchmarkFixture, path: Path) -> None:
    """With a witness: of the parent's state there is no more than its root."""
    block = mainnet_block(int(path.name.split(".")[0]))
    subject = Subject.of_file(read_block_file(block), read_witness(path))
    rows = benchmark.pedantic(
        lambda: list(measure_pipeline(subject, workers=WORKERS, iterations=3))
    )
    benchmark.extra_info["pipeline"] = [row.as_dict() | {"machine": machine()} for row in rows]
