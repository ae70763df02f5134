"""A workload as other programs read it, and the digest of what a block comes to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from blockstm import execute_block
from blockstm.bench.blocks import revm
from blockstm.bench.blocks.evm_loads import block_of_load, revm_columns
from blockstm.bench.blocks.exported import digest_of, export
from blockstm.bench.blocks.workloads import BlockWorkload, block_workload
from blockstm.bench.evm.candidates import candidate
from blockstm.bench.evm.workloads import workload_named
from blockstm.errors import ConfigError
from blockstm.vm.evm import Signed


@pytest.fixture(scope="module")
def workload() -> BlockWorkload:
    return block_workload("hybrid", gas=3 * 10**6)


class Reader:
    """Takes an exported block apart."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def take(self, size: int) -> bytes:
        self.place += size
        assert self.place <= len(self.data)
        return self.data[self.place - size : self.place]

    def number(self, size: int = 8) -> int:
        return int.from_bytes(self.take(size), "big")


def test_a_block_is_exported_with_all_that_it_needs(workload: BlockWorkload) -> None:
    reader = Reader(export(workload))
    assert reader.number() == workload.evm.block.number
    assert reader.number() == workload.evm.block.timestamp
    assert reader.number() == workload.evm.block.gas_limit
    assert reader.number() == workload.evm.block.base_fee_per_gas
    assert reader.take(20) == workload.evm.block.coinbase
    accounts = dict(workload.state.accounts())
    assert reader.number() == len(accounts)
    for _ in range(len(accounts)):
        account = accounts.pop(reader.take(20))
        assert (reader.number(32), reader.number()) == (account.balance, account.nonce)
        assert reader.take(reader.number()) == account.code
        slots = {reader.number(32): reader.number(32) for _ in range(reader.number())}
        assert slots == account.storage
    assert reader.number() == len(workload.steps)
    for step in workload.steps:
        assert isinstance(step, Signed)
        sent = step.transaction
        assert (reader.take(20), reader.take(20)) == (step.sender, sent.to)
        assert (reader.number(), reader.number()) == (sent.nonce, sent.gas)
        assert reader.number(32) == sent.max_fee_per_gas
        assert reader.number(32) == sent.max_priority_fee_per_gas
        assert reader.number(32) == sent.value
        assert reader.take(reader.number()) == sent.data
    assert reader.place == len(reader.data)


def test_what_cannot_be_exported_is_refused(workload: BlockWorkload) -> None:
    first = workload.steps[0]
    assert isinstance(first, Signed)
    for transaction in (
        replace(first.transaction, to=b""),
        replace(first.transaction, access_list=((first.sender, (1,)),)),
    ):
        other = replace(workload, steps=[Signed(transaction, first.sender)])
        with pytest.raises(ConfigError, match="can be exported"):
            export(other)


def test_a_digest_is_of_results_and_of_changes(workload: BlockWorkload) -> None:
    def digest(count: int, workers: int = 1) -> bytes:
        steps = workload.steps[:count]
        return digest_of(
            execute_block(steps, workload.state, workload.evm, workers=workers), workload.state
        )

    whole = len(workload.steps)
    assert digest(whole) == digest(whole, workers=2)
    assert digest(whole) != digest(whole - 1)


def test_revm_says_why_it_is_not_there(
    monkeypatch: pytest.MonkeyPatch, workload: BlockWorkload
) -> None:
    monkeypatch.setattr(revm, "_program", lambda: revm._ROOT / "no such program")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="cargo"):
        revm.revm_seconds(workload)
    monkeypatch.setattr(revm, "_SOURCES", revm._ROOT / "no such folder")
    with pytest.raises(ConfigError, match="checkout"):
        revm.revm_seconds(workload)


@pytest.mark.parametrize("quicker", ["journal", "commits"])
def test_the_way_of_revm_that_is_quicker_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, workload: BlockWorkload, quicker: str
) -> None:
    ours = execute_block(workload.steps, workload.state, workload.evm, workers=1)
    row = {"gas": ours.gas_used, "digest": digest_of(ours, workload.state).hex()}
    row |= {way: [0.5, 0.25, 0.75] if way == quicker else [0.625] for way in ("journal", "commits")}
    program = tmp_path / "revm-baseline"
    program.write_text(f"#!/bin/sh\necho '{json.dumps(row)}'\n")
    program.chmod(0o755)
    monkeypatch.setattr(revm, "_built", lambda: program)
    monkeypatch.setattr(revm, "why_no_revm", lambda: None)
    assert revm.revm_seconds(workload) * len(workload.steps) == pytest.approx(0.5)


def test_a_load_of_the_evm_is_a_block_by_the_rules_of_cancun(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    load = workload_named("calls", turns=3)
    block = block_of_load(load)
    ours = execute_block(block.steps, block.state, block.evm, workers=1)
    alone = candidate("evm", load, lambda ran: None)
    assert ours.outcomes[0].value.succeeded
    assert ours.gas_used == alone.run(alone.prepare()).gas_used
    digest = digest_of(ours, block.state).hex()
    row = {"gas": ours.gas_used, "digest": digest, "journal": [3.0], "commits": [2.0]}
    program = tmp_path / "revm-baseline"
    program.write_text(f"#!/bin/sh\n[ $2 = Cancun ] && echo '{json.dumps(row)}'\n")
    program.chmod(0o755)
    monkeypatch.setattr(revm, "_built", lambda: program)
    monkeypatch.setattr(revm, "why_no_revm", lambda: None)
    columns = revm_columns(load, 0.5)
    assert (columns["revm_calls"], columns["revm_seconds"]) == (1, 2.0)
    assert columns["revm_ratio"] > 0


def test_a_short_load_is_a_block_of_many_calls() -> None:
    block = block_of_load(workload_named("calls", turns=3), 4)
    outcomes = execute_block(block.steps, block.state, block.evm, workers=1).outcomes
    assert [outcome.value.succeeded for outcome in outcomes] == [True] * 4


@pytest.mark.skipif(not revm._program().exists(), reason="revm has not been built here")
def test_revm_comes_to_what_ours_does(workload: BlockWorkload) -> None:
    assert 0 < revm.revm_seconds(workload) < 1
    assert 0 < revm.revm_seconds(block_of_load(workload_named("calls", turns=3), 2)) < 1


def test_what_is_written_back_as_it_was_is_no_change() -> None:
    """A chain passes on what it got: in between, no balance is another afterwards."""
    workload = block_workload("transfer-chain", gas=21_000 * 20)
    ours = execute_block(workload.steps, workload.state, workload.evm, workers=1)
    changed = {
        key: value for key, value in ours.writes.items() if value != workload.state.get(key, 0)
    }
    assert len(changed) < len(ours.writes)
    assert digest_of(ours, workload.state) == digest_of(
        replace(ours, writes=changed), workload.state
    )
    assert digest_of(ours, workload.state) != digest_of(replace(ours, writes={}), workload.state)
