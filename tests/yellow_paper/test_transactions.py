"""Yellow Paper, section 6: who may send what, and what is paid before anything runs."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import TARGET, Payment, before, run, since
from tests.evm.world_blocks import BASE_FEE, COINBASE, NOBODY, SENDERS, contract, transaction

from blockstm.state.accounts import Account

FORKS = ["frontier", "homestead", "istanbul", "london", "osaka"]
THERE = {NOBODY: Account(1)}
PRICE, GAS = 10, 21_000


@pytest.mark.parametrize("fork", FORKS)
def test_nonces_follow_each_other(fork: str) -> None:
    """A transaction that does not belong in the block leaves nothing, and the next one counts."""
    block = [
        transaction(0, NOBODY, nonce=1),
        transaction(0, NOBODY, nonce=0),
        transaction(0, NOBODY, nonce=0),
        transaction(1, NOBODY, nonce=5),
        transaction(0, NOBODY, nonce=1),
        transaction(0, NOBODY, nonce=3),
    ]
    ran = run(fork, block, THERE)
    low, high = "nonce_too_low", "nonce_too_high"
    assert ran.reasons == (high, None, low, high, None, high)
    assert ran.state.account(SENDERS[0]).nonce == 2
    refused = ran.outcomes[0].error
    assert (refused.have, refused.want) == (1, 0)


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("value", [0, 7, 10**18])
def test_gas_and_value_must_be_there_before(fork: str, value: int) -> None:
    """All the gas that it may use is paid at first, from what earlier transactions left."""
    costs = GAS * PRICE + value
    sent = {"gas": GAS, "value": value}
    rich, poor = transaction(0, NOBODY, **sent), transaction(1, NOBODY, **sent)
    helped = transaction(2, NOBODY, **sent)
    owns = {SENDERS[0]: costs, SENDERS[1]: costs - 1, SENDERS[2]: costs - 1}
    accounts = THERE | {address: Account(balance) for address, balance in owns.items()}
    ran = run(fork, [rich, poor, Payment(SENDERS[2], 1), helped], accounts)
    assert ran.reasons == (None, "insufficient_funds", None)
    emptied = Account(0, 1)
    assert ran.state.account(SENDERS[0]) == ran.state.account(SENDERS[2]) == emptied
    assert ran.state.account(SENDERS[1]) == Account(costs - 1)
    assert ran.state.account(NOBODY).balance == 1 + 2 * value


@pytest.mark.parametrize("fork", ["frontier", "istanbul"])
@pytest.mark.parametrize("price", [2**63, 2**64 - 1, 2**127 + 2**63, 2**192 + 1, 2**224])
def test_a_price_is_any_word(fork: str, price: int) -> None:
    """A sender with a wei less than the gas costs sends nothing; the beneficiary gets all of it."""
    sent = transaction(0, NOBODY, gas=21_000, gas_price=price)
    cost = 21_000 * price
    ran = run(fork, [sent], {SENDERS[0]: Account(cost)})
    assert ran.executions[0].gas_used == 21_000
    assert ran.state.account(COINBASE).balance == cost
    assert run(fork, [sent], {SENDERS[0]: Account(cost - 1)}).reasons == ("insufficient_funds",)


@pytest.mark.parametrize("fork", FORKS)
def test_gas_that_is_not_used_comes_back(fork: str) -> None:
    """The sender pays what was used, the coinbase gets it, less what London burns of it."""
    block = [transaction(sender, TARGET, gas=90_000) for sender in (0, 1)]
    accounts = {SENDERS[0]: Account(10**9), SENDERS[1]: Account(10**9)}
    code = {TARGET: contract("CALLER BALANCE 0 MSTORE 32 0 RETURN")}
    ran = run(fork, block, accounts | code)
    for sender, execution in zip(SENDERS, ran.executions, strict=False):
        assert ran.state.account(sender).balance == 10**9 - execution.gas_used * PRICE
        # While it runs, all of its gas is paid.
        assert int.from_bytes(execution.output, "big") == 10**9 - 90_000 * PRICE
    kept = PRICE - (BASE_FEE if fork in since("london") else 0)
    used = sum(execution.gas_used for execution in ran.executions)
    assert ran.state.account(COINBASE).balance == used * kept


@pytest.mark.parametrize("fork", FORKS)
def test_a_block_has_room_for_its_gas_limit(fork: str) -> None:
    """What counts is what those before have used, not what they asked for."""
    block = [
        transaction(0, NOBODY, gas=100_000),
        transaction(1, NOBODY, gas=79_001),
        transaction(2, NOBODY, gas=79_000),
        transaction(3, NOBODY, gas=58_001),
        transaction(4, NOBODY, gas=58_000),
    ]
    accounts = THERE | {sender: Account(10**9) for sender in SENDERS}
    reasons = run(fork, block, accounts, gas_limit=100_000).reasons
    assert reasons == (None, "gas_above_block", None, "gas_above_block", None)


@pytest.mark.parametrize("fork", FORKS)
def test_what_a_transaction_costs_at_least(fork: str) -> None:
    byte = 16 if fork in since("istanbul") else 68
    for data, price in ((b"", GAS), (b"\0", GAS + 4), (b"\1\0\1", GAS + 4 + 2 * byte)):
        floor = GAS + 10 * (data.count(0) + 4 * (len(data) - data.count(0)))  # EIP-7623
        price = max(price, floor) if fork == "osaka" else price
        block = [
            transaction(0, NOBODY, gas=price, data=data),
            transaction(1, NOBODY, gas=price - 1, data=data),
        ]
        ran = run(fork, block, THERE)
        assert ran.reasons[0] is None
        assert ran.reasons[1] in ("intrinsic_gas", "floor_gas")
        assert ran.outcomes[0].value.gas_used == price


@pytest.mark.parametrize("fork", since("frontier"))
def test_a_transaction_to_itself_moves_nothing_but_the_fee(fork: str) -> None:
    accounts = {SENDERS[0]: Account(10**9)}
    ran = run(fork, [transaction(0, SENDERS[0], value=10**8)], accounts)
    used = ran.executions[0].gas_used
    assert ran.state.account(SENDERS[0]) == Account(10**9 - used * PRICE, 1)


@pytest.mark.parametrize("fork", [*before("homestead"), "byzantium", "osaka"])
def test_a_beneficiary_may_send_and_pays_itself(fork: str) -> None:
    kept = PRICE - (BASE_FEE if fork in since("london") else 0)
    block = [
        transaction(0, NOBODY, value=3),
        transaction(1, NOBODY),
        transaction(0, NOBODY, nonce=1),
    ]
    accounts = THERE | {SENDERS[0]: Account(10**9), SENDERS[1]: Account(10**9)}
    ran = run(fork, block, accounts, coinbase=Address(SENDERS[0]))
    fees = 2 * GAS * PRICE - 3 * GAS * kept
    assert ran.state.account(SENDERS[0]).balance == 10**9 - 3 - fees
