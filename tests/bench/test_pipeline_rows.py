"""Generated blocks travel as bytes and are what their headers say; the benchmark verifies them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures import fixtures, mainnet_block

import blockstm
from blockstm.bench.blocks.pipeline import (
    SIGHTS,
    STAGES,
    Subject,
    in_a_process,
    measure_pipeline,
)
from blockstm.bench.blocks.plots import draw_stages, pyplot
from blockstm.bench.blocks.signed_blocks import SIGNED_BLOCKS, signed_block
from blockstm.bench.blocks.signing import Signer, addresses_of_keys
from blockstm.bench.peak import PeakMemory
from blockstm.cli import main
from blockstm.errors import ConfigError, InvalidBlock
from blockstm.ethereum import Block, recover_senders


@pytest.mark.parametrize("name", SIGNED_BLOCKS)
def test_a_generated_block_is_what_its_header_says(name: str) -> None:
    made = signed_block(name, count=60)
    block = Block.decode(made.encoding)
    senders = recover_senders(block.transactions)
    assert len(senders) == made.transactions == 60
    assert len(set(senders)) == 60 or made.uses_ai  # where people act more than once
    for workers in (1, 2):
        executed = blockstm.execute_block(
            block, made.state, "evm", chain=made.chain, workers=workers
        )
        assert executed.state_root == block.header.state_root
        assert executed.gas_used == made.gas
        assert all(receipt.succeeded for receipt in executed.receipts)


def test_the_accounts_of_a_generated_block_stand_in_another_order_than_they_were_made() -> None:
    made = signed_block("transfers-20000", count=60)
    block = Block.decode(made.encoding)
    senders = recover_senders(block.transactions)
    assert senders != [each for each, _ in made.state.accounts() if each in senders]
    assert sorted(senders) == sorted(each.to for each in block.transactions if each.to)
    assert signed_block("transfers-20000", count=60).encoding == made.encoding
    assert signed_block("transfers-20000", count=60, seed=2).encoding != made.encoding


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=5))
def test_a_signature_is_that_of_its_key(hashes: list[bytes]) -> None:
    from eth_keys.datatypes import Signature  # a library that is not ours

    signer = Signer()
    keys = signer.new_keys(len(hashes))
    for message, key, address in zip(hashes, keys, addresses_of_keys(keys), strict=True):
        parity, r, s = signer.sign(message, key)
        assert 2 * s < 2**256
        public = Signature(vrs=(parity, r, s)).recover_public_key_from_msg_hash(message)
        assert public.to_canonical_address() == address


@pytest.mark.parametrize(("name", "count"), [("nothing", 1), ("transfers-20000", 0)])
def test_there_is_no_such_block(name: str, count: int) -> None:
    with pytest.raises(ConfigError):
        signed_block(name, count=count)


@pytest.mark.alone
def test_a_row_for_each_sight_says_where_the_time_went() -> None:
    subject = Subject.of_signed(signed_block("erc20-29516", count=250))
    rows = list(measure_pipeline(subject, workers=2, processes=1, iterations=2))
    assert [row.sight for row in rows] == list(SIGHTS)
    for row in rows:
        assert row.has_state_root
        assert set(row.stages) | set(row.overlapped) <= set(STAGES)
        assert sum(row.stages.values()) <= 1.5 * row.timing.seconds
        assert (row.first_sight is not None) == (row.sight == "cold")
    known, new = rows[2].stages["senders"], rows[1].stages["senders"]
    assert known < new
    assert {row.data_bytes for row in rows} == {rows[0].data_bytes}
    assert rows[0].data_bytes > len(subject.encoding)
    assert len({row.peak_bytes is None for row in rows}) == 1


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="a count of Linux")
def test_the_peak_of_memory_is_what_was_held_at_once() -> None:
    little, much = in_a_process(grown_by, 1), in_a_process(grown_by, 200)
    assert little < 100 * 2**20 < much < 300 * 2**20


def grown_by(mebibytes: int) -> int:
    """What a process says that it grew by that held so much, three times, and freed it."""
    memory = PeakMemory()
    for _ in range(3):
        held = b"\1" * (mebibytes * 2**20)
        del held
    grown = memory.grown()
    assert grown is not None
    return grown


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="a count of Linux")
def test_verifying_a_block_takes_a_bounded_multiple_of_its_bytes() -> None:
    """12 times today: the block's decoded form, its accounts' tries, and what the workers hold."""
    subject = Subject.of_signed(signed_block("transfers-20000", count=4000))
    cold = next(measure_pipeline(subject, workers=2, processes=1, iterations=1))
    assert cold.peak_bytes is not None
    assert 2 * cold.data_bytes < cold.peak_bytes < 30 * cold.data_bytes


def test_a_block_that_is_not_its_headers_is_no_row() -> None:
    made = signed_block("transfers-20000", count=10)
    block = Block.decode(made.encoding)
    header = replace(block.header, gas_used=block.header.gas_used + 1)
    wrong = replace(made, encoding=replace(block, header=header).encode())
    with pytest.raises(InvalidBlock, match="gas used"):
        list(measure_pipeline(Subject.of_signed(wrong), workers=1, processes=1, iterations=1))


def rows_of(capsys: Any, *arguments: str) -> list[dict[str, Any]]:
    assert main(["bench", "pipeline", "--json", *arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


FEW = ("--processes", "1", "--iterations", "1", "--workers", "1")


def test_the_command_verifies_generated_blocks(capsys: Any, tmp_path: Path) -> None:
    picture = tmp_path / "stages.png"
    arguments = ("transfers-20000", "--transactions", "20", *FEW, "--plot", str(picture))
    rows = rows_of(capsys, *arguments, "--against", "py-evm")
    assert [row["sight"] for row in rows] == list(SIGHTS)
    assert {row["transactions"] for row in rows} == {20}
    assert rows[0]["py_evm_seconds"] > 0
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert main(["bench", "pipeline", *arguments]) == 0
    assert "transfers-20000" in capsys.readouterr().out


@pytest.mark.parametrize("beside", [{}, {"receipts": 0.002}], ids=["alone", "beside"])
def test_a_plot_marks_what_was_done_beside_the_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beside: dict[str, float]
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(pyplot(), "close", drawn.append)
    row = {"workload": "a", "sight": "new", "workers": 2, "stable": True}
    draw_stages([row | {"stages": {"run": 0.005}, "overlapped": beside}], tmp_path / "a.png")
    [figure] = drawn
    [legend] = figure.legends
    named = ["run"] + [f"{name}, beside them" for name in beside]
    assert [text.get_text() for text in legend.get_texts()] == named
    bars = [(bar.get_x(), bar.get_width()) for bar in figure.axes[0].patches]
    assert bars == [(0, 5), (3, 2)][: len(named)]  # ms; it ends where the stages end


@pytest.mark.parametrize("with_witness", [True, False])
def test_the_command_verifies_block_files(capsys: Any, with_witness: bool) -> None:
    block = mainnet_block(2675001)
    witness = ("--witness", str(fixtures() / "mainnet-witness")) if with_witness else ()
    rows = rows_of(capsys, str(block), *witness, *FEW)
    assert [row["has_state_root"] for row in rows] == [with_witness] * 3
    assert ("witness" in rows[0]["stages"]) == with_witness


@pytest.mark.parametrize(
    "arguments",
    [
        ["--processes", "0", "transfers-20000"],
        ["--workers", "many"],
        ["--against", "geth"],
        ["no-such-file.json"],
        ["--witness", "no-such-folder", "no-such-file.json"],
    ],
)
def test_bad_arguments_are_named(arguments: list[str], capsys: Any) -> None:
    assert main(["bench", "pipeline", *arguments]) == 2
    said = capsys.readouterr().err
    assert any(each in said for each in arguments)


def test_the_blocks_are_listed(capsys: Any) -> None:
    assert main(["bench", "pipeline", "--list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in SIGNED_BLOCKS)


def test_a_workload_is_verified_from_its_bytes_where_one_asks(capsys: Any) -> None:
    options = ("--gas", "2e6", "--seconds", "0.1", "--workers", "1", "--verified")
    assert main(["bench", "workloads", "settlement", "swaps", *options, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    jobs, swaps = [row["verified_transactions_per_second"] for row in rows]
    assert jobs > 0
    assert swaps is None
    assert main(["bench", "loads", "swaps", *options]) == 0
    assert "verified tx/s" in capsys.readouterr().out
