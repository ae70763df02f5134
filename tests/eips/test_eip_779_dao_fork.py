"""EIP-779: the DAO fork moves what 116 accounts own, and signs its first ten blocks."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import Address
from tests.eips.rules import complete_state, refusal
from tests.ethereum.made import SENDERS, block_of, sealed, signed

import blockstm
from blockstm.ethereum import Account, AccountState, Activation, Chain, Reason, fork_named

DAO = Address(bytes.fromhex("bb9bc244d798123fde783fcc1c72d3bb8c189413"))
EXTRA_BALANCE = Address(bytes.fromhex("807640a13483f8ac783c557fcdf27be11ea4ac7a"))
FIRST_CHILD = Address(bytes.fromhex("d4fe7bc31cedb7bfb8a345f31e668033056b2728"))
REFUND = Address(bytes.fromhex("bf4ed7b27f1d666546e30d74d50d173d20bca754"))
EXTRA_DATA = b"dao-hard-fork"
AT = 50
CHAIN = Chain(
    1,
    (
        Activation(fork_named("homestead"), block=0),
        Activation(fork_named("dao_fork"), block=AT),
        Activation(fork_named("tangerine_whistle"), block=AT + 100),
    ),
)
NEVER = Chain(1, (Activation(fork_named("homestead"), block=0),))


def state() -> AccountState:
    return complete_state(
        {
            DAO: Account(7, 1, b"\x00", storage={1: 2}),
            EXTRA_BALANCE: Account(11),
            FIRST_CHILD: Account(13),
            REFUND: Account(1, 1, b"\x00"),
        }
    )


def balances(number: int, chain: Chain = CHAIN, workers: int = 2) -> list[int]:
    """After a block in which two more pay the DAO, and one pays the contract of the refunds."""
    block = block_of(
        (signed(0, nonce=0, to=DAO), signed(1, nonce=0, to=REFUND), signed(0, nonce=1, to=DAO)),
        "homestead",
        number=number,
        extra_data=EXTRA_DATA,
    )
    before = state()
    block = sealed(block, before, chain=chain)
    executed = blockstm.execute_block(block, before, "evm", chain=chain, workers=workers)
    before.apply(executed.writes)
    assert before.account(DAO).storage == {1: 2}
    accounts = [before.account(each) for each in (DAO, EXTRA_BALANCE, FIRST_CHILD, REFUND)]
    return [account.balance if account else 0 for account in accounts]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_first_block_of_the_fork_moves_it_before_its_transactions(workers: int) -> None:
    assert balances(AT, workers=workers) == [2, 0, 0, 1 + 7 + 11 + 13 + 1]


@pytest.mark.parametrize("number", [AT - 1, AT + 1, AT + 9])
def test_no_other_block_moves_anything(number: int) -> None:
    assert balances(number) == [9, 11, 13, 2]


def test_a_chain_without_the_fork_moves_nothing() -> None:
    assert balances(AT, NEVER) == [9, 11, 13, 2]


@pytest.mark.parametrize(
    ("number", "extra_data", "fits"),
    [
        (AT - 1, b"", True),
        (AT, EXTRA_DATA, True),
        (AT, b"", False),
        (AT, EXTRA_DATA + b"\0", False),
        (AT + 9, EXTRA_DATA, True),
        (AT + 9, b"dao-hard-fork?", False),
        (AT + 10, b"", True),
    ],
)
def test_ten_blocks_are_signed(number: int, extra_data: bytes, fits: bool) -> None:
    members: dict[str, Any] = {"difficulty": 2_048_000, "timestamp": 5}
    parent = block_of((), "homestead", number=number - 1, **members).header
    block = block_of(
        (signed(0, nonce=0, to=SENDERS[1]),),
        "homestead",
        number=number,
        parent_hash=parent.hash,
        timestamp=6,
        difficulty=2_049_000,
        extra_data=extra_data,
    )
    before = state()
    block = sealed(block, before, chain=CHAIN)
    found = refusal(block, before, None, chain=CHAIN, parent=parent)
    assert found is (None if fits else Reason.DAO_EXTRA_DATA)
