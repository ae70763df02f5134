"""Iterations over real blocks: each block once, whatever the number of workers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.fixtures import mainnet_block

from blockstm.bench.blocks.once import measure_once
from blockstm.cli import main
from blockstm.errors import InvalidBlock
from blockstm.ethereum import read_block_file

SHORT = (2641321, 12300570)


def test_an_iteration_runs_each_block_once(capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(mainnet_block(number)) for number in SHORT]
    assert main(["bench", "once", *paths, "--workers", "1,2", "--iterations", "2", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["workers"] for row in rows] == [1, 2]
    for row in rows:
        assert row["workload"] == "2 blocks, each once"
        assert row["iterations"] == 2
        assert sorted(row["seconds_by_block"]) == sorted(map(str, SHORT))
        assert all(seconds > 0 for seconds in row["seconds_by_block"].values())
    assert rows[0]["speedup"] == 1


def test_known_blocks_are_timed_after_the_first_round(capsys: pytest.CaptureFixture[str]) -> None:
    path, wanted = str(mainnet_block(SHORT[0])), ["--workers", "1", "--iterations", "1"]
    assert main(["bench", "once", path, *wanted, "--known", "2", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert list(row["known_seconds_by_block"]) == list(row["seconds_by_block"]) == [str(SHORT[0])]
    assert row["known_seconds"] == sum(row["known_seconds_by_block"].values()) > 0
    assert row["first_sight"] == pytest.approx(row["seconds"] / row["known_seconds"])
    assert main(["bench", "once", path, *wanted, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["known_seconds"] is row["first_sight"] is None
    assert main(["bench", "once", path, *wanted, "--known", "1"]) == 0
    assert "first sight" in capsys.readouterr().out


def test_blocks_that_used_little_gas_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(mainnet_block(number)) for number in SHORT]
    wanted = ["--workers", "1", "--iterations", "1", "--gas", "4000000"]
    assert main(["bench", "once", *paths, *wanted]) == 0
    assert "1 blocks, each once" in capsys.readouterr().out
    assert main(["bench", "once", *paths, "--gas", "40000000"]) != 0
    assert "give a lower --gas" in capsys.readouterr().err


def test_a_block_with_other_receipts_than_its_headers_is_no_row() -> None:
    file = read_block_file(mainnet_block(12300570))
    header = replace(file.block.header, receipts_root=bytes(32))
    wrong = replace(file, block=replace(file.block, header=header))
    with pytest.raises(InvalidBlock, match="receipts root"):
        list(measure_once([wrong], workers=[1], iterations=1))


@pytest.mark.parametrize("wrong", [["--iterations", "0"], ["--workers", "two"], ["--known", "-1"]])
def test_wrong_options_are_told(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "once", str(mainnet_block(SHORT[0])), *wrong]) != 0
    assert wrong[0] in capsys.readouterr().err
