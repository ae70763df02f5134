"""Transactions decoded at once, against the same item by item."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from eth_typing import Address
from hypothesis import given
from hypothesis import strategies as st

from blockstm._native.wire.decoding import decode_one
from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.codecs.rlp import encode

words = st.sampled_from([0, 1, 127, 128, 255, 256, 2**63, 2**64, 2**256 - 1, 2**256])
shorts = st.sampled_from([0, 1, 127, 128, 2**63, 2**64 - 1, 2**64])
receivers = st.just(b"") | st.binary(min_size=20, max_size=20) | st.binary(min_size=19, max_size=21)
datas = st.binary(max_size=3) | st.binary(min_size=50, max_size=300)
parities = st.sampled_from([0, 1, 2, 27, 28, 35, 36, 37, 38, 255, 256, 2**64 + 35, 2**256 - 1])
lists = st.just([]) | st.just([[bytes(20), [bytes(32)]]]) | st.just([[bytes(20), []]])


@st.composite
def encodings(draw: Any) -> bytes:
    """Of transactions, or nearly."""
    kind = draw(st.integers(0, 4))
    items: list[Any] = [draw(words)] * (kind > 0)
    items += [draw(shorts), *(draw(words) for _ in range(2 if kind > 1 else 1))]
    items += [draw(shorts), draw(receivers), draw(words), draw(datas)]
    items += [draw(lists)] * (kind > 0)
    if kind >= 3:
        items += [draw(words), []] if kind == 3 else [[]]
    items += [draw(parities), draw(words), draw(words)]
    return bytes([kind] if kind else []) + encode(items)


def at_once(encoding: bytes) -> Transaction | None:
    return decode_one(Transaction, encoding)


def check(encoding: bytes) -> Transaction | None:
    """Decoded at once it is the same as item by item, or not decoded at once."""
    decoded = at_once(encoding)
    expected = said(Transaction._decode_now, encoding)
    assert said(Transaction.decode, encoding) == expected
    assert decoded is None or decoded == expected
    return decoded


def said(decode: Callable[[bytes, str], Transaction], encoding: bytes) -> Transaction | str:
    """What comes of an encoding: a transaction or the words of an error."""
    try:
        return decode(encoding, "it")
    except DecodeError as error:
        return str(error)


@given(encodings())
def test_decoded_at_once_it_is_the_same(encoding: bytes) -> None:
    decoded = check(encoding)
    if decoded is not None:
        assert decoded.encode() is encoding
        assert decoded.y_parity == Transaction._decode_now(encoding, "it").y_parity
        assert pickle.loads(pickle.dumps(decoded)) == decoded
        assert hash(decoded) == hash(Transaction._decode_now(encoding, "it"))


@given(encodings(), st.data())
def test_what_is_not_quite_an_encoding_is_refused_in_the_same_words(
    encoding: bytes, data: Any
) -> None:
    place = data.draw(st.integers(0, len(encoding) - 1))
    broken = bytearray(encoding)
    broken[place] = data.draw(st.integers(0, 255))
    check(bytes(broken))
    check(encoding[:place])
    check(encoding + b"\0")


def test_transactions_are_decoded_at_once() -> None:
    members: dict[str, Any] = {
        "nonce": 3, "gas": 21_000, "to": Address(b"\1" * 20), "value": 2**70, "data": b"abc",
        "r": 5, "s": 2**255,
    }  # fmt: skip
    for more in (
        {"type": 0, "v": 27, "gas_price": 9},
        {"type": 0, "v": 2**64 + 35, "chain_id": 2**63, "gas_price": 9},
        {"type": 1, "v": 1, "chain_id": 1, "gas_price": 9},
        {"type": 2, "v": 0, "chain_id": 1, "max_fee_per_gas": 2**64, "max_priority_fee_per_gas": 1},
        {"type": 2, "v": 0, "chain_id": 1, "to": None},
    ):
        made = Transaction(**{**members, **more})
        assert at_once(made.encode()) == made
    assert decode_one(Transaction, bytearray(b"\xc0")) is None
