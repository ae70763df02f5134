"""Hashes, roots and encodings, against figures from outside and against other libraries."""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from eth.db.trie import make_trie_root_and_nodes
from eth.rlp.logs import Log as PyEvmLog
from eth.rlp.receipts import Receipt as PyEvmReceipt
from eth_bloom import BloomFilter
from eth_keys.datatypes import PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ethereum.documents import block_document, hex_of

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.receipt import Receipt, bloom_of
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.chains.mainnet import MAINNET_BY_NUMBER, MAINNET_BY_TIMESTAMP, mainnet_fork
from blockstm.ethereum.codecs.fields import Fields
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT, keccak
from blockstm.ethereum.execution.senders import recover_sender, recover_senders
from blockstm.ethereum.files.block_files import parse_block_file
from blockstm.ethereum.rules.requests import requests_hash
from blockstm.ethereum.tries.list_root import list_root
from blockstm.vm.pyevm import FORKS, BlockContext, PyEvm

KEY = PrivateKey(b"\x07" * 32)
logs = st.lists(
    st.tuples(
        st.binary(min_size=20, max_size=20),
        st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(tuple),
        st.binary(max_size=40),
    ),
    max_size=3,
).map(tuple)


class Encoded(bytes):
    """What py-evm's trie builder takes."""

    def encode(self) -> bytes:
        return bytes(self)


def test_keccak_is_the_hash_of_ethereum() -> None:
    expected = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak(b"").hex() == expected
    assert keccak(rlp.encode(b"")) == EMPTY_TRIE_ROOT


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=80), max_size=300))
def test_the_root_of_a_list_is_that_of_a_trie(items: list[bytes]) -> None:
    assert list_root(items) == make_trie_root_and_nodes(tuple(map(Encoded, items)))[0]


@given(logs)
def test_a_bloom_has_the_bits_of_every_address_and_topic(entries: Any) -> None:
    elements = [element for address, topics, _ in entries for element in (address, *topics)]
    expected = int(BloomFilter.from_iterable(elements))
    assert int.from_bytes(bloom_of(entries), "big") == expected


@given(logs, st.booleans(), st.integers(0, 2**40), st.integers(0, 4))
def test_a_receipt_encodes_as_in_pyevm(entries: Any, succeeded: bool, gas: int, kind: int) -> None:
    theirs = PyEvmReceipt(
        b"\x01" if succeeded else b"",
        gas,
        [
            PyEvmLog(address, [int.from_bytes(t, "big") for t in topics], data)
            for address, topics, data in entries
        ],
    ).encode()
    prefix = bytes([kind]) if kind else b""
    assert Receipt(kind, succeeded, gas, entries).encode() == prefix + theirs


@pytest.mark.parametrize("kind", range(5))
def test_a_transaction_of_each_type_survives_the_way_through_json_rlp_and_signature(
    kind: int,
) -> None:
    members = _members(kind)
    signature = KEY.sign_msg_hash(Transaction.from_fields(Fields(members, "t")).signing_hash)
    members |= {"r": hex_of(signature.r), "s": hex_of(signature.s)}
    members["v" if kind == 0 else "yParity"] = hex_of(signature.v + (37 if kind == 0 else 0))
    transaction = Transaction.from_fields(Fields(members, "t"))

    assert recover_sender(transaction, "t") == KEY.public_key.to_canonical_address()
    theirs = _pyevm("prague").decode(transaction.encode())
    assert theirs.hash == transaction.hash
    assert theirs.sender == KEY.public_key.to_canonical_address()
    assert theirs.encode() == transaction.encode()


def test_a_transaction_without_a_chain_has_the_old_signature() -> None:
    members = _members(0) | {"v": "0x1b"}
    transaction = Transaction.from_fields(Fields(members, "t"))
    assert (transaction.chain_id, transaction.y_parity) == (None, 0)
    assert Transaction.from_fields(Fields(members | {"v": "0x1a"}, "t")).y_parity is None


def test_senders_come_in_order_however_many_threads_recover_them() -> None:
    transactions = parse_block_file(block_document()).block.transactions * 30
    expected = [recover_sender(transaction, "t") for transaction in transactions]
    assert recover_senders(transactions, workers=1) == expected
    assert recover_senders(transactions, workers=4) == expected


def test_a_bad_signature_among_many_is_named() -> None:
    transactions = list(parse_block_file(block_document()).block.transactions) * 30
    members = _members(2) | {"r": "0x0"}
    transactions[77] = Transaction.from_fields(Fields(members, "t"))
    with pytest.raises(DecodeError, match=r"transactions\[77\]"):
        recover_senders(transactions, workers=2)


def test_each_fork_begins_where_the_chain_began_it() -> None:
    for (start, name), (_, before) in zip(
        MAINNET_BY_NUMBER[1:], MAINNET_BY_NUMBER[:-1], strict=True
    ):
        assert mainnet_fork(start, 0) == name
        assert mainnet_fork(start - 1, 0) == before
    previous = "paris"
    for start, name in MAINNET_BY_TIMESTAMP:
        assert mainnet_fork(20_000_000, start) == name
        assert mainnet_fork(20_000_000, start - 1) == previous
        previous = name
    # Time alone decides nothing before Paris.
    assert mainnet_fork(15_537_393, 2**40) == "gray_glacier"


def test_every_fork_of_pyevm_but_one_was_on_mainnet() -> None:
    names = [name for _, name in (*MAINNET_BY_NUMBER, *MAINNET_BY_TIMESTAMP)]
    assert set(FORKS) - set(names) == {"constantinople"}
    assert names[: len(names) - 3] == [name for name in FORKS if name in names]


def test_requests_that_are_only_a_type_do_not_count() -> None:
    # EIP-7685's hash of no requests: SHA-256 of nothing.
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert requests_hash([b"\x00", b"\x01", b"\x02"]).hex() == empty
    assert requests_hash([b"\x00", b"\x01a"]).hex() != empty


def _members(kind: int) -> dict[str, Any]:
    members: dict[str, Any] = {
        "type": hex_of(kind),
        "chainId": "0x1",
        "nonce": "0x3",
        "gas": "0x186a0",
        "to": None if kind < 3 else hex_of(b"\x05" * 20),
        "value": "0x0",
        "input": "0x00ff",
        "v": "0x25",
        "r": "0x1",
        "s": "0x1",
        "yParity": "0x0",
    }
    if kind < 2:
        members["gasPrice"] = "0x64"
    else:
        members |= {"maxFeePerGas": "0x64", "maxPriorityFeePerGas": "0x1"}
    if kind > 0:
        keys = ["0x" + "00" * 31 + "07", hex_of(b"\xff" * 32)]
        members["accessList"] = [{"address": hex_of(b"\x06" * 20), "storageKeys": keys}]
    if kind == 3:
        members |= {"maxFeePerBlobGas": "0x9", "blobVersionedHashes": [hex_of(b"\x01" * 32)]}
    if kind == 4:
        authorization = {"chainId": "0x1", "address": hex_of(b"\x08" * 20), "nonce": "0x0"}
        authorization |= {"yParity": "0x1", "r": "0x2", "s": "0x3"}
        members["authorizationList"] = [authorization]
    return members


def _pyevm(fork: str) -> PyEvm:
    block = BlockContext(number=1, timestamp=1, coinbase=b"\xcb" * 20, gas_limit=10**7)  # type: ignore[arg-type]  # an address is bytes, a number an int
    return PyEvm(fork, block)
