"""What was signed, read off encodings; senders that are known are not recovered again."""

from __future__ import annotations

import pickle
import random
import threading
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from eth_keys.datatypes import PrivateKey
from eth_typing import Address, Hash32
from hypothesis import given
from hypothesis import strategies as st
from tests.crypto.signatures import signed_transactions

from blockstm._native.crypto.recovery import recover_addresses
from blockstm._native.wire.signers import recover_signers, signed_message
from blockstm._native.wire.transaction_list import TransactionList
from blockstm.errors import DecodeError, InputError
from blockstm.ethereum.blocks.transaction import Authorization, Transaction
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution.known_senders import KNOWN_SENDERS, KnownSenders
from blockstm.ethereum.execution.senders import (
    find_senders,
    recover_sender,
    recover_senders,
)

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEY = PrivateKey(bytes(31) + b"\x01")
SENDER = KEY.public_key.to_canonical_address()


@pytest.fixture(autouse=True)
def nobody_is_known() -> None:
    KNOWN_SENDERS.clear()


words = st.sampled_from([0, 1, 127, 128, 2**64, 2**256 - 1])
addresses = st.binary(min_size=20, max_size=20).map(Address)
scalars = st.sampled_from([0, 1, 2**200, ORDER // 2, ORDER // 2 + 1, ORDER - 1, ORDER, 2**256 - 1])
authorizations = st.builds(
    Authorization, words, addresses, st.integers(0, 2**64 - 1), st.integers(0, 1), words, words
)


@st.composite
def transactions(draw: Any) -> Transaction:
    kind = draw(st.integers(0, 4))
    members: dict[str, Any] = {"type": kind, "v": draw(st.integers(0, 3))}
    if kind == 0:
        members["v"] = draw(st.integers(24, 40) | st.integers(2**33, 2**63))
        members["chain_id"] = (members["v"] - 35) // 2 if members["v"] >= 35 else None
    else:
        members["chain_id"] = draw(words)
    if kind >= 1:
        slots = st.lists(words, max_size=2).map(tuple)
        entries = st.tuples(addresses, slots)
        members["access_list"] = tuple(draw(st.lists(entries, max_size=2)))
    if kind >= 2:
        members["max_fee_per_gas"], members["max_priority_fee_per_gas"] = draw(words), draw(words)
    else:
        members["gas_price"] = draw(words)
    if kind == 3:
        members["max_fee_per_blob_gas"] = draw(words)
        members["blob_hashes"] = (Hash32(bytes(32)),) * draw(st.integers(0, 2))
    if kind == 4:
        members["authorizations"] = tuple(draw(st.lists(authorizations, max_size=2)))
    return Transaction(
        nonce=draw(st.integers(0, 2**64 - 1)),
        gas=draw(st.integers(0, 2**64 - 1)),
        to=draw(st.none() | addresses),
        value=draw(words),
        data=draw(st.binary(max_size=3) | st.binary(min_size=50, max_size=300)),
        r=draw(scalars),
        s=draw(scalars),
        **members,
    )


# ---- what was signed


@given(transactions(), st.booleans())
def test_what_was_signed_is_read_off_the_encoding(transaction: Transaction, high_s: bool) -> None:
    r, s, parity = transaction.r, transaction.s, transaction.y_parity
    s_max = ORDER - 1 if high_s else ORDER // 2
    expected = None
    if parity is not None and 0 < r < ORDER and 0 < s <= s_max:
        compact = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        expected = (transaction.signing_hash, compact, parity)
    assert signed_message(transaction.encode(), high_s) == expected


@given(transactions(), st.data())
def test_no_bytes_lead_beyond_their_end(transaction: Transaction, data: Any) -> None:
    encoding = transaction.encode()
    assert signed_message(encoding[: data.draw(st.integers(0, len(encoding) - 1))]) is None
    assert signed_message(encoding + b"\0") is None
    broken = bytearray(encoding)
    broken[data.draw(st.integers(0, len(encoding) - 1))] = data.draw(st.integers(0, 255))
    signed_message(bytes(broken))  # whatever it says, the sanitizers have nothing to say


@pytest.mark.parametrize("encoding", [b"", b"\0", b"\5" + b"\xc0", b"\x80", b"\xc0", b"\xff" * 20])
def test_bytes_of_no_transaction_are_signed_by_nobody(encoding: bytes) -> None:
    assert recover_signers([encoding], True) == [None]


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_threads_share_a_block_of_any_length(threads: int) -> None:
    """Long messages, which are hashed by themselves, and nobody's between the others."""
    transactions, signers = signed_transactions(300)
    lists = ((Address(bytes(20)), tuple(range(100))),)
    long = [signed(nonce, access_list=lists * (1 + nonce)) for nonce in range(4)]
    bad = [replace(signed(1), s=ORDER), replace(signed(1), r=5)]
    block, expected = [*long, *transactions, *bad], [*[SENDER] * 4, *signers, None, None]
    shuffled = random.Random(threads).sample(range(len(block)), len(block))
    for count in (1, 2, 8, 63, 64, 65, 127, 128, 129, 192, 257, len(block)):
        chosen = shuffled[:count]
        encodings = [block[place].encode() for place in chosen]
        assert recover_signers(encodings, False, threads) == [expected[each] for each in chosen]


def test_addresses_are_recovered_by_threads() -> None:
    transactions, signers = signed_transactions(200)
    messages = [signed_message(each.encode()) for each in transactions]
    hashes, signatures, parities = zip(*(each for each in messages if each), strict=True)
    for threads in (1, 2, 3):
        found = recover_addresses(
            b"".join(hashes), b"".join(signatures), bytes(parities), threads=threads
        )
        assert found == signers


def test_a_decoded_transaction_is_known_by_its_encoding_alone() -> None:
    made = signed(0)
    read = Transaction.decode(made.encode())
    assert TransactionList([read, read]).all_decoded
    assert not TransactionList([read, made]).all_decoded
    assert TransactionList([made]).types == b"\2"  # whose encoding is there by now
    assert TransactionList([signed(0)]).types == b"\0"  # nobody has asked for its encoding


# ---- known senders


def signed(nonce: int, **members: Any) -> Transaction:
    unsigned = Transaction(
        type=2, nonce=nonce, gas=21_000, to=None, value=1, data=b"", v=0, r=0, s=0, chain_id=1,
        max_fee_per_gas=7, **members,
    )  # fmt: skip
    signature = KEY.sign_msg_hash(unsigned.signing_hash)
    return replace(unsigned, v=signature.v, r=signature.r, s=signature.s)


def test_a_sender_is_recovered_once() -> None:
    block = [signed(nonce) for nonce in range(5)]
    again = [Transaction.decode(each.encode()) for each in block]
    for block_of, recovered in ((block, 5), (again, 0), ([*again[:2], signed(9), *again[2:]], 1)):
        found = find_senders(block_of)
        assert list(found) == [SENDER] * len(block_of)
        assert found.recovered == recovered
    assert recover_senders(block) == recover_senders(again) == [SENDER] * 5
    assert recover_sender(again[2], "it") == SENDER


def test_a_signature_of_nobody_is_nobodys_every_time() -> None:
    bad = replace(signed(1), r=5)  # of no point
    for recovered in (2, 1):
        found = find_senders([signed(0), bad])
        assert list(found) == [SENDER, None]
        assert (found.first_unknown, found.recovered) == (1, recovered)
        with pytest.raises(DecodeError, match=r"block\[1\]: the signature belongs to no key"):
            recover_senders([signed(0), bad], "block")


def test_senders_are_a_sequence() -> None:
    found = find_senders([signed(0), replace(signed(1), r=5), signed(2)])
    assert (len(found), found[0], found[-2], found[2]) == (3, SENDER, None, SENDER)
    assert found[1:] == (None, SENDER)
    assert list(found) == [SENDER, None, SENDER]
    assert found == find_senders([signed(0), replace(signed(1), r=5), signed(2)])
    assert found != find_senders([signed(0)] * 3)
    assert pickle.loads(pickle.dumps(found)) == tuple(found)
    for place in (3, -4):
        with pytest.raises(IndexError, match=f"sender {place} of 3"):
            found[place]


def test_who_is_known_with_a_high_s_is_not_where_none_is_allowed() -> None:
    high = replace(signed(1), v=1 - signed(1).v, s=ORDER - signed(1).s)
    assert recover_senders([high]) == [SENDER]
    with pytest.raises(DecodeError, match="no signature can have these numbers"):
        recover_senders([high], high_s_allowed=False)


def test_a_transaction_that_names_another_chain_than_its_v_is_not_the_known_one() -> None:
    unsigned = Transaction(
        type=0, nonce=0, gas=21_000, to=None, value=1, data=b"", v=0, r=0, s=0, gas_price=7,
        chain_id=1,
    )  # fmt: skip
    signature = KEY.sign_msg_hash(unsigned.signing_hash)
    good = replace(unsigned, v=37 + signature.v, r=signature.r, s=signature.s)
    assert recover_senders([good]) == [SENDER]
    for chain_id in (None, 2):
        with pytest.raises(DecodeError, match="no signature can have these numbers"):
            recover_senders([replace(good, chain_id=chain_id)])
    with pytest.raises(DecodeError, match="no signature can have these numbers"):
        recover_senders([replace(good, r=-1)])


@pytest.mark.parametrize("limit", [10, 1000])
def test_no_more_than_the_limit_is_kept_and_the_last_half_always(limit: int) -> None:
    known = KnownSenders(limit=limit)
    hashes = [keccak(n.to_bytes(4, "big")) for n in range(10 * limit)]
    senders = [Address(each[:20]) for each in hashes]
    ends = [0, 3, 4, 4 * limit, 4 * limit + 1, len(hashes)]
    for start, stop in pairwise(ends):
        known.add(hashes[start:stop], senders[start:stop])
        assert len(known) <= limit
        last = slice(max(0, stop - limit // 2), stop)
        assert known.find(hashes[last]) == senders[last]
    assert known.find(hashes[: 5 * limit]) == [None] * (5 * limit)
    known.clear()
    assert len(known) == 0
    assert known.find(hashes[-1:]) == [None]


def test_a_sender_of_nobody_is_not_remembered_and_another_one_replaces() -> None:
    known = KnownSenders(limit=4)
    first, second = keccak(b"1"), keccak(b"2")
    known.add([first, second], [None, Address(b"\1" * 20)])
    known.add([second], [Address(b"\2" * 20)])
    assert known.find([first, second]) == [None, b"\2" * 20]
    assert len(known) == 1
    for hashes, senders in (([b"short"], [bytes(20)]), ([first], [b"short"])):
        with pytest.raises(InputError, match="bytes"):
            known.add(hashes, senders)


def test_threads_may_recover_the_same_block_at_once() -> None:
    block = [signed(nonce) for nonce in range(40)]
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(recover_senders(block))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[SENDER] * 40] * 4
