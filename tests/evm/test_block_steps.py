"""A block's steps: transactions that carry their encoding are bound from it, to the same steps."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from eth_typing import Address, Hash32
from hypothesis import given
from hypothesis import strategies as st
from tests.evm.world_blocks import SENDERS, context, transaction, world

from blockstm import execute_block, reference
from blockstm._native.evm.prepared import EvmBlock
from blockstm.errors import InputError
from blockstm.ethereum.blocks.transaction import Authorization, Transaction
from blockstm.state.accounts import AccountState
from blockstm.vm.evm import BlockEnd, BlockStart, BlockSteps, Evm, Signed
from blockstm.vm.evm.execution import read_output
from blockstm.vm.evm.validation import error_of

OSAKA = Evm("osaka", context("osaka"))
ALICE, BOB = SENDERS[:2]

PACKED_BITS = (24, 32, 64, 96)  # of the numbers that a packed step has room for
LARGEST_PACKED = [2**bits - 1 for bits in PACKED_BITS]
SMALLEST_WHOLE = [2**bits for bits in PACKED_BITS]
words = st.sampled_from([0, 1, 127, 128, 255, *LARGEST_PACKED, *SMALLEST_WHOLE, 2**256 - 1])
shorts = st.sampled_from([0, 1, 127, 128, 2**32 - 1, 2**32, 2**64 - 1])
addresses = st.binary(min_size=20, max_size=20).map(Address)


@st.composite
def transactions(draw: Any) -> Transaction:
    kind = draw(st.integers(0, 4))
    members: dict[str, Any] = {}
    if kind <= 1:
        members["gas_price"] = draw(words)
    else:
        members["max_fee_per_gas"], members["max_priority_fee_per_gas"] = draw(words), draw(words)
    if kind >= 1:
        members["chain_id"] = draw(words)
        entries = st.tuples(addresses, st.lists(words, max_size=2).map(tuple))
        members["access_list"] = tuple(draw(st.lists(entries, max_size=2)))
    if kind == 3:
        members["max_fee_per_blob_gas"] = draw(words)
        members["blob_hashes"] = (Hash32(bytes(32)),) * draw(st.integers(0, 2))
    if kind == 4:
        given = Authorization(1, Address(bytes(20)), 0, 0, 1, 1)
        members["authorizations"] = (given,) * draw(st.integers(0, 2))
    v = draw(st.sampled_from([0, 1, 27, 28, 35, 36, 37, 38, 2710, 2**64 - 1, 2**256 - 1]))
    if kind == 0 and v >= 35:
        members["chain_id"] = (v - 35) // 2
    return Transaction(
        type=kind,
        nonce=draw(shorts),
        gas=draw(shorts),
        to=draw(st.none() | addresses),
        value=draw(words),
        data=draw(st.binary(max_size=3) | st.binary(min_size=50, max_size=300)),
        v=v,
        r=draw(words),
        s=draw(words),
        **members,
    )


def bound_block() -> EvmBlock:
    return EvmBlock("osaka", context("osaka"), read_output, error_of)


@given(st.lists(st.tuples(transactions(), addresses, st.booleans()), max_size=4))
def test_a_step_from_an_encoding_is_the_one_from_the_members(listed: Any) -> None:
    singly, at_once = bound_block(), bound_block()
    given, senders, authorities = [], [], []
    for made, sender, is_encoded in listed:
        if is_encoded:
            made.encode()  # which it keeps
        given.append(made)
        senders.append(sender)
        authorities.append((None,) * len(made.authorizations))
        singly.add_transaction(replace(made), sender, authorities[-1])
    at_once.add_transactions(given, senders, authorities)
    assert at_once.count == len(given)
    for place in range(len(given)):
        assert at_once.transaction_at(place) == singly.transaction_at(place)


def test_what_a_broken_encoding_says_is_not_believed() -> None:
    """Nobody makes one; but what is read natively must not depend on that."""
    good = transaction(0, BOB, value=5).transaction
    for broken in (b"", b"\xc0", b"\xf8", b"\2\xc0", b"\xc7\1\2\3\4\5\6\7", b"\xff" * 9):
        block = bound_block()
        carrying = SimpleNamespace(**{**vars(good), "_encoding": broken})
        block.add_transactions([carrying], [ALICE], ())
        expected = bound_block()
        expected.add_transaction(good, ALICE, ())
        assert block.transaction_at(0) == expected.transaction_at(0)


def steps_of(count: int) -> BlockSteps:
    made = [transaction(place % 4, BOB, nonce=place // 4, value=place) for place in range(count)]
    return BlockSteps(
        BlockStart(), [m.transaction for m in made], [m.sender for m in made], (), BlockEnd()
    )


def test_the_steps_of_a_block_are_a_sequence() -> None:
    steps = steps_of(3)
    assert len(steps) == 5
    assert list(steps) == [
        BlockStart(),
        *(Signed(steps.transactions[n], SENDERS[n]) for n in range(3)),
        BlockEnd(),
    ]
    assert steps[-1] == BlockEnd()
    assert steps[1:3] == (steps[1], steps[2])
    with pytest.raises(IndexError):
        steps[5]
    with_authorities = BlockSteps(BlockStart(), [None], [ALICE], [(BOB, None)], BlockEnd())
    assert with_authorities[1] == Signed(None, ALICE, (BOB, None))


@pytest.mark.parametrize("bind", [False, True])
def test_a_block_is_what_its_steps_are(bind: bool) -> None:
    steps = steps_of(9)
    expected = reference.execute_block(list(steps), AccountState(world()), OSAKA)
    given = OSAKA.bind(steps) if bind else steps
    result = execute_block(given, AccountState(world()), OSAKA, workers=2)
    assert result.outcomes == expected.outcomes
    assert result.writes == expected.writes
    assert list(given) == list(steps)


@pytest.mark.parametrize("senders", [[], [ALICE, BOB]])
def test_there_is_one_sender_to_each(senders: list[Address]) -> None:
    made = [transaction(0, BOB).transaction]
    with pytest.raises(InputError, match="one sender"):
        OSAKA.bind(BlockSteps(BlockStart(), made, senders, (), BlockEnd()))
    with pytest.raises(InputError, match="one sender"):
        OSAKA.bind(BlockSteps(BlockStart(), made, [ALICE], [(), ()], BlockEnd()))


@pytest.mark.parametrize("change", [{"nonce": 2**64}, {"value": -1}, {"to": b"x"}, {"type": 9}])
def test_a_member_out_of_range_is_refused(change: dict[str, Any]) -> None:
    made = SimpleNamespace(**{**vars(transaction(0, BOB).transaction), **change})
    with pytest.raises(InputError):
        OSAKA.bind(BlockSteps(BlockStart(), [made], [ALICE], (), BlockEnd()))
    good = transaction(0, BOB).transaction
    with pytest.raises(InputError, match="a sender is 20 bytes"):
        OSAKA.bind(BlockSteps(BlockStart(), [good], [Address(b"x")], (), BlockEnd()))
