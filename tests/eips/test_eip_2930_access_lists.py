"""EIP-2930 (Berlin): transactions of type 1 list what they will access, and pay in advance."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import TARGET, call, run, since
from tests.evm.world_blocks import NOBODY, SENDERS, contract, transaction

from blockstm.state.accounts import Account

OTHER = Address(b"\x0e" * 20)
AT = f"0x{OTHER.hex()}"
LISTED = since("berlin", until="amsterdam")  # EIP-7981 and EIP-8038 have other prices


@pytest.mark.parametrize("fork", LISTED)
@pytest.mark.parametrize(
    ("listed", "price"),
    [
        ((), 0),
        (((OTHER, ()),), 2_400),
        (((OTHER, (1,)),), 2_400 + 1_900),
        (((OTHER, (1, 2, 2**256 - 1)),), 2_400 + 3 * 1_900),
        (
            ((OTHER, (1, 1)), (OTHER, (1,))),
            2 * 2_400 + 3 * 1_900,
        ),  # twice, twice the price
    ],
)
def test_what_is_listed_costs(fork: str, listed: tuple[object, ...], price: int) -> None:
    block = [transaction(i, NOBODY, type=1, access_list=listed) for i in range(2)]
    assert [e.gas_used for e in run(fork, block).executions] == [21_000 + price] * 2
    least = transaction(0, NOBODY, type=1, access_list=listed, gas=21_000 + price)
    short = transaction(1, NOBODY, type=1, access_list=listed, gas=21_000 + price - 1)
    assert run(fork, [least, short]).reasons == (None, "intrinsic_gas")


@pytest.mark.parametrize("fork", since("berlin"))
def test_what_is_listed_is_warm(fork: str) -> None:
    def spent(source: str, *listed: object) -> int:
        return call(fork, source, type=1, access_list=listed).execution.gas_before_refund

    for source in (f"{AT} BALANCE", f"{AT} EXTCODEHASH"):
        saved = {"amsterdam": 2_900}.get(fork, 2_500)
        assert spent(source, (NOBODY, ())) - spent(source, (OTHER, ())) == saved
    slot = TARGET, (7,)
    assert spent("7 SLOAD", (TARGET, (8,))) - spent("7 SLOAD", slot) == 2_000
    assert spent("7 SLOAD", (OTHER, (7,))) - spent("7 SLOAD", slot) == 2_000
    assert spent("1 7 SSTORE", (TARGET, (8,))) - spent("1 7 SSTORE", slot) == {
        "amsterdam": 2_000
    }.get(fork, 2_100)


@pytest.mark.parametrize("fork", since("berlin"))
def test_a_list_holds_for_its_own_transaction_only(fork: str) -> None:
    accounts = {TARGET: contract("7 SLOAD 1 ADD 7 SSTORE", storage={7: 1})}
    listed = ((TARGET, (7,)),)
    lists = [(), listed, (), listed]
    block = [transaction(i, TARGET, type=1, access_list=each) for i, each in enumerate(lists)]
    ran = run(fork, block, accounts)
    spent = [execution.gas_before_refund for execution in ran.executions]
    assert spent[:2] == spent[2:]
    assert ran.state.account(TARGET).storage == {7: 5}


@pytest.mark.parametrize(
    ("fork", "reason"),
    [("frontier", "type_not_supported"), ("istanbul", "type_not_supported"), ("berlin", None)],
)
def test_there_was_no_type_1(fork: str, reason: str | None) -> None:
    sent = transaction(0, NOBODY, type=1, chain_id=1)
    legacy = transaction(1, NOBODY, value=1)
    ran = run(fork, [sent, legacy], {s: Account(10**18) for s in SENDERS[:2]})
    assert ran.reasons == (reason, None)
