"""Senders and authorities, recovered natively, against eth_keys; signatures of nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_keys.datatypes import PrivateKey
from eth_typing import Address
from hypothesis import given, settings
from hypothesis import strategies as st

from blockstm._native.crypto.recovery import recover_addresses
from blockstm._native.wire.transaction_list import TransactionList
from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.transaction import Authorization, Transaction, TransactionType
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import encode
from blockstm.ethereum.execution.known_senders import KNOWN_SENDERS
from blockstm.ethereum.execution.senders import (
    address_of_key,
    recover_authorities,
    recover_sender,
    recover_senders,
)

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
X_OF_NO_POINT = 5  # x**3 + 7 is no square


@pytest.fixture(autouse=True)
def nobody_is_known() -> None:
    """So that every test recovers."""
    KNOWN_SENDERS.clear()


secrets = st.integers(1, ORDER - 1) | st.integers(1, 5)


def key_of(secret: int) -> PrivateKey:
    return PrivateKey(secret.to_bytes(32, "big"))


def address_of(secret: int) -> bytes:
    return bytes(key_of(secret).public_key.to_canonical_address())


def signed(secret: int, nonce: int = 0) -> Transaction:
    """A transaction of type 2."""
    unsigned = Transaction(
        type=TransactionType.DYNAMIC_FEE, nonce=nonce, gas=21_000, to=None, value=1, data=b"",
        v=0, r=0, s=0, chain_id=1, max_fee_per_gas=7,
    )  # fmt: skip
    signature = key_of(secret).sign_msg_hash(unsigned.signing_hash)
    return replace(unsigned, v=signature.v, r=signature.r, s=signature.s)


def authorization(secret: int, nonce: int = 0) -> Authorization:
    message = b"\5" + encode([1, b"\7" * 20, nonce])
    signature = key_of(secret).sign_msg_hash(keccak(message))
    return Authorization(1, b"\7" * 20, nonce, signature.v, signature.r, signature.s)


def other_half(transaction: Transaction) -> Transaction:
    """The same signature with the other s, which is as right."""
    return replace(transaction, v=1 - transaction.v, s=ORDER - transaction.s)


# ---- the native function


@settings(deadline=None)
@given(st.lists(st.tuples(secrets, st.binary(min_size=32, max_size=32)), max_size=6))
def test_recovered_addresses_are_those_of_the_keys(pairs: list[tuple[int, bytes]]) -> None:
    signatures = [key_of(secret).sign_msg_hash(message) for secret, message in pairs]
    addresses = recover_addresses(
        b"".join(message for _, message in pairs),
        b"".join(each.to_bytes()[:64] for each in signatures),
        bytes(each.v for each in signatures),
    )
    assert addresses == [address_of(secret) for secret, _ in pairs]


@pytest.mark.parametrize(
    ("r", "s", "parity"),
    [
        (0, 1, 0),
        (1, 0, 0),
        (ORDER, 1, 0),
        (1, ORDER, 0),
        (2**256 - 1, 2**256 - 1, 1),
        (X_OF_NO_POINT, 1, 0),
        (1, 1, 2),
        (1, 1, 3),
        (1, 1, 255),
    ],
)
def test_a_signature_of_nobody_is_none(r: int, s: int, parity: int) -> None:
    good = key_of(3).sign_msg_hash(bytes(32))
    signatures = good.to_bytes()[:64] + r.to_bytes(32, "big") + s.to_bytes(32, "big")
    found = recover_addresses(bytes(64), signatures, bytes([good.v, parity]))
    assert found == [address_of(3), None]


@pytest.mark.parametrize(("hashes", "signatures"), [(31, 64), (33, 64), (32, 63), (32, 65), (0, 0)])
def test_counts_that_differ_are_refused(hashes: int, signatures: int) -> None:
    with pytest.raises(ValueError, match="1 parities need 32 bytes"):
        recover_addresses(bytes(hashes), bytes(signatures), bytes(1))


@settings(deadline=None)
@given(secrets)
def test_the_address_of_a_secret_key(secret: int) -> None:
    assert address_of_key(secret.to_bytes(32, "big")) == address_of(secret)


@pytest.mark.parametrize(
    "key", [bytes(32), ORDER.to_bytes(32, "big"), b"\1", bytes(31), b"\1" * 33]
)
def test_what_is_no_secret_key(key: bytes) -> None:
    with pytest.raises(DecodeError, match="not the 32 bytes of a key"):
        address_of_key(key)


# ---- senders


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 200])
@pytest.mark.parametrize("workers", [None, 1, 2, 5])
def test_senders_come_in_order(count: int, workers: int | None) -> None:
    expected = [SENDERS[place] for place in range(count)]
    assert recover_senders(TRANSACTIONS[:count], workers=workers) == expected


TRANSACTIONS = [signed(place + 1, place) for place in range(200)]
SENDERS = [address_of(place + 1) for place in range(200)]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"r": 0}, "no signature can have these numbers"),
        ({"s": ORDER}, "no signature can have these numbers"),
        ({"r": 2**256}, "no signature can have these numbers"),
        ({"v": 2}, "no signature can have these numbers"),
        ({"r": X_OF_NO_POINT}, "the signature belongs to no key"),
    ],
)
def test_the_first_bad_signature_is_named(
    change: dict[str, int], message: str, workers: int
) -> None:
    transactions = list(TRANSACTIONS)
    for index in (100, 37, 150):
        transactions[index] = replace(transactions[index], **change)
    with pytest.raises(DecodeError, match=message) as caught:
        recover_senders(transactions, "block.transactions", workers)
    assert caught.value.place == "block.transactions[37]"
    with pytest.raises(DecodeError, match=message) as caught:
        recover_sender(transactions[37], "it")
    assert caught.value.place == "it"


def test_a_high_s_is_the_callers_to_allow() -> None:
    high = other_half(TRANSACTIONS[0])
    assert high.s > ORDER // 2
    assert recover_senders([high]) == SENDERS[:1]
    assert recover_senders(TRANSACTIONS[:1], high_s_allowed=False) == SENDERS[:1]
    with pytest.raises(DecodeError, match=r"transactions\[0\]: no signature can have"):
        recover_senders([high], high_s_allowed=False)


# ---- authorities


def test_authorities_stand_with_their_transactions() -> None:
    bad = replace(authorization(5), r=X_OF_NO_POINT)
    lists = [(), (authorization(1), bad, authorization(2, 7)), (), (authorization(3),)]
    transactions = [
        replace(TRANSACTIONS[place], type=4 if each else 2, authorizations=each)
        for place, each in enumerate(lists)
    ]
    assert recover_authorities(transactions) == [
        (),
        (address_of(1), None, address_of(2)),
        (),
        (address_of(3),),
    ]
    assert recover_authorities(TRANSACTIONS) == [()] * len(TRANSACTIONS)
    assert recover_authorities([]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"y_parity": 2},
        {"y_parity": 255},
        {"r": 0},
        {"s": 0},
        {"r": ORDER},
        {"r": 2**256 - 1},
        {"s": ORDER // 2 + 1},
        {"s": ORDER - 1},
        {"s": 2**256 - 1},
        {"s": 2**256},
        {"s": -1},
    ],
)
def test_an_authorization_that_nobody_can_have_signed(change: dict[str, int]) -> None:
    bad = replace(authorization(1), **change)
    transaction = replace(
        TRANSACTIONS[0], type=4, to=Address(bytes(20)), authorizations=(bad, authorization(2))
    )
    assert recover_authorities([transaction]) == [(None, address_of(2))]
    if 0 <= bad.s < 2**256:
        read = TransactionList([Transaction.decode(transaction.encode())])
        assert recover_authorities(read) == [(None, address_of(2))]


def test_an_authorization_with_a_high_s_is_of_nobody() -> None:
    good = authorization(1)
    high = replace(good, y_parity=1 - good.y_parity, s=ORDER - good.s)
    transaction = replace(TRANSACTIONS[0], type=4, authorizations=(good, high))
    assert recover_authorities([transaction]) == [(address_of(1), None)]


@pytest.mark.parametrize("workers", [1, 2])
def test_many_authorizations_are_shared_by_workers(workers: int) -> None:
    transactions = [
        replace(
            TRANSACTIONS[place], type=4, authorizations=(AUTHORIZATIONS[place], AUTHORIZATIONS[0])
        )
        for place in range(60)
    ]
    expected = [(SENDERS[place], SENDERS[0]) for place in range(60)]
    assert recover_authorities(transactions, workers) == expected
    read = TransactionList([Transaction.decode(each.encode()) for each in transactions])
    assert recover_authorities(read, workers) == expected


AUTHORIZATIONS = [authorization(place + 1, place) for place in range(60)]
