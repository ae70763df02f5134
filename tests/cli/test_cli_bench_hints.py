"""`blockstm bench hints`: real blocks with hints, right ones and hostile ones."""

from __future__ import annotations

import json

import pytest
from tests.fixtures import mainnet_block

from blockstm.bench.blocks.hinted import HINTS, measure_hints
from blockstm.cli import main
from blockstm.errors import ConfigError
from blockstm.ethereum import read_block_file
from blockstm.insight.recording import Steps

BLOCK = 12_300_570

Capture = pytest.CaptureFixture[str]


def test_a_row_for_each_kind_of_hints(capsys: Capture) -> None:
    path = str(mainnet_block(BLOCK))
    assert main(["bench", "hints", path, "--iterations", "2", "--workers", "2", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["hints"] for row in rows] == ["none", *HINTS]
    assert all(row["block"] == f"block {BLOCK}" and row["seconds"] > 0 for row in rows)
    assert rows[0]["ratio"] == 1
    assert rows[0]["holds"] == 0


def test_the_table_ends_with_all_blocks(capsys: Capture) -> None:
    path = str(mainnet_block(BLOCK))
    asked = ["--iterations", "2", "--hints", "dependencies,hostile: a chain"]
    assert main(["bench", "hints", path, *asked]) == 0
    machine, titles, *rows = capsys.readouterr().out.splitlines()
    assert machine.startswith("processor: ")
    assert titles.split()[:4] == ["block", "hints", "ms", "spread"]
    assert [line.startswith("all") for line in rows] == [False] * 3 + [True] * 3


def test_the_sums_end_with_the_bound_where_one_worker_is_measured(capsys: Capture) -> None:
    path = str(mainnet_block(BLOCK))
    asked = ["--iterations", "2", "--hints", "values", "--one-worker", "--workers", "2"]
    assert main(["bench", "hints", path, *asked]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[-4:]]
    assert [line[1] for line in lines] == ["none", "values", "one", "bound"]
    _, _, alone, bound = lines
    assert float(bound[2]) >= float(alone[3]) / 2 - 0.001  # one worker's time, printed in ms
    assert float(bound[3]) > 0


def test_generated_blocks_are_taught_by_others_of_their_kind(capsys: Capture) -> None:
    asked = ["--load", "erc20-hot-30", "--gas", "400000", "--learned", "--one-worker", "--json"]
    asked += ["--workers", "2"]
    assert main(["bench", "hints", *asked, "--iterations", "2", "--hints", "values"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["hints"] for row in rows] == ["none", "values", "learned", "one worker"]
    assert [row["workers"] == 1 for row in rows] == [False, False, False, True]
    assert main(["bench", "hints"]) == 2
    assert "--load" in capsys.readouterr().err


def test_a_block_that_cannot_be_read_is_told(capsys: Capture) -> None:
    assert main(["bench", "hints", "no-such-file.json"]) == 2
    assert "cannot read no-such-file.json" in capsys.readouterr().err


def test_there_are_no_such_hints() -> None:
    steps = Steps.of_file(read_block_file(mainnet_block(BLOCK)))
    with pytest.raises(ConfigError, match="hints are"):
        measure_hints(steps, names=["good"])
    with pytest.raises(ConfigError, match="iterations 2"):
        measure_hints(steps, iterations=1)
