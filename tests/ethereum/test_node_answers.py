"""Blocks, receipts and accounts as nodes and web3.py give them."""

from __future__ import annotations

import copy
import json
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hexbytes import HexBytes
from hypothesis import given
from hypothesis import strategies as st
from tests.ethereum.documents import (
    KEY,
    LOGGER,
    LOGGER_CODE,
    RECEIVER,
    SENDER,
    block_document,
    hex_of,
    seal,
    signed_transaction,
)
from tests.fixtures import fixtures

from blockstm.errors import DecodeError
from blockstm.ethereum import Block, Transaction
from blockstm.ethereum.blocks.receipt import Receipt
from blockstm.ethereum.codecs.fields import Fields
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import encode
from blockstm.ethereum.execution import prepare_file
from blockstm.ethereum.files.block_files import BlockFile, parse_block_file
from blockstm.reference import execute_block

DOCUMENT = block_document()
EXPECTED = parse_block_file(DOCUMENT)


def file_with(change: Callable[[Any], None]) -> BlockFile:
    document = copy.deepcopy(DOCUMENT)
    change(document)
    return parse_block_file(document)


def answer(result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": result}


def exchanges(part: str) -> Iterator[tuple[Any, Any]]:
    """Recorded questions to nodes and their answers."""
    with tarfile.open(fixtures() / "execution-apis.tar.xz") as archive:
        for member in archive:
            if f"/{part}/" in member.name and member.isfile():
                content = archive.extractfile(member)
                assert content is not None
                lines = content.read().decode().splitlines()
                asked = [json.loads(line[3:]) for line in lines if line.startswith(">> ")]
                got = [json.loads(line[3:]) for line in lines if line.startswith("<< ")]
                yield from zip(asked, got, strict=True)


# ---- recorded answers


def test_recorded_blocks_hash_to_what_the_node_says() -> None:
    seen = 0
    for question, got in exchanges("eth_getBlockByNumber"):
        if question["params"][1]:
            block = Block.from_fields(Fields(got, ""))
            assert block.header.hash == block.hash
            assert tuple(each.hash for each in block.transactions) == block.transaction_hashes
            seen += 1
        elif got["result"]["transactions"]:
            with pytest.raises(DecodeError, match="ask the node for full transactions") as caught:
                Block.from_fields(Fields(got, ""))
            assert caught.value.place == "result.transactions[0]"
            seen += 1
    assert seen > 5


def test_recorded_transactions_hash_to_what_the_node_says() -> None:
    kinds = set()
    for _, got in exchanges("eth_getTransactionByHash"):
        if got["result"] is None:
            with pytest.raises(DecodeError, match="found nothing"):
                Fields(got, "").answer()
        else:
            fields = Fields(got, "").answer()
            transaction = Transaction.from_fields(fields)
            assert transaction.hash == fields.hash("hash")
            kinds.add(transaction.type)
    assert kinds == {0, 1, 2, 3, 4}


def test_recorded_receipts_survive_their_encoding() -> None:
    seen = 0
    for _, got in exchanges("eth_getBlockReceipts"):
        for each in got.get("result") or ():
            receipt = Receipt.from_fields(Fields(each, ""))
            if each.get("status") is not None:
                assert Receipt.decode(receipt.encode()) == receipt
                seen += 1
            assert hex_of(receipt.bloom) == each["logsBloom"]
    assert seen


@pytest.mark.parametrize(
    ("got", "message"),
    [
        ({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "x"}}, "-32000"),
        ({"jsonrpc": "2.0", "id": 1, "result": None}, "found nothing"),
        ({"jsonrpc": "2.0", "id": 1}, "found nothing"),
        ({"jsonrpc": "2.0", "id": 1, "result": []}, "an object"),
    ],
)
def test_an_answer_without_a_block_is_refused(got: Any, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        Block.from_fields(Fields(got, ""))


# ---- forms of a block


def _numbers(value: Any, name: str = "") -> Any:
    """As web3.py shows a block in JSON: quantities as numbers, data as it was."""
    data = {"hash", "nonce_of_header", "r", "s", "input", "data", "to", "from", "miner", "address"}
    if isinstance(value, dict):
        is_header = "parentHash" in value
        return {
            key: each if is_header and key == "nonce" else _numbers(each, key)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_numbers(each, name) for each in value]
    is_data = name in data or not isinstance(value, str) or len(value) > 40 or value == "0x"
    return value if is_data else int(value, 16)


def _objects(value: Any, name: str = "") -> Any:
    """As web3.py holds a block: quantities as numbers, data as bytes of its own."""
    shown = _numbers(value, name)
    if isinstance(shown, dict):
        return {key: _objects(value[key], key) for key in shown}
    if isinstance(shown, list):
        return tuple(_objects(each, name) for each in value)
    if isinstance(value, str) and name == "nonce" and len(value) == 18:
        return HexBytes(value)
    return HexBytes(shown) if isinstance(shown, str) else shown


def _padded(document: Any) -> None:
    for transaction in document["block"]["transactions"]:
        for name in ("r", "s"):
            transaction[name] = "0x" + transaction[name][2:].rjust(64, "0")


def _rename(before: str, after: str) -> Callable[[Any], None]:
    def rename(document: Any) -> None:
        document["block"][after] = document["block"].pop(before)

    return rename


def _both(name: str, other: str) -> Callable[[Any], None]:
    def add(document: Any) -> None:
        document["block"][other] = document["block"][name].upper().replace("X", "x")

    return add


def _in_transactions(**changed: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for transaction in document["block"]["transactions"]:
            for name, of in changed.items():
                transaction[name] = of(transaction)
                if transaction[name] is None:
                    del transaction[name]

    return change


def _only_data(document: Any) -> None:
    for transaction in document["block"]["transactions"]:
        transaction["data"] = transaction.pop("input")


@pytest.mark.parametrize(
    "change",
    [
        _padded,
        _rename("miner", "author"),
        _rename("miner", "coinbase"),
        _rename("sha3Uncles", "ommersHash"),
        _rename("mixHash", "prevRandao"),
        _both("miner", "author"),
        _both("sha3Uncles", "ommersHash"),
        _in_transactions(v=lambda each: each["yParity"]),
        _in_transactions(v=lambda each: each["yParity"], yParity=lambda each: None),
        _in_transactions(data=lambda each: each["input"]),
        _only_data,
        _in_transactions(blockHash=lambda each: "0x" + "00" * 32, gasPrice=lambda each: "0x9"),
        lambda document: document["block"].update(totalDifficulty="0x5", size="0x200"),
        lambda document: document.update(block=answer(document["block"])),
        lambda document: document.update(pre_state=answer(document["pre_state"])),
        lambda document: document.update(receipts=answer(document["receipts"])),
        lambda document: document.update(block=_numbers(document["block"])),
        lambda document: document.update(block=_objects(document["block"])),
        lambda document: document.update(receipts=_numbers(document["receipts"])),
    ],
)
def test_every_form_is_the_same_block(change: Callable[[Any], None]) -> None:
    assert file_with(change) == EXPECTED


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda d: d["block"].update(author="0x" + "11" * 20), "block.author"),
        (lambda d: d["block"].update(ommersHash="0x" + "11" * 32), "block.ommersHash"),
        (lambda d: d["block"]["transactions"][1].update(data="0x22"), "block.transactions[1].data"),
        (lambda d: d["block"].update(number=-1), "block.number"),
        (lambda d: d["block"].update(number=2**64), "block.number"),
        (lambda d: d["block"].update(number=True), "block.number"),
        (lambda d: d["block"].update(number=5.0), "block.number"),
        (lambda d: d["block"].update(timestamp=1.5), "block.timestamp"),
        (lambda d: d["block"].update(mixHash=b""), "block.mixHash"),
        (lambda d: d["block"]["transactions"][0].update(r="0x" + "0" * 65), "block.transactions"),
        (lambda d: d["block"]["transactions"][0].update(r=2**256), "block.transactions[0].r"),
        (lambda d: d["block"]["transactions"][0].update(s=HexBytes(bytes(33))), "block.trans"),
        (lambda d: d.update(block=answer(None)), "block"),
        (lambda d: d.update(receipts=answer({})), "receipts"),
        (lambda d: d.update(pre_state=answer(5)), "pre_state"),
    ],
)
def test_what_contradicts_itself_is_refused(change: Callable[[Any], None], place: str) -> None:
    with pytest.raises(DecodeError) as caught:
        file_with(change)
    assert caught.value.place.startswith(place)


@pytest.mark.parametrize("document", [DOCUMENT["block"], answer(DOCUMENT["block"])])
def test_a_block_alone_is_no_block_file(document: Any) -> None:
    with pytest.raises(DecodeError, match="a block file is"):
        parse_block_file(document)


# ---- accounts as tracers write them


def traced(account: dict[str, Any]) -> dict[str, Any]:
    """An account as go-ethereum's prestateTracer writes it: zeros and nothing are left out."""
    shown = {"balance": account["balance"]}
    if account["nonce"] != "0x0":
        shown["nonce"] = int(account["nonce"], 16)
    if account["code"] != "0x":
        shown |= {"code": account["code"], "codeHash": hex_of(keccak(LOGGER_CODE))}
    if account["storage"]:
        shown["storage"] = account["storage"]
    return shown


PRE_STATE = {name: traced(account) for name, account in DOCUMENT["pre_state"].items()}


def test_a_trace_before_a_transaction_is_a_state() -> None:
    nobody = {hex_of(RECEIVER): {"balance": "0x0"}}
    for pre_state in (PRE_STATE, PRE_STATE | nobody, answer(PRE_STATE)):
        assert file_with(lambda d, p=pre_state: d.update(pre_state=p)) == EXPECTED  # type: ignore[misc]  # bound now


def test_a_trace_of_a_block_is_what_its_transactions_saw_first() -> None:
    slots = {hex_of(7): hex_of(70)}
    seen = [
        {hex_of(SENDER): PRE_STATE[hex_of(SENDER)]},
        {hex_of(SENDER): {"balance": "0x5", "nonce": 1}, hex_of(LOGGER): PRE_STATE[hex_of(LOGGER)]},
        {hex_of(LOGGER): {**PRE_STATE[hex_of(LOGGER)], "balance": "0x5", "storage": slots}},
    ]
    block = [{"txHash": "0x", "result": each} for each in seen]
    for pre_state in (block, answer(block)):
        found = file_with(lambda d, p=pre_state: d.update(pre_state=p))  # type: ignore[misc]  # bound now
        assert found.accounts[SENDER] == EXPECTED.accounts[SENDER]
        logger = found.accounts[LOGGER]
        assert (logger.balance, logger.code, dict(logger.storage)) == (0, LOGGER_CODE, {7: 70})


def test_a_contract_that_the_block_creates_was_not_there_before() -> None:
    document = copy.deepcopy(DOCUMENT)
    transactions = document["block"]["transactions"]
    created = keccak(encode([SENDER, 0]))[12:]
    transactions[0] = _creation()
    transactions[1] = signed_transaction(1, created)
    plain = parse_block_file(document)
    sender = {hex_of(SENDER): PRE_STATE[hex_of(SENDER)]}
    late = {hex_of(created): {"balance": "0x0", "nonce": 1, "code": "0x00"}}
    document["pre_state"] = [{"result": each} for each in (sender, late, PRE_STATE)]
    assert parse_block_file(document).accounts == plain.accounts


def _creation() -> dict[str, Any]:
    members = signed_transaction(0, RECEIVER) | {"to": None, "input": "0x6001600055"}
    unsigned = Transaction.from_fields(Fields(members, ""))
    signature = KEY.sign_msg_hash(unsigned.signing_hash)
    members |= {"yParity": hex_of(signature.v), "r": hex_of(signature.r), "s": hex_of(signature.s)}
    return members | {"hash": hex_of(Transaction.from_fields(Fields(members, "")).hash)}


def test_a_traced_block_executes_to_what_its_header_says() -> None:
    document = seal(copy.deepcopy(DOCUMENT))
    document["pre_state"] = PRE_STATE
    prepared = prepare_file(parse_block_file(document), "py-evm", workers=1)
    assert list(prepared.run(execute_block).receipts) == list(EXPECTED.receipts or ())


@pytest.mark.parametrize(
    ("account", "message"),
    [
        ({"nonce": 1}, "balance: missing"),
        ({"balance": "0x1", "storage": {"0x1": "0x1"}}, "code: missing"),
        ({"balance": "0x1", "code": "0x00", "codeHash": "0x" + "11" * 32}, "not the hash"),
        ({"balance": "0x1", "code": "0x00", "storage": {"0x1": "0x1", "0x01": "0x2"}}, "twice"),
        ({"balance": "0x1", "nonce": -1}, "nonce"),
        ({"balance": "0x1", "nonce": 2**64}, "nonce"),
    ],
)
def test_an_account_that_is_not_whole_is_refused(account: Any, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        file_with(lambda d: d["pre_state"].update({hex_of(RECEIVER): account}))


@pytest.mark.parametrize(
    ("pre_state", "message"),
    [
        ({"pre": PRE_STATE, "post": {}}, "diffMode"),
        ([{"result": {"pre": PRE_STATE, "post": {}}}] * 3, "diffMode"),
        ([{"result": PRE_STATE}], "one of each transaction"),
        ([{"error": "x"}] * 3, "result: missing"),
        ([5] * 3, "an object"),
    ],
)
def test_a_trace_that_is_no_state_is_refused(pre_state: Any, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        file_with(lambda d: d.update(pre_state=pre_state))


# ---- whatever comes

NAMES = st.sampled_from(
    [*DOCUMENT["block"], *DOCUMENT["block"]["transactions"][0], "author", "jsonrpc", "result"]
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.binary(max_size=33),
    st.sampled_from(["0x", "0x0", "0x00", "0x" + "00" * 20, "0x" + "00" * 32, [], {}, [{}]]),
)


@given(st.dictionaries(NAMES, VALUES, max_size=4), st.dictionaries(NAMES, VALUES, max_size=4))
def test_any_block_is_read_or_refused_by_type(members: Any, of_transaction: Any) -> None:
    document = copy.deepcopy(DOCUMENT)
    document["block"]["transactions"][1] |= of_transaction
    document["block"] |= members
    try:
        block = parse_block_file(document).block
    except DecodeError as error:
        assert error.place  # noqa: PT017  # reading it may also succeed
    else:
        if block.ommers is not None:
            assert Block.decode(block.encode()).header == block.header
