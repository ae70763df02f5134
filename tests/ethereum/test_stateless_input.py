"""The stateless input of EIP-8025: read, verified, mutated; SSZ against another library."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("remerkleable.progressive")

from tests.chain.growing import child, genesis, random_transactions
from tests.ethereum import stateless_types as ssz
from tests.ethereum.made import KEYS, SENDERS, with_header

import blockstm
from blockstm.chain import Chain
from blockstm.cli import main
from blockstm.errors import BlockError, DecodeError, InvalidBlock, MissingHeader, MissingNode
from blockstm.ethereum import Block, WitnessState, read_stateless_file
from blockstm.ethereum.codecs.ssz import ByteList, ByteVector, Container, List, Number
from blockstm.ethereum.rules.requests import requests_hash
from blockstm.ethereum.witnesses.stateless_input import (
    SCHEMA_ID,
    StatelessInput,
    decode_stateless_input,
)

SCHEMA = SCHEMA_ID.to_bytes(2, "big")
REFUSALS = (BlockError, DecodeError, MissingNode, MissingHeader)


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    draw = random.Random(5)
    with Chain.in_memory(genesis("amsterdam"), workers=1) as chain:
        for slot in range(1, 9):
            made = random_transactions(chain, chain.head.hash, draw)
            chain.import_block(child(chain, None, made, slot_number=slot))
        yield chain


def input_of(chain: Chain, number: int) -> Any:
    """The stateless input of a block, in the other library."""
    block, witness = chain.block(number), chain.witness(number)
    state = chain.state_at(block.header.parent_hash)
    executed = blockstm.execute_block(
        block,
        state,
        "evm",
        chain=chain.spec,
        parent=state.header,
        block_hashes=state.block_hashes,
        workers=1,
    )
    assert executed.access_list is not None
    return ssz.Input(
        new_payload_request=request_of(block, executed.access_list.encode()),
        witness=ssz.Witness(
            state=list(witness.nodes),
            codes=list(witness.codes),
            headers=[each.encode() for each in witness.headers],
        ),
        chain_id=chain.spec.chain_id,
        public_keys=[
            KEYS[SENDERS.index(sender)].public for sender in block.senders if sender is not None
        ],
    )


def request_of(block: Block, access_list: bytes, requests: Any = None) -> Any:
    header = block.header
    payload = ssz.Payload(
        parent_hash=header.parent_hash,
        fee_recipient=header.coinbase,
        state_root=header.state_root,
        receipts_root=header.receipts_root,
        logs_bloom=header.logs_bloom,
        prev_randao=header.mix_hash,
        block_number=header.number,
        gas_limit=header.gas_limit,
        gas_used=header.gas_used,
        timestamp=header.timestamp,
        extra_data=header.extra_data,
        base_fee_per_gas=header.base_fee_per_gas,
        block_hash=header.hash,
        transactions=[each.encode() for each in block.transactions],
        withdrawals=[],
        blob_gas_used=header.blob_gas_used,
        excess_blob_gas=header.excess_blob_gas,
        block_access_list=access_list,
        slot_number=header.slot_number,
    )
    return ssz.Request(
        execution_payload=payload,
        versioned_hashes=[each for one in block.transactions for each in one.blob_hashes],
        parent_beacon_block_root=header.parent_beacon_block_root,
        execution_requests=requests or ssz.Requests(),
    )


def encoded(value: Any) -> bytes:
    return SCHEMA + bytes(value.encode_bytes())


def verified(chain: Chain, given: StatelessInput, workers: int = 1) -> bytes:
    """The state root that executing the block on its witness gives."""
    parent, hashes = given.witness.ancestry(given.block)
    executed = blockstm.execute_block(
        given.block,
        WitnessState(given.witness),
        "evm",
        chain=chain.spec,
        parent=parent,
        block_hashes=hashes,
        workers=workers,
    )
    assert executed.state_root is not None
    return executed.state_root


@pytest.mark.parametrize("workers", [1, 2])
def test_an_input_is_verified(chain: Chain, workers: int) -> None:
    for number in range(1, 9):
        other = input_of(chain, number)
        given = decode_stateless_input(encoded(other))
        assert given.block.encode() == chain.block(number).encode()
        assert given.witness == chain.witness(number)
        assert given.chain_id == 1
        assert given.request_root == bytes(other.new_payload_request.hash_tree_root())
        assert verified(chain, given, workers) == given.block.header.state_root


def test_a_mutated_input_never_passes(chain: Chain) -> None:
    """But for another chain id, and for nodes and codes that nobody needs."""
    data, draw = encoded(input_of(chain, 5)), random.Random(6)
    whole = decode_stateless_input(data)
    for _ in range(600):
        at, bit = draw.randrange(len(data)), 1 << draw.randrange(8)
        changed = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
        try:
            given = decode_stateless_input(changed)
            verified(chain, given)
        except REFUSALS:
            continue
        assert given.chain_id != whole.chain_id
        assert replace(given, chain_id=whole.chain_id) == whole


def test_an_input_that_ends_early_or_late_is_refused(chain: Chain) -> None:
    data = encoded(input_of(chain, 3))
    for end in range(0, len(data), 13):
        with pytest.raises(REFUSALS):
            verified(chain, decode_stateless_input(data[:end]))
    for more in (b"\0", b"\xff" * 65):
        with pytest.raises(REFUSALS):
            verified(chain, decode_stateless_input(data + more))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("another schema", "schema"),
        ("a key too few", "publicKeys"),
        ("another's key", "publicKeys[0]"),
        ("a compressed key's byte", "publicKeys[0]"),
        ("no headers", "witness.headers"),
        ("headers in another order", "witness.headers"),
        ("a header missing", "witness.headers[1]"),
        ("a long node", "witness.state[0]"),
        ("a malformed header", "witness.headers[0].parentHash"),
    ],
)
def test_the_error_names_the_place(chain: Chain, change: str, place: str) -> None:
    number = next(n for n in range(4, 9) if chain.block(n).transactions)
    other = input_of(chain, number)
    headers = [chain.header(n).encode() for n in range(number)]
    keys = [bytes(each) for each in other.public_keys]
    match change:
        case "a key too few":
            other.public_keys = keys[1:]
        case "another's key":
            other.public_keys = [KEYS[0].public[:-1] + b"\0", *keys[1:]]
        case "a compressed key's byte":
            other.public_keys = [b"\2" + keys[0][1:], *keys[1:]]
        case "no headers":
            other.witness.headers = []
        case "headers in another order":
            other.witness.headers = headers[::-1]
        case "a header missing":
            other.witness.headers = [headers[0], *headers[2:]]
        case "a malformed header":
            header = chain.header(number - 1)
            other.witness.headers = [b"\xc1\x80", header.encode()]
    data = encoded(other)
    if change == "another schema":
        data = b"\x14\x01" + data[2:]
    if change == "a long node":
        kind = List(ByteList(1024))
        with pytest.raises(DecodeError) as caught:
            kind.decode((4).to_bytes(4, "little") + bytes(1025), "witness.state")
        assert caught.value.place == place
        return
    with pytest.raises(DecodeError) as caught:
        decode_stateless_input(data)
    assert caught.value.place == place


def test_a_payload_that_is_not_what_it_says_is_invalid(chain: Chain) -> None:
    other = input_of(chain, 5)
    other.new_payload_request.execution_payload.gas_used += 1
    with pytest.raises(InvalidBlock, match="hashes to"):
        decode_stateless_input(encoded(other))
    other = input_of(chain, 5)
    other.new_payload_request.versioned_hashes = [bytes(32)]
    with pytest.raises(InvalidBlock, match="blob"):
        decode_stateless_input(encoded(other))


def test_typed_requests_are_those_of_the_header(chain: Chain) -> None:
    """Each list behind its type (EIP-7685); lists without any are left out."""
    pub, credentials, signature = b"\1" * 48, b"\2" * 32, b"\3" * 96
    asked = ssz.WithdrawalRequest(source_address=b"\4" * 20, validator_pubkey=pub, amount=2)
    requests = ssz.Requests(
        deposits=[
            ssz.Deposit(
                pubkey=pub,
                withdrawal_credentials=credentials,
                amount=5,
                signature=signature,
                index=7,
            )
        ],
        withdrawals=[asked, asked],
        builder_exits=[ssz.BuilderExit(source_address=b"\5" * 20, pubkey=pub)],
    )
    deposit = pub + credentials + (5).to_bytes(8, "little") + signature + (7).to_bytes(8, "little")
    withdrawal = b"\4" * 20 + pub + (2).to_bytes(8, "little")
    listed = [b"\0" + deposit, b"\1" + withdrawal * 2, b"\4" + b"\5" * 20 + pub]
    other = input_of(chain, 5)
    block = with_header(chain.block(5), requests_hash=requests_hash(listed))
    access_list = bytes(other.new_payload_request.execution_payload.block_access_list)
    other.new_payload_request = request_of(block, access_list, requests)
    given = decode_stateless_input(encoded(other))
    assert given.block.hash == block.hash
    assert given.request_root == bytes(other.new_payload_request.hash_tree_root())


# ---- files and the command


@pytest.mark.parametrize("name", ["a.ssz", "a.bin", "a.json"])
def test_a_file_is_verified(
    chain: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    other = input_of(chain, 6)
    data, path = encoded(other), tmp_path / name
    if name == "a.json":
        path.write_text(json.dumps({"statelessInputBytes": "0x" + data.hex()}))
    else:
        path.write_bytes(data)
    assert read_stateless_file(path).block.hash == chain.block(6).hash
    assert main(["verify", str(path), "--fork", "amsterdam", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["parent"]) == ("valid", "proved")
    assert said["request_root"] == "0x" + bytes(other.new_payload_request.hash_tree_root()).hex()
    assert main(["verify", str(path), "--fork", "amsterdam", "--chain-id", "5"]) == 1
    assert "the file is of chain 1" in capsys.readouterr().out


def test_an_invalid_payload_is_told(
    chain: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = input_of(chain, 6)
    other.new_payload_request.execution_payload.timestamp += 1
    path = tmp_path / "a.ssz"
    path.write_bytes(encoded(other))
    assert main(["verify", str(path), "--fork", "amsterdam", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "invalid"
    path.write_bytes(b"\x15\x01")
    assert main(["verify", str(path), "--fork", "amsterdam"]) == 2
    assert "SSZ" in capsys.readouterr().err


# ---- SSZ

PAIR = Container({"number": Number(8), "name": ByteList(5)})


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        (Number(8), bytes(7), "7 bytes, expected 8"),
        (ByteVector(3), bytes(4), "4 bytes, expected 3"),
        (ByteList(3), bytes(4), "4 bytes, where 3 are the most"),
        (List(ByteVector(3)), bytes(4), "each element has 3"),
        (List(ByteVector(3), 1), bytes(6), "2 elements, where 1 are the most"),
        (List(ByteList()), b"\0", "ends within an offset"),
        (List(ByteList()), bytes(4), "first offset is 0"),
        (List(ByteList()), b"\3\0\0\0", "first offset is 3"),
        (List(ByteList()), b"\x08\0\0\0", "first offset is 8"),
        (List(ByteList()), b"\x08\0\0\0\x07\0\0\0", "behind offset 8"),
        (List(ByteList()), b"\x08\0\0\0\x09\0\0\0", "behind offset 9"),
        (PAIR, bytes(11), "begin with 12"),
        (PAIR, bytes(8) + b"\x0d\0\0\0" + bytes(1), "first offset is not 12"),
        (PAIR, bytes(8) + b"\x0c\0\0\0" + bytes(6), "5 are the most"),
        (Container({"number": Number(8)}), bytes(9), "begin with 8"),
    ],
)
def test_what_is_no_encoding_is_refused(kind: Any, data: bytes, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        kind.decode(data, "it")


@pytest.mark.parametrize("count", [0, 1, 2, 5, 6, 21, 22, 90, 400])
def test_roots_are_those_of_another_library(count: int) -> None:
    data = random.Random(count).randbytes(32 * count)
    words = [data[at : at + 32] for at in range(0, len(data), 32)]
    request = ssz.Request(versioned_hashes=words)
    assert List(ByteVector(32)).root(words) == bytes(request.versioned_hashes.hash_tree_root())
    payload = ssz.Payload(block_access_list=data, extra_data=data[:17])
    assert ByteList().root(data) == bytes(payload.block_access_list.hash_tree_root())
    assert ByteList(32).root(data[:17]) == bytes(payload.extra_data.hash_tree_root())
    witness = ssz.Witness(headers=words[:256])
    kind = List(ByteList(1024), 256)
    assert kind.root(words[:256]) == bytes(witness.headers.hash_tree_root())
