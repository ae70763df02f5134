"""``blockstm b11r``: a block put together of its parts is the block."""

from __future__ import annotations

import json
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from tests.ethereum.official import sample_blocks
from tests.fixtures import fixtures

from blockstm.cli import main
from blockstm.ethereum import Block
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.transition import body_of


def parts_of(block: Block) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "header": block.header.to_json(),
        "txs": shown(body_of(block.transactions)),
        "ommers": [shown(each.encode()) for each in block.ommers or ()],
    }
    if block.withdrawals is not None:
        parts["withdrawals"] = [each.to_json() for each in block.withdrawals]
    return parts


def run(parts: Any, flags: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    data = json.dumps(parts).encode()
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(data)))
    inputs = [f"--input.{name}=stdin" for name in ("header", "txs", "ommers", "withdrawals")]
    return main(["b11r", *inputs, *flags])


def test_blocks_of_every_fork(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fixtures()
    blocks = [Block.decode(encoding) for encoding in sample_blocks()[:40]]
    for block in blocks:
        assert run(parts_of(block), ["--output.block=stdout"], monkeypatch) == 0
        came = json.loads(capsys.readouterr().out)
        assert came == {"rlp": shown(block.encode()), "hash": shown(block.hash)}
    assert len({block.header.member_count for block in blocks}) > 3


HEADER = {
    "stateRoot": "0x" + "11" * 32,
    "number": "0x1",
    "gasLimit": "0x1c9c380",
    "timestamp": "0x64",
}


def test_what_the_header_leaves_out_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = [f"--output.basedir={tmp_path}"]
    assert run({"header": HEADER}, flags, monkeypatch) == 0
    block = Block.decode(
        bytes.fromhex(json.loads((tmp_path / "block.json").read_text())["rlp"][2:])
    )
    assert block.header.transactions_root == block.transactions_root
    assert block.header.ommers_hash == block.ommers_hash
    assert (block.header.number, block.transactions) == (1, ())


@pytest.mark.parametrize(
    ("parts", "status", "words"),
    [
        ({}, 10, "header: missing"),
        ({"header": {"number": 1}}, 10, "stateRoot: missing"),
        ({"header": HEADER | {"slotNumber": "0x1"}}, 10, "header"),
        ({"header": HEADER, "txs": "0xc101"}, 12, "unable to decode transaction"),
        ({"header": HEADER, "txs": "0x01"}, 10, "txs"),
        ({"header": HEADER, "ommers": ["0x00"]}, 10, "ommers[0]"),
    ],
)
def test_parts_that_are_none(
    parts: Any,
    status: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(parts, [], monkeypatch) == status
    assert words in capsys.readouterr().err


def test_blocks_are_not_sealed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run({"header": HEADER}, ["--seal.clique=clique.json"], monkeypatch) == 3
    assert "not supported" in capsys.readouterr().err
