"""EIP-1559 (London): a base fee that is burnt and follows how full blocks are, and tips."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import Address
from tests.eips.rules import BANK, before, numbers, refusal_after, run, since
from tests.evm.world_blocks import COINBASE, NOBODY, SENDERS, contract, transaction

from blockstm.ethereum import Reason
from blockstm.state.accounts import Account

TELLS = Address(b"\x11" * 20)
FORKS = since("london")
FEE = {"base_fee_per_gas": 100}


def dynamic(sender: int, to: Any, cap: int, tip: int, **members: Any) -> Any:
    """A transaction of type 2."""
    prices = {"max_fee_per_gas": cap, "max_priority_fee_per_gas": tip}
    return transaction(sender, to, type=2, **prices, **members)


# ------------------------------------------------------------------------ what a transaction pays


# Cap, tip → what a gas costs the sender, what of it the coinbase gets; the base fee is 100.
PRICES = [
    (100, 0, 100, 0),
    (100, 100, 100, 0),
    (110, 3, 103, 3),
    (110, 10, 110, 10),
    (110, 60, 110, 10),
]


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(("cap", "tip", "price", "kept"), PRICES)
def test_a_sender_pays_base_fee_and_tip(
    fork: str, cap: int, tip: int, price: int, kept: int
) -> None:
    """The base fee is burnt. GASPRICE is what the sender pays; a legacy price is cap and tip."""
    funds = 10**9
    rich = {sender: Account(funds) for sender in SENDERS[:2]}
    block = [dynamic(0, TELLS, cap, tip), transaction(1, TELLS, gas_price=cap)]
    ran = run(fork, block, {TELLS: contract("GASPRICE 0 MSTORE 32 0 RETURN"), **rich}, **FEE)
    modern, legacy = ran.executions
    assert numbers(modern.output + legacy.output) == [price, cap]
    assert ran.state.account(SENDERS[0]).balance == funds - modern.gas_used * price
    assert ran.state.account(SENDERS[1]).balance == funds - legacy.gas_used * cap
    coinbase = ran.state.account(COINBASE)
    tips = modern.gas_used * kept + legacy.gas_used * (cap - 100)
    assert (coinbase.balance if coinbase else 0) == tips


@pytest.mark.parametrize("fork", FORKS)
def test_who_may_send(fork: str) -> None:
    """The whole cap must be owned, though only the price is paid."""
    gas = 21_000
    owns = {
        SENDERS[0]: Account(gas * 200 + 5),
        SENDERS[1]: Account(gas * 200 + 4),
        NOBODY: Account(1),
    }
    block = [
        dynamic(0, NOBODY, 200, 0, gas=gas, value=5),
        dynamic(1, NOBODY, 200, 0, gas=gas, value=5),
        dynamic(2, NOBODY, 99, 0),
        dynamic(3, NOBODY, 110, 111),
        transaction(4, NOBODY, gas_price=99),
        transaction(5, NOBODY, gas_price=100),
    ]
    assert run(fork, block, owns, **FEE).reasons == (
        None,
        "insufficient_funds",
        "fee_cap_below_base_fee",
        "priority_fee_above_fee_cap",
        "fee_cap_below_base_fee",
        None,
    )


@pytest.mark.parametrize("fork", before("london"))
def test_there_was_no_type_2(fork: str) -> None:
    ran = run(fork, [transaction(1, NOBODY), dynamic(0, NOBODY, 200, 0)], {NOBODY: Account(1)})
    assert ran.reasons == (None, "type_not_supported")
    assert ran.state.account(BANK).nonce == 2  # who would have paid it was funded


# --------------------------------------------------------------------------- what a header says


TARGET = 15_000_000


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(
    ("fee", "used", "expected"),
    [
        (1_000, TARGET, 1_000),
        (1_000, 2 * TARGET, 1_125),
        (1_000, 0, 875),
        (1_000, TARGET + 1, 1_001),  # at least one more
        (1_000, TARGET - 1, 1_000),
        (1_000, TARGET * 3 // 2, 1_062),
        (7, 0, 7),  # an eighth of 7 is nothing
        (8, 0, 7),
        (0, 2 * TARGET, 1),
        (10**18, TARGET + 1_000, 10**18 + 10**18 * 1_000 // TARGET // 8),
    ],
)
def test_the_base_fee_follows_its_parent(fork: str, fee: int, used: int, expected: int) -> None:
    parent = {"base_fee_per_gas": fee, "gas_limit": 2 * TARGET, "gas_used": used}
    work = {"difficulty": 131_072 if fork == "london" else 0}
    given = {"gas_limit": 2 * TARGET, **work}
    for base_fee, reason in ((expected, None), (expected + 1, Reason.BASE_FEE)):
        assert refusal_after(fork, parent, base_fee_per_gas=base_fee, **given) is reason
