"""``blockstm run --stats`` and ``--trace``: what is said of how a block ran."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.ethereum.documents import LOGGER, SENDER, block_document, hex_of
from tests.fixtures import mainnet_block

from blockstm import ethereum
from blockstm.cli import main
from blockstm.executor import Executor


@pytest.fixture
def block(tmp_path: Path) -> str:
    """A block of three transactions of one sender, none of which needs another."""
    path = tmp_path / "block.json"
    path.write_text(json.dumps(block_document()))
    return str(path)


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    status = main(["run", "--json", *arguments])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("vm", ["evm", "py-evm"])
def test_stats_as_an_object(capsys: pytest.CaptureFixture[str], block: str, vm: str) -> None:
    status, verdict = run_json(capsys, "--stats", "--vm", vm, block)
    assert status == 0
    stats = verdict["stats"]
    assert sorted(stats["seconds"]) == [
        *("checks", "decode", "prepare", "receipts", "roots", "run", "senders")
    ]
    assert all(seconds >= 0 for seconds in stats["seconds"].values())
    both = stats["seconds"]["run"] + stats["seconds"]["receipts"]
    assert both >= verdict["seconds"] * (1 - 1e-9)  # with the comparison of the receipts
    assert set(stats["overlapped_seconds"]) <= {"receipts"}
    assert list(stats["worker_seconds"]) == ["execute", "validate", "publish", "commit", "parked"]
    assert 0 < stats["worker_seconds"]["execute"] <= verdict["seconds"] * verdict["workers"]
    assert set(stats["aborts"]) == {"validation", "frontier", "estimate", "stopped"}
    path = stats["critical_path"]
    assert (path["transactions"], path["longest_chain"], path["parallelism"]) == (3, [0], 3)
    assert path["gas"] == verdict["gas_used"] > path["heaviest_chain_gas"] > 21_000
    assert path["parallelism_by_gas"] == path["gas"] / path["heaviest_chain_gas"]


def test_senders_are_recovered_within_their_stage(
    capsys: pytest.CaptureFixture[str], block: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that were checked before the run would leave the stage nothing to recover."""
    calls: list[str] = []

    def noted(name: str, function: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            return function(*arguments, **options)

        return call

    monkeypatch.setattr(Executor, "execute_block", noted("execute", Executor.execute_block))
    monkeypatch.setattr(ethereum, "recover_senders", noted("recover", ethereum.recover_senders))
    status, verdict = run_json(capsys, "--stats", block)
    assert (status, verdict["checks"]["transactions"]) == (0, True)
    assert calls[:2] == ["execute", "recover"]


def test_the_hottest_locations_are_named(
    capsys: pytest.CaptureFixture[str], block: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block as small as this one seldom has conflicts: here the engine says that it had some."""
    conflicts = (((SENDER, "nonce"), 4), ((LOGGER, "storage", 0, 7), 1))
    right = Executor.execute_block

    def contended(self: Executor, *arguments: Any, **options: Any) -> Any:
        result = right(self, *arguments, **options)
        more = tuple(((LOGGER, "storage", 0, slot), 1) for slot in range(8, 20))
        return replace(result, stats=replace(result.stats, conflicts=(*conflicts, *more)))

    monkeypatch.setattr(Executor, "execute_block", contended)
    _, verdict = run_json(capsys, "--stats", block)
    hottest = verdict["stats"]["hottest"]
    assert len(hottest) == 10
    assert hottest[0] == {"what": "nonce", "address": hex_of(SENDER), "aborts": 4}
    slot = {"what": "storage", "address": hex_of(LOGGER), "slot": "0x7", "aborts": 1}
    assert hottest[1] == slot
    assert main(["run", "--stats", block]) == 0
    out = capsys.readouterr().out
    assert f"hottest:     4 aborts: nonce of {hex_of(SENDER)}\n" in out
    assert f"\n               1 abort: slot 0x7 of {hex_of(LOGGER)}\n" in out


@pytest.mark.parametrize("number", [19426587, 24628607])
def test_the_hottest_locations_of_a_mainnet_block_account_for_its_aborts(
    capsys: pytest.CaptureFixture[str], number: int
) -> None:
    status, verdict = run_json(capsys, "--stats", "--workers", "2", str(mainnet_block(number)))
    assert status == 0
    stats = verdict["stats"]
    named = sum(each["aborts"] for each in stats["hottest"])
    wanted = sum(stats["aborts"].values()) - stats["aborts"]["stopped"]
    assert named == wanted or (len(stats["hottest"]) == 10 and named < wanted)
    assert {each["what"] for each in stats["hottest"]} <= {
        "storage", "nonce", "balance", "code_hash", "recorded", "epoch", "stored",
    }  # fmt: skip


def test_stats_as_text(capsys: pytest.CaptureFixture[str], block: str) -> None:
    assert main(["run", "--stats", block]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].strip() == "matches its header"
    heads = [line[2:14].strip() for line in lines[4:]]
    assert [head for head in heads if head] == ["time:", "workers:", "aborts:", "parallelism:"]
    assert "3.0 by transactions: 3, 1 in the longest chain" in lines[-2]


def test_without_stats_nothing_is_said(capsys: pytest.CaptureFixture[str], block: str) -> None:
    _, verdict = run_json(capsys, block)
    assert "stats" not in verdict


def test_a_block_that_ends_early_has_no_stats(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    document = block_document()
    document["pre_state"][hex_of(SENDER)]["nonce"] = "0x1"
    path = tmp_path / "spoilt.json"
    path.write_text(json.dumps(document))
    trace = tmp_path / "trace.json"
    status, verdict = run_json(capsys, "--stats", "--trace", str(trace), str(path))
    assert status == 1
    assert "stats" not in verdict
    assert json.loads(trace.read_text())["traceEvents"]


def test_a_trace_has_every_block_and_every_transaction(
    capsys: pytest.CaptureFixture[str], block: str, tmp_path: Path
) -> None:
    trace = tmp_path / "trace.json"
    arguments = ["--workers", "2", "--trace", str(trace), block, str(mainnet_block(19426587))]
    assert main(["run", *arguments]) == 0
    events = json.loads(trace.read_text())["traceEvents"]
    names = [event["args"]["name"] for event in events if event["name"] == "process_name"]
    assert names == ["block 15000000 (arrow_glacier)", "block 19426587 (cancun)"]
    for pid, transactions in ((1, 3), (2, 37)):
        commits = [e for e in events if (e["name"], e["pid"]) == ("commit", pid)]
        commits.sort(key=lambda event: event["ts"])
        steps = [event["args"].get("transaction") for event in commits]
        assert steps == [None, *range(transactions), None]


def test_a_trace_that_cannot_be_written_is_named(
    capsys: pytest.CaptureFixture[str], block: str, tmp_path: Path
) -> None:
    path = str(tmp_path / "nowhere" / "trace.json")
    assert main(["run", "--trace", path, block]) == 2
    captured = capsys.readouterr()
    assert "matches its header" in captured.out
    assert f"{path}: No such file" in captured.err
