"""EIP-2718 (Berlin): a transaction and its receipt may be a type and an opaque payload."""

from __future__ import annotations

import pytest
import rlp
from tests.eips.rules import refusal
from tests.eips.whole_blocks import block_with, executed, signed, world
from tests.ethereum.made import block_of

from blockstm.errors import DecodeError
from blockstm.ethereum import Reason, Transaction
from blockstm.ethereum.codecs.hashing import keccak

FIRST_FORKS = {1: "berlin", 2: "london"}


def root_of_one(value: bytes) -> bytes:
    """The root of a trie whose one key is the RLP of 0: a leaf with the nibbles 8 and 0."""
    return keccak(rlp.encode([b"\x20\x80", value]))


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_tries_hold_the_type_and_the_payload(kind: int) -> None:
    transaction = signed(0, kind)
    encoding = transaction.encode()
    assert encoding[0] == kind if kind else encoding[0] >= 0xC0
    block = block_with("london", [transaction], world())
    assert block.header.transactions_root == root_of_one(encoding)
    [receipt] = executed("london", [transaction]).receipts
    assert receipt.cumulative_gas_used == 21_000
    payload = rlp.encode([b"\x01", 21_000, bytes(256), []])
    typed = bytes([kind]) * (kind > 0) + payload
    assert block.header.receipts_root == root_of_one(typed)


@pytest.mark.parametrize("kind", [1, 2])
def test_a_block_holds_a_typed_transaction_as_bytes(kind: int) -> None:
    transaction = signed(0, kind)
    block = block_with("london", [transaction], world())
    [held] = rlp.decode(block.encode())[1]
    assert held == transaction.encode()
    legacy = block_with("london", [signed(0)], world())
    [held] = rlp.decode(legacy.encode())[1]
    assert rlp.encode(held) == signed(0).encode()


@pytest.mark.parametrize("kind", [1, 2])
def test_a_fork_has_its_types(kind: int) -> None:
    first = FIRST_FORKS[kind]
    state = world()
    mixed = [signed(0), signed(1, kind), signed(0, nonce=1), signed(1, kind, nonce=1)]
    assert refusal(block_with(first, mixed, state), state, first) is None
    before = {1: "istanbul", 2: "berlin"}[kind]
    early = block_of(tuple(mixed), before)
    assert refusal(early, state, before) is Reason.TYPE_NOT_SUPPORTED


@pytest.mark.parametrize("first", [0x00, 0x05, 0x7E, 0x7F, 0x80, 0xBF])
def test_other_types_are_unknown(first: int) -> None:
    payload = signed(0, 1).encode()[1:]
    with pytest.raises(DecodeError):
        Transaction.decode(bytes([first]) + payload)


def test_what_signs_covers_the_type() -> None:
    one = signed(0, 1)
    items = [1, 0, 10, 100_000, one.to, 0, b"", []]
    assert one.signing_hash == keccak(b"\x01" + rlp.encode(items))
    assert one.hash == keccak(b"\x01" + rlp.encode([*items, one.v, one.r, one.s]))
