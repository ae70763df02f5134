"""`blockstm bench blocks`: real blocks on our EVM and on py-evm."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.fixtures import mainnet_block

from blockstm.bench.blocks.real_blocks import BASELINES, measure_block
from blockstm.cli import main
from blockstm.errors import ConfigError
from blockstm.ethereum.files.block_files import read_block_file

BLOCK = 1_796_867

Capture = pytest.CaptureFixture[str]


def test_a_row_for_each_block(capsys: Capture) -> None:
    path = str(mainnet_block(BLOCK))
    options = ["--iterations", "2", "--against", "py-evm,py-evm-stock", "--json"]
    assert main(["bench", "blocks", path, *options]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["number"] == BLOCK
    assert row["fork"] == "homestead"
    assert row["transactions"] == 49
    assert row["gas"] == 3_917_663
    assert row["iterations"] == 2
    assert row["ratio"] == row["py_evm_ratio"] == row["py_evm_seconds"] / row["seconds"]
    assert row["py_evm_stock_ratio"] > 1


def test_the_table(capsys: Capture) -> None:
    path = str(mainnet_block(BLOCK))
    assert main(["bench", "blocks", path, "--iterations", "1", "--workers", "2"]) == 0
    machine, titles, row = capsys.readouterr().out.splitlines()
    assert machine.startswith("processor: ")
    assert titles.split()[:4] == ["block", "fork", "txs", "gas"]
    assert row.split()[:6] == ["block", str(BLOCK), "homestead", "49", "3,917,663", "2"]


def test_a_block_that_cannot_be_read_is_told(capsys: Capture) -> None:
    assert main(["bench", "blocks", "no-such-file.json"]) == 2
    assert "cannot read no-such-file.json" in capsys.readouterr().err


@pytest.mark.parametrize("baseline", BASELINES)
def test_an_iteration_that_does_not_match_the_header_ends_the_benchmark(baseline: str) -> None:
    file = read_block_file(mainnet_block(BLOCK))
    header = replace(file.block.header, gas_used=1)
    wrong = replace(file, block=replace(file.block, header=header))
    with pytest.raises(AssertionError, match=f"block {BLOCK} used 3917663 gas, not 1"):
        measure_block(wrong, baselines=[baseline], iterations=1)


def test_an_unknown_baseline_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"py-evm, py-evm-stock, not 'geth'"):
        measure_block(read_block_file(mainnet_block(BLOCK)), baselines=["geth"])
