"""``blockstm run-code``: code run by itself."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time

import pytest

from blockstm.cli import main

SUM = "60016002015f5260205ff3"  # 1 + 2, returned
THREE = "0x" + f"{3:064x}"


def test_it_prints_what_the_code_returns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run-code", SUM]) == 0
    assert capsys.readouterr().out == f"{THREE}\n"


@pytest.mark.parametrize("fork", ["osaka", "Cancun", "london"])
@pytest.mark.parametrize("flag", ["--json", "--trace"])
def test_lines_come_first(fork: str, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = SUM.replace("5f", "6000")
    assert main(["run-code", code, flag, "--gas=1000", f"--fork={fork}"]) == 0
    *lines, last, output = capsys.readouterr().out.splitlines()
    steps = [json.loads(line) for line in lines]
    assert [step["opName"] for step in steps] == [
        *("PUSH1", "PUSH1", "ADD", "PUSH1", "MSTORE", "PUSH1", "PUSH1", "RETURN")
    ]
    assert steps[0]["gas"] == hex(1000)
    assert json.loads(last) == {"output": f"{3:064x}", "gasUsed": "0x18"}
    assert output == THREE


def test_code_without_an_end_runs_until_its_gas_is_used(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And nothing else does: what is charged before it begins is found at little cost."""
    begin = process_time()
    assert main(["run-code", "5b600056", "--gas=10000"]) == 1
    assert process_time() - begin < 4
    assert capsys.readouterr().out == "0x\n error: out of gas\n"


@pytest.mark.parametrize("fork", ["frontier", "prague", "amsterdam"])
@pytest.mark.parametrize("option", [[], ["--create"], ["--value=1"]])
def test_the_gas_is_the_codes_own(
    fork: str, option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """However much was charged for data before."""
    (tmp_path / "input").write_text("ff" * 40_000)
    (tmp_path / "accounts.json").write_text(
        json.dumps({"0x" + b"sender".rjust(20, b"\0").hex(): {"balance": "0x10"}})
    )
    files = [f"--inputfile={tmp_path / 'input'}", f"--prestate={tmp_path / 'accounts.json'}"]
    options = ["--json", "--gas=7000000", f"--fork={fork}", *option]
    assert main(["run-code", "00", *files, *options]) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert first["gas"] == hex(7_000_000)


@pytest.mark.parametrize(
    ("options", "why"), [(["--input=" + "ff" * 4000, "--gas=9"], "floor gas"), (["--value=1"], "1")]
)
def test_a_call_that_no_transaction_can_have_is_wrong_usage(
    options: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run-code", "00", *options]) == 2
    assert why in capsys.readouterr().err


def test_code_and_input_in_files_and_a_creation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "code").write_text("0x5f355f5260205ff3\n")  # the first word of the input
    (tmp_path / "input").write_text(f"{7:064x}")
    files = [f"--codefile={tmp_path / 'code'}", f"--inputfile={tmp_path / 'input'}"]
    assert main(["run-code", *files]) == 0
    assert capsys.readouterr().out == f"0x{7:064x}\n"
    assert main(["run-code", SUM, "--create", "--dump"]) == 0
    printed = capsys.readouterr().out
    dumped = json.loads(printed[: printed.rindex("}") + 1])
    assert THREE in [account.get("code") for account in dumped["accounts"].values()]
    assert printed.endswith(f"{THREE}\n")  # the code that it leaves


def test_it_finds_the_accounts_of_a_prestate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sender, receiver = "0x" + "aa" * 20, "0x" + "bb" * 20
    slots = {"0x0": "0x2a"}
    alloc = {sender: {"balance": "0x64"}, receiver: {"balance": "0x1", "storage": slots}}
    path = tmp_path / "prestate.json"
    path.write_text(json.dumps({"alloc": alloc}))
    flags = [f"--prestate={path}", f"--sender={sender}", f"--receiver={receiver}", "--value=5"]
    # The slot 0, and the balance of the contract.
    assert main(["run-code", "5f545f52475952595ff3", *flags]) == 0
    assert capsys.readouterr().out == f"0x{0x2A:064x}{6:064x}\n"


def test_a_failure_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run-code", "5f5ffd"]) == 1
    assert "error: reverted" in capsys.readouterr().out
    assert main(["run-code", SUM, "--gas=5"]) == 1
    assert "error: out of gas" in capsys.readouterr().out


def test_it_tells_how_long_a_run_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("blockstm.cli.runcode.BENCH_SECONDS", 0.01)
    assert main(["run-code", SUM, "--bench"]) == 0
    gas, time, _ = capsys.readouterr().out.splitlines()
    assert gas.split() == ["EVM", "gas", "used:", "22"]
    assert time.startswith("execution time:")


@pytest.mark.parametrize(
    "flags",
    [
        ["0x1"],
        ["zz"],
        [SUM, "--codefile=x"],
        ["--codefile=/no/such/file"],
        [SUM, "--gas=-1"],
        [SUM, "--value=-1"],
        [SUM, "--sender=0x12"],
        [SUM, "--fork=nowhere"],
        [SUM, "--prestate=/no/such/file.json"],
    ],
    ids=" ".join,
)
def test_mistakes_are_usage_errors(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run-code", *flags]) == 2
    assert capsys.readouterr().err.startswith("blockstm run-code: ")
