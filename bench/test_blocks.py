"""Real mainnet blocks on our EVM with one worker, against py-evm; see `blockstm bench blocks`."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from tests.fixtures import mainnet_block

from blockstm.bench.blocks.real_blocks import BASELINES, measure_block
from blockstm.bench.machine import machine
from blockstm.ethereum.files.block_files import read_block_file

BLOCKS = (
    1_796_867,
    2_179_522,
    4_369_999,
    12_300_570,
    12_459_406,
    13_287_210,
    14_029_313,
    15_537_394,
    18_426_253,
    19_426_587,
    19_932_703,
)
"""Blocks of all ages: full of transfers, of tokens, of one contract, of signatures to check."""


@pytest.mark.parametrize("number", BLOCKS)
def test_blocks(benchmark: BenchmarkFixture, number: int) -> None:
    """The iterations are measured by themselves, in turn; pytest-benchmark times all of it once."""
    file = read_block_file(mainnet_block(number))
    row = benchmark.pedantic(lambda: measure_block(file, baselines=BASELINES, iterations=20))
    benchmark.extra_info["block"] = row.as_dict() | {"machine": machine()}
