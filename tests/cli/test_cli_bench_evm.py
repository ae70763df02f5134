"""`blockstm bench evm`: the rows that it prints."""

from __future__ import annotations

import json

import pytest
from tests.baselines import needs_pyrevm
from tests.fixtures import fixtures

from blockstm.bench.evm.workloads import WORKLOADS
from blockstm.cli import main

FIELDS = {
    "workload",
    "evm",
    "gas",
    "seconds",
    "spread",
    "against",
    "ratio",
    "iterations",
    "machine",
}
QUICK = ["--evm", "evm", "--percent", "0.05", "--iterations", "1"]

Capture = pytest.CaptureFixture[str]


def rows(capsys: Capture, *arguments: str) -> list[dict[str, object]]:
    """Run the command and read its rows."""
    assert main(["bench", "evm", *QUICK, "--json", *arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_row_for_each_workload_and_one_for_all(capsys: Capture) -> None:
    printed = rows(capsys, "--against", "py-evm")
    assert [row["workload"] for row in printed] == [*WORKLOADS, "overall"]
    for row in printed[:-1]:
        assert row.keys() >= FIELDS | {"py_evm_seconds", "py_evm_ratio", "mgas_per_second"}
        assert row["ratio"] == row["py_evm_seconds"] / row["seconds"]  # type: ignore[operator]  # both floats


@needs_pyrevm
def test_workloads_can_be_chosen_also_from_state_tests(capsys: Capture) -> None:
    archive = str(fixtures() / "contracts.tar.xz")
    printed = rows(capsys, "calls", "signextend-0", "--statetests", archive, "--against", "pyrevm")
    assert [row["workload"] for row in printed] == ["calls", "signextend-0", "overall"]
    assert printed[0].keys() >= {"seconds", "pyrevm_seconds", "ratio", "gas", "workload"}


@needs_pyrevm
def test_the_table_has_a_column_for_each_baseline(capsys: Capture) -> None:
    assert main(["bench", "evm", *QUICK, "hashing", "--against", "py-evm,pyrevm"]) == 0
    machine, titles, hashing, overall, *published = capsys.readouterr().out.splitlines()
    assert machine.startswith("processor: ")
    assert titles.split()[-6:] == ["py-evm", "spread", "ratio", "pyrevm", "spread", "ratio"]
    assert hashing.startswith("hashing ")
    assert overall.startswith("overall ")
    assert "(ratio: geometric mean)" in overall
    assert "published by us on" in published[1]
    assert [line.split()[0] for line in published[3:]] == ["revm", "evmone", "evmone", "evm2"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (["--against", "geth"], "an EVM is one of"),
        (["nothing"], "not 'nothing'"),
        (["--statetests", "no-such-file.tar.xz"], "cannot read no-such-file.tar.xz"),
    ],
)
def test_what_cannot_be_is_told(wrong: list[str], reason: str, capsys: Capture) -> None:
    assert main(["bench", "evm", *QUICK, *wrong]) == 2
    assert reason in capsys.readouterr().err
