"""EIP-7778 (Amsterdam): what is refunded to a sender counts for its block all the same."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import refusal, run
from tests.eips.whole_blocks import block_with, executed, signed, with_header, world
from tests.evm.world_blocks import contract, transaction

from blockstm.ethereum import Account, Reason, Transaction

CLEARERS = [Address(bytes([0xC0 + i]) * 20) for i in range(3)]
CODE = contract("0 7 SSTORE STOP").code
ACCOUNTS = {at: Account(0, 1, CODE, storage={7: 1}) for at in CLEARERS}
# 15,000, two pushes, a cold slot and a write; a fifth of it is refunded.
SPENT, PAID = 27_106, 21_685
# Before it: 21,000, the pushes, 5,000 for the slot; 4,800 come back.
OSAKA_SPENT, OSAKA_PAID = 26_006, 21_206


def clears() -> list[Transaction]:
    return [signed(i, to=at) for i, at in enumerate(CLEARERS)]


@pytest.mark.parametrize(
    ("fork", "paid", "counted"),
    [("amsterdam", PAID, SPENT), ("osaka", OSAKA_PAID, OSAKA_PAID)],
)
def test_the_header_counts_what_was_spent_and_receipts_what_was_paid(
    fork: str, paid: int, counted: int
) -> None:
    done = executed(fork, clears(), ACCOUNTS)
    assert done.gas_used == 3 * counted
    assert [r.cumulative_gas_used for r in done.receipts] == [paid, 2 * paid, 3 * paid]


def test_a_header_that_counts_otherwise_is_wrong() -> None:
    state = world(ACCOUNTS)
    block = block_with("amsterdam", clears(), state)
    assert refusal(block, state, "amsterdam") is None
    wrong = with_header(block, gas_used=3 * PAID)
    assert refusal(wrong, state, "amsterdam") is Reason.GAS_USED


@pytest.mark.parametrize(
    ("fork", "limit", "last"),
    [
        # The third transaction asks for 50,000 of what the others have left.
        ("amsterdam", 2 * SPENT + 50_000, None),
        ("amsterdam", 2 * SPENT + 49_999, "gas_above_block"),
        ("osaka", 2 * OSAKA_PAID + 50_000, None),
        ("osaka", 2 * OSAKA_PAID + 49_999, "gas_above_block"),
    ],
)
def test_a_refund_makes_no_room_in_the_block(fork: str, limit: int, last: str | None) -> None:
    senders = {transaction(i, None).sender: Account(10**18) for i in range(3)}
    block = [transaction(i, at, gas=50_000) for i, at in enumerate(CLEARERS)]
    ran = run(fork, block, {**ACCOUNTS, **senders}, gas_limit=limit)
    assert ran.reasons == (None, None, last)


def test_the_floor_of_data_counts_too() -> None:
    # 100 bytes at 64 are more than what the transaction does.
    done = executed("amsterdam", [signed(0, to=CLEARERS[0], data=bytes(1_000))], ACCOUNTS)
    assert done.gas_used == 15_000 + 64_000
    assert done.receipts[0].gas_used == 15_000 + 64_000
