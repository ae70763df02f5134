"""Receipts: both kinds of them, from RLP and JSON and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.receipt import Receipt, receipts_root
from blockstm.ethereum.codecs.fields import Fields
from blockstm.ethereum.codecs.rlp import encode

addresses = st.binary(min_size=20, max_size=20)
words = st.binary(min_size=32, max_size=32)
logs = st.tuples(addresses, st.lists(words, max_size=4).map(tuple), st.binary(max_size=40))
receipts = st.builds(
    Receipt,
    st.integers(0, 4),
    st.booleans(),
    st.integers(0, 2**64 - 1),
    st.lists(logs, max_size=3).map(tuple),
)


@given(receipts)
def test_a_receipt_survives_rlp_and_json(receipt: Receipt) -> None:
    assert Receipt.decode(receipt.encode()) == receipt
    assert Receipt.from_fields(Fields(receipt.to_json(), "")) == receipt


@given(receipts, words)
def test_a_receipt_before_byzantium_has_a_state_root(receipt: Receipt, root: Any) -> None:
    old = Receipt(0, True, receipt.cumulative_gas_used, receipt.logs, root)
    assert Receipt.decode(old.encode()) == old
    assert Receipt.from_fields(Fields(old.to_json(), "")) == old
    assert old.encode() == encode(
        [root, old.cumulative_gas_used, old.bloom, [[*log] for log in old.logs]]
    )


def test_the_receipts_root_of_a_block_before_byzantium() -> None:
    """Mainnet's block 46,147, the first with a transaction; figures from the chain."""
    state = "96a8e009d2b88b1483e6941e6812e32263b05683fac202abc622a3e31aed1957"
    receipt = Receipt(0, True, 21_000, (), bytes.fromhex(state))  # type: ignore[arg-type]  # a hash is bytes
    root = "fe2bf2a941abf41d72637e5b91750332a30283efd40c424dc522b77e6f0ed8c4"
    assert receipts_root([receipt]).hex() == root


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ([b"\2", b"", bytes(256), []], "receipt.status"),
        ([b"\0", b"", bytes(256), []], "receipt.status"),
        ([bytes(31), b"", bytes(256), []], "receipt.status"),
        ([b"\1", b"\0", bytes(256), []], "receipt.cumulativeGasUsed"),
        ([b"\1", b"", bytes(255), []], "receipt.logsBloom"),
        ([b"\1", b"", b"\1" * 256, []], "receipt.logsBloom"),
        ([b"\1", b"", bytes(256), b""], "receipt.logs"),
        ([b"\1", b"", bytes(256), [[bytes(20), [], b"", b""]]], "receipt.logs[0]"),
        ([b"\1", b"", bytes(256), [[bytes(20), [bytes(32)] * 5, b""]]], "receipt.logs[0].topics"),
        ([b"\1", b"", bytes(256), [[bytes(20), [bytes(31)], b""]]], "receipt.logs[0].topics[0]"),
        ([b"\1", b"", bytes(256), [], b""], "receipt"),
    ],
)
def test_a_malformed_receipt_is_an_error_that_names_the_place(value: Any, place: str) -> None:
    with pytest.raises(DecodeError) as caught:
        Receipt.decode(encode(value))
    assert caught.value.place == place


@pytest.mark.parametrize("encoding", [b"", b"\x00\xc0", b"\x05\xc0", b"\x01", b"\x80"])
def test_what_is_of_no_known_type_is_refused(encoding: bytes) -> None:
    with pytest.raises(DecodeError):
        Receipt.decode(encoding)
