"""EIP-2780 (Amsterdam): a transaction pays for what it does, not 21,000 for everything."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import Address
from tests.eips.rules import run
from tests.evm.world_blocks import COINBASE, NOBODY, SENDERS, contract, transaction

from blockstm.state.accounts import Account

BASE, RECIPIENT, VALUE, CREATION = 12_000, 3_000, 6_000, 12_000
NEW_ACCOUNT = 183_600  # of the state gas of EIP-8037
OTHER = Address(b"\x0d" * 20)
IDENTITY = Address(bytes(19) + b"\x04")
THERE = {OTHER: Account(1)}
FUNDED = {sender: Account(10**18) for sender in SENDERS}


@pytest.mark.parametrize(
    ("to", "value", "paid", "state"),
    [
        (SENDERS[0], 0, BASE, 0),
        (SENDERS[0], 1, BASE, 0),
        (OTHER, 0, BASE + RECIPIENT, 0),
        (OTHER, 1, BASE + RECIPIENT + VALUE, 0),
        (NOBODY, 0, BASE + RECIPIENT, 0),
        (NOBODY, 1, BASE + RECIPIENT + VALUE, NEW_ACCOUNT),
        (None, 0, BASE + CREATION, NEW_ACCOUNT),
        (None, 1, BASE + CREATION, NEW_ACCOUNT),
    ],
)
def test_what_a_transaction_pays(to: Address | None, value: int, paid: int, state: int) -> None:
    sent = transaction(0, to, value=value)
    [execution] = run("amsterdam", [sent], {**THERE, **FUNDED}).executions
    assert (execution.succeeded, execution.gas_used) == (True, paid + state)
    assert execution.state_gas == state
    # What is charged for the state is charged when it runs: all there must be is the rest.
    block = [transaction(0, to, nonce=i, value=value, gas=paid - i) for i in range(2)]
    ran = run("amsterdam", block, {**THERE, **FUNDED})
    assert ran.reasons == (None, "intrinsic_gas")
    assert ran.outcomes[0].value.succeeded is (state == 0)


@pytest.mark.parametrize("listed", [(), ((IDENTITY, ()),)])
def test_a_recipient_that_is_warm_pays_the_same(listed: Any) -> None:
    sent = transaction(0, IDENTITY, type=1, access_list=listed)
    [execution] = run("amsterdam", [sent], FUNDED).executions
    listing = (2_900 + 20 * 64) * len(listed)
    assert execution.gas_used == BASE + RECIPIENT + listing + 15  # IDENTITY itself takes 15


def test_before_it_everything_paid_21000() -> None:
    block = [
        transaction(0, SENDERS[0], value=1),
        transaction(1, OTHER),
        transaction(2, NOBODY, value=1),
    ]
    assert [e.gas_used for e in run("osaka", block, {**THERE, **FUNDED}).executions] == [21_000] * 3


def test_the_first_payment_to_an_account_creates_it() -> None:
    block = [transaction(i, NOBODY, value=1) for i in range(4)]
    block += [transaction(4, COINBASE, value=1)]
    ran = run("amsterdam", block, FUNDED)
    known = BASE + RECIPIENT + VALUE
    assert [e.gas_used for e in ran.executions] == [known + NEW_ACCOUNT, *[known] * 4]
    assert ran.state.account(NOBODY).balance == 4


def test_a_payment_short_of_the_new_account_pays_all_and_moves_nothing() -> None:
    short = BASE + RECIPIENT + VALUE + NEW_ACCOUNT - 1
    block = [transaction(0, NOBODY, value=1, gas=short), transaction(1, NOBODY, value=2)]
    ran = run("amsterdam", block, FUNDED)
    first, second = ran.executions
    assert (first.succeeded, first.gas_used, first.state_gas) == (False, short, 0)
    assert second.gas_used == short + 1  # the account is still absent
    assert ran.state.account(NOBODY).balance == 2


@pytest.mark.parametrize(
    ("listed", "price"), [((), 3_000), (((OTHER, ()),), 100)], ids=["cold", "warm"]
)
def test_a_delegated_recipient_pays_for_the_access_to_its_target(listed: Any, price: int) -> None:
    at = Address(b"\x0a" * 20)
    accounts = {at: Account(1, 1, b"\xef\x01\x00" + OTHER), OTHER: contract("STOP"), **FUNDED}
    block = [
        transaction(0, at, type=1, access_list=listed),
        transaction(1, at, type=1, access_list=listed, value=1),
    ]
    listing = (2_900 + 20 * 64) * len(listed)
    ran = run("amsterdam", block, accounts)
    assert [e.gas_used for e in ran.executions] == [
        BASE + RECIPIENT + listing + price,
        BASE + RECIPIENT + VALUE + listing + price,
    ]
