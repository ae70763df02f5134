"""Block files: what is read, and that everything malformed is a typed error naming its place."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from tests.ethereum.documents import LOGGER, RECEIVER, block_document, hex_of

from blockstm.errors import DecodeError, InvalidBlock, StateError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.codecs.fields import Fields
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution import prepare_file
from blockstm.ethereum.execution.checks import block_checks, run_checks
from blockstm.ethereum.files.block_files import parse_block_file, read_block_file
from blockstm.ethereum.rules.reasons import Reason
from blockstm.reference import execute_block

COMPRESS = {".json": bytes, ".json.gz": gzip.compress, ".json.xz": lzma.compress}


@pytest.mark.parametrize("ending", COMPRESS)
def test_every_ending_reads_the_same(tmp_path: Path, ending: str) -> None:
    document = block_document()
    path = tmp_path / f"block{ending}"
    path.write_bytes(COMPRESS[ending](json.dumps(document).encode()))
    assert read_block_file(path) == parse_block_file(document)


def test_a_file_that_is_right_passes_every_check() -> None:
    prepared = prepare_file(file := parse_block_file(block_document()), "py-evm")
    run = prepared.run(execute_block)
    checks = block_checks(prepared) | run_checks(prepared, run, file.receipts)
    assert {name for name, holds in checks.items() if holds is None} == {
        "withdrawals_root",
        "blob_gas_used",
        "requests_hash",
        "state_root",
    }
    assert False not in checks.values()
    assert run.receipts == file.receipts


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b.json", b"{"),
        ("b.json", b"\xff"),
        ("b.json", b"[" * 100_000),
        ("b.json", b"3"),
        ("b.json.gz", b"{}"),
        ("b.json.gz", gzip.compress(b"{}", mtime=0)[:-3]),
        ("b.json.xz", b"{}"),
        ("b.json.xz", lzma.compress(b"{}")[:-3]),
        ("b.json.zip", b"{}"),
        ("b", b"{}"),
    ],
)
def test_what_is_no_block_file_is_a_typed_error(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DecodeError):
        read_block_file(tmp_path / name)


def test_a_missing_file_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_block_file(tmp_path / "none.json")


MISSING = object()
SPOILT: list[tuple[str, Any]] = [
    ("block", MISSING),
    ("block", []),
    ("block.number", MISSING),
    ("block.number", "5"),
    ("block.number", "0x"),
    ("block.number", "0x05"),
    ("block.number", "0xg"),
    ("block.number", "0x1_0"),
    ("block.number", "-0x1"),
    ("block.number", hex(2**64)),
    ("block.number", None),
    ("block.hash", "0x12"),
    ("block.miner", "0x" + "00" * 19),
    ("block.miner", "0x" + "0g" * 20),
    ("block.logsBloom", "0x00"),
    ("block.extraData", "0x0"),
    ("block.nonce", "0x0"),
    ("block.transactions", {}),
    ("block.transactions", MISSING),
    ("block.transactions[1]", "0x12"),
    ("block.transactions[1].type", "0x5"),
    ("block.transactions[1].type", "0x100"),
    ("block.transactions[1].hash", MISSING),
    ("block.transactions[1].nonce", "0x00"),
    ("block.transactions[1].gas", hex(2**64)),
    ("block.transactions[1].to", "0x"),
    ("block.transactions[1].input", "0x1"),
    ("block.transactions[1].value", hex(2**256)),
    ("block.transactions[1].maxFeePerGas", MISSING),
    ("block.transactions[1].accessList", MISSING),
    ("block.transactions[1].accessList", [[]]),
    ("block.transactions[1].yParity", "0x100"),
    ("block.transactions[1].chainId", None),
    ("block.transactions[1].from", "0x1"),
    ("pre_state", MISSING),
    ("pre_state", []),
    ("block_hashes", {"0x01": "0x" + "00" * 32}),
    ("block_hashes", {"0x1": "0x00"}),
    ("block.uncles", 1),
    ("ommers", [1]),
    ("receipts", []),
    ("receipts[0].cumulativeGasUsed", MISSING),
    ("receipts[1].logs[0].topics", ["0x1"]),
    ("receipts[1].status", "0x2"),
]


@pytest.mark.parametrize(("place", "value"), SPOILT)
def test_a_malformed_member_is_an_error_that_names_its_place(place: str, value: Any) -> None:
    document = block_document()
    _spoil(document, place, value)
    with pytest.raises(DecodeError) as caught:
        parse_block_file(document)
    assert caught.value.place.startswith(place)
    assert place in str(caught.value)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("balance", "1"),
        ("balance", MISSING),
        ("nonce", hex(2**64)),
        ("code", "0xa"),
        ("code", MISSING),
        ("storage", {"0x" + "0" * 65: "0x1"}),
        ("storage", {"0x1": 1}),
    ],
)
def test_a_malformed_account_is_an_error_that_names_its_address(member: str, value: Any) -> None:
    document = block_document()
    account = document["pre_state"][hex_of(LOGGER)]
    if value is MISSING:
        del account[member]
    else:
        account[member] = value
    with pytest.raises(DecodeError, match=LOGGER.hex()):
        parse_block_file(document)


def test_an_account_given_twice_is_refused() -> None:
    document = block_document()
    address = "0x" + "ab" * 20
    account = document["pre_state"][hex_of(LOGGER)]
    document["pre_state"] |= {address: account, address.upper().replace("X", "x"): account}
    with pytest.raises(DecodeError, match="twice"):
        parse_block_file(document)


def test_a_header_with_a_gap_between_forks_is_refused() -> None:
    document = block_document()
    document["block"]["excessBlobGas"] = "0x0"
    with pytest.raises(DecodeError, match="earlier"):
        parse_block_file(document)


def test_withdrawals_without_their_root_are_refused() -> None:
    document = block_document()
    document["block"]["withdrawals"] = []
    with pytest.raises(DecodeError, match="withdrawals"):
        parse_block_file(document)


@pytest.mark.parametrize("changed", [{"r": "0x0"}, {"s": hex(2**256 - 1)}, {"yParity": "0x7"}])
def test_a_signature_of_nobody_is_an_error_that_names_the_transaction(
    changed: dict[str, str],
) -> None:
    document = block_document()
    document["block"]["transactions"][2] |= changed
    with pytest.raises(InvalidBlock) as caught:
        prepare_file(parse_block_file(document), "py-evm")
    assert (caught.value.reason, caught.value.index) == (Reason.SIGNATURE, 2)


def test_code_known_by_its_hash_alone_may_be_there_but_not_run() -> None:
    document = block_document()
    del document["pre_state"][hex_of(LOGGER)]["code"]
    document["pre_state"][hex_of(LOGGER)]["code_hash"] = hex_of(keccak(b"\x00"))
    prepared = prepare_file(parse_block_file(document), "py-evm")
    with pytest.raises(StateError, match="hash of the code") as caught:
        prepared.run(execute_block)
    assert caught.value.index == 1


def test_a_block_out_of_gas_is_refused_at_the_transaction_that_had_none_left() -> None:
    document = block_document()
    document["block"]["gasLimit"] = hex_of(130_000)
    prepared = prepare_file(parse_block_file(document), "py-evm")
    with pytest.raises(InvalidBlock, match="left in the block") as caught:
        prepared.run(execute_block)
    assert caught.value.index == 2
    assert caught.value.prefix is not None
    assert len(caught.value.prefix.outcomes) == 2


def test_a_slot_may_be_written_with_or_without_leading_zeros() -> None:
    document = block_document()
    account = document["pre_state"][hex_of(LOGGER)]
    account["storage"] = {"0x" + "01".rjust(64, "0"): "0x02", "0x0a": "0x" + "0" * 64}
    accounts = parse_block_file(document).accounts
    assert accounts[LOGGER].storage == {1: 2, 10: 0}  # type: ignore[index]  # an address is bytes


def test_ommers_are_read_and_rewarded() -> None:
    document = block_document()
    header = {k: v for k, v in document["block"].items() if k not in ("transactions", "uncles")}
    header |= {"miner": hex_of(b"\x0e" * 20), "number": hex_of(15_000_000 - 2)}
    block = Block.from_fields(Fields(document["block"] | {"ommers": [header]}, "block"))
    document["ommers"] = [header]
    document["block"]["sha3Uncles"] = hex_of(block.ommers_hash or b"")
    prepared = prepare_file(parse_block_file(document), "py-evm")
    state = prepared.state.copy()
    state.apply(prepared.run(execute_block).writes)
    reward = 2 * 10**18
    assert block_checks(prepared)["ommers_hash"]
    assert state.get((b"\x0e" * 20, "balance")) == reward * 6 // 8
    paid = state.get((b"\xcb" * 20, "balance"))
    assert paid > reward + reward // 32
    assert state.get((RECEIVER, "balance")) == 5


def test_ommers_known_by_their_hashes_alone_are_not_checked() -> None:
    document = block_document()
    document["block"]["uncles"] = [hex_of(bytes(32))]
    prepared = prepare_file(parse_block_file(document), "py-evm")
    assert block_checks(prepared)["ommers_hash"] is None


def _spoil(document: Any, place: str, value: Any) -> None:
    *path, last = place.replace("[", ".").replace("]", "").split(".")
    for step in path:
        document = document[int(step) if step.isdigit() else step]
    key: Any = int(last) if last.isdigit() else last
    if value is MISSING:
        del document[key]
    else:
        document[key] = value
