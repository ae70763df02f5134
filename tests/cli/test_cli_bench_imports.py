"""`blockstm bench imports`: a generated chain imported in each way."""

from __future__ import annotations

import json
import mmap
import os
import resource
from pathlib import Path

import pytest

from blockstm.bench.bare_blocks import RULES
from blockstm.bench.chains.folders import drop_pages, write_start
from blockstm.bench.chains.generated import Population
from blockstm.bench.chains.geth import write_genesis
from blockstm.bench.chains.measurement import WAYS
from blockstm.cli import main
from blockstm.ethereum.genesis import read_genesis

pytest.importorskip("mdbx")

Capture = pytest.CaptureFixture[str]
QUICK = ("--accounts", "300", "--blocks", "2", "--transactions", "8", "--parts", "1")


def test_each_way_is_a_row(capsys: Capture) -> None:
    assert main(["bench", "imports", *QUICK, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["way"] for row in rows] == list(WAYS)
    for row in rows:
        assert (row["accounts"], row["slots"], row["transactions"]) == (300, 1500, 8)
        assert row["blocks"] == 2
        assert row["seconds"] > 0
        assert row["machine"]["cores"] >= 1


def test_rows_are_compared(capsys: Capture) -> None:
    assert main(["bench", "imports", *QUICK, "--ways", "pipelined,in memory"]) == 0
    out = capsys.readouterr().out
    assert "300 accounts, 1,500 slots, 8 transactions a block" in out
    assert "x of in memory" in out


def test_the_folder_is_made_where_it_is_not_there(capsys: Capture, tmp_path: Path) -> None:
    place = tmp_path / "not" / "there"
    given = ("--ways", "pipelined", "--folder", str(place))
    assert main(["bench", "imports", *QUICK, *given]) == 0
    assert "pipelined" in capsys.readouterr().out
    assert list(place.iterdir()) == []
    (tmp_path / "file").touch()
    assert main(["bench", "imports", *QUICK, *given[:3], str(tmp_path / "file")]) != 0
    assert "file" in capsys.readouterr().err


def test_parts_are_medians_in_turn_also_with_cold_pages(capsys: Capture) -> None:
    given = ("--parts", "3", "--ways", "pipelined,in memory", "--cold", "--json")
    assert main(["bench", "imports", *QUICK, *given]) == 0
    for row in map(json.loads, capsys.readouterr().out.splitlines()):
        assert row["blocks"] == 6
        assert row["seconds_min"] <= row["seconds"] <= row["seconds_max"]


def test_dropped_pages_are_read_from_the_disk_again(tmp_path: Path) -> None:
    if os.major(os.stat(tmp_path).st_dev) == 0:
        pytest.skip("the file system is no disk's, and may keep its files in memory")
    path = tmp_path / "mdbx.dat"
    path.write_bytes(bytes(1 << 20))
    drop_pages(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_majflt
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as pages:
        assert pages[0] == 0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_majflt > before


def test_geth_is_asked_for_by_name_where_it_is(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["bench", "imports", *QUICK, "--ways", "geth"]) == 2
    assert "geth (https://geth.ethereum.org) is not on the path" in capsys.readouterr().err


def test_a_genesis_file_has_the_state_that_the_chain_starts_from(tmp_path: Path) -> None:
    population = Population(300)
    start = write_start(tmp_path / "chain", population)
    write_genesis(tmp_path / "genesis.json", population)
    read = read_genesis(tmp_path / "genesis.json")
    assert read.block.hash == start.hash
    assert len(read.accounts) == 302
    assert read.chain is not None
    assert read.chain.fork_at(1, start.header.timestamp, 0) == RULES.fork_at(1, 0)


def test_py_evm_runs_the_same_blocks(capsys: Capture) -> None:
    assert main(["bench", "imports", *QUICK, "--ways", "py-evm", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["blocks"] == 2


@pytest.mark.parametrize(
    "wrong",
    [("--ways", "sideways"), ("--blocks", "0"), ("--accounts", "3"), ("--transactions", "-1")],
)
def test_what_cannot_be_measured_is_told(capsys: Capture, wrong: tuple[str, ...]) -> None:
    assert main(["bench", "imports", *wrong]) == 2
    assert "blockstm bench: " in capsys.readouterr().err


def test_a_population_is_what_it_says() -> None:
    population = Population(1000)
    records = list(population.records())
    assert len({record[:20] for record in records}) == len(records)
    assert len(records) == 1000 + 2  # contracts that every block calls at its end
    assert population.slots == 5000
