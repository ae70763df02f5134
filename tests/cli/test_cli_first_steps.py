"""The command line as somebody meets it first: version, help, folders, what went wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fixtures import DATA

import blockstm
from blockstm.bench.engine.workloads import ABOUT, WORKLOADS
from blockstm.cli import main

Capture = pytest.CaptureFixture[str]
OTHERS = ["evm", "blocks", "workloads", "loads"]


def ends(*arguments: str) -> int:
    """The status that argparse ends with."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_version_is_told(capsys: Capture) -> None:
    assert ends("--version") == 0
    assert capsys.readouterr().out.startswith(f"blockstm {blockstm.__version__} ")


def test_the_package_is_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "blockstm", "--version"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.split()[:2]) == (0, ["blockstm", blockstm.__version__])


@pytest.mark.parametrize("arguments", [[], ["run"], ["statetest"], ["blocktest"], ["bench"]])
def test_every_command_has_help_that_tells_the_exit_status_or_what_is_next(
    arguments: list[str], capsys: Capture
) -> None:
    assert ends(*arguments, "--help") == 0
    printed = capsys.readouterr().out
    assert "Exit status" in printed or "--help" in printed


@pytest.mark.parametrize("name", [*WORKLOADS, *OTHERS])
def test_every_verb_of_bench_has_help_of_its_own(name: str, capsys: Capture) -> None:
    assert ends("bench", name, "--help") == 0
    assert f"usage: blockstm bench {name}" in capsys.readouterr().out


def test_the_verbs_of_bench_are_told_apart(capsys: Capture) -> None:
    ends("bench", "--help")
    printed = " ".join(capsys.readouterr().out.split())
    assert ABOUT.keys() == WORKLOADS.keys()
    assert [about for about in ABOUT.values() if about not in printed] == []
    assert len(set(ABOUT.values())) == len(ABOUT)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "COMMAND"),
        (("runn", "block.json"), "invalid choice"),
        (("run",), "BLOCK"),
        (("run", "block.json", "--worker", "two"), "number of workers"),
        (("run", "block.json", "--vm", "EVM"), "invalid choice: 'EVM'"),
        (("bench", "payment"), "invalid choice"),
    ],
)
def test_wrong_usage_is_told_with_status_2(
    arguments: tuple[str, ...], words: str, capsys: Capture
) -> None:
    assert ends(*arguments) == 2
    assert words in capsys.readouterr().err


def test_a_folder_is_its_blocks_in_the_order_of_their_numbers(
    tmp_path: Path, capsys: Capture
) -> None:
    for number in (1150000, 46147, 1):
        shutil.copy(DATA / "mainnet" / f"{number}.json.xz", tmp_path)
    (tmp_path / "INDEX.json").write_text("[]")
    (tmp_path / "notes 2.txt").write_text("")
    assert main(["run", str(tmp_path)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("block ")]
    assert [line.split()[1] for line in lines] == ["1", "46147", "1150000"]


def test_a_folder_without_blocks_is_told(tmp_path: Path, capsys: Capture) -> None:
    assert main(["run", str(tmp_path)]) == 2
    assert f"{tmp_path}: no block file is in this folder" in capsys.readouterr().err
    assert main(["bench", "blocks", str(tmp_path)]) == 2
    assert f"{tmp_path}: no block file is in this folder" in capsys.readouterr().err
