"""EIP-161 (Spurious Dragon): no empty accounts: none is made, and those that are touched go.

From Paris on there are none in any state (EIP-7523), and nothing is said of what becomes of them.
"""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import (
    TARGET,
    before,
    by_fork,
    call,
    created_by,
    gas,
    run,
    since,
)
from tests.evm.world_blocks import BASE_FEE, COINBASE, SENDERS, contract, number_of, transaction

from blockstm.state.accounts import Account

EMPTY, NOWHERE, OTHER = (Address(bytes([byte]) * 20) for byte in (0xE0, 0xAB, 0x11))
RIPEMD160 = Address((3).to_bytes(20, "big"))
EMPTIES = {EMPTY: Account()}


def at(address: bytes) -> str:
    return f"{number_of(address):#x}"


def call_of(address: bytes, value: int = 0, opcode: str = "CALL") -> str:
    return f"0 0 0 0 {value} {at(address)} 20000 {opcode} POP"


# ------------------------------------------------------------------- a. the nonce of what is made


@pytest.mark.parametrize(("fork", "nonce"), by_fork(frontier=0, spurious_dragon=1))
def test_a_contract_begins_with_nonce_1(fork: str, nonce: int) -> None:
    """By transaction and by CREATE; what its initcode creates stands at an address of its nonce."""
    inner = "600060006000f000"  # 0 0 0 CREATE STOP
    source = f"0x{inner} 0 MSTORE 8 24 0 CREATE"
    called = call(fork, source, gas=1_500_000)
    child = created_by(TARGET, 1)
    grandchild = created_by(child, nonce)
    state = called.state
    assert (state.account(child).nonce, state.account(grandchild).nonce) == (nonce + 1, nonce)

    ran = run(fork, [transaction(0, None, gas=1_500_000, data=bytes.fromhex(inner))])
    child = created_by(SENDERS[0], 0)
    assert ran.state.account(child).nonce == nonce + 1
    assert ran.state.account(created_by(child, nonce)).nonce == nonce


# --------------------------------------------------------------------------- b. what 25,000 buy


# Beside the price of a call, where nothing is sent and where one wei is (9,000 less the stipend,
# which the callee does not use).
CALL_PRICE = {"frontier": 40, "tangerine_whistle": 700, "berlin": 2_600}
NEW, VALUE = 25_000, 6_700


@pytest.mark.parametrize(("fork", "price"), by_fork(until="amsterdam", **CALL_PRICE))
def test_calls_pay_for_what_they_revive(fork: str, price: int) -> None:
    operands = 7 * 3 + 2
    is_old = fork in before("spurious_dragon")

    def paid(address: bytes, value: int, opcode: str = "CALL") -> int:
        source = call_of(address, value, opcode)
        accounts = EMPTIES | {OTHER: Account(1)}
        return gas(fork, source, balance=1, accounts=accounts) - operands - price

    assert paid(OTHER, 0) == 0
    assert paid(OTHER, 1) == VALUE
    assert paid(NOWHERE, 0) == (NEW if is_old else 0)
    assert paid(NOWHERE, 1) == NEW + VALUE
    assert paid(EMPTY, 0) == 0
    assert paid(EMPTY, 1) == (VALUE if is_old else NEW + VALUE)  # dead is as good as absent
    assert paid(NOWHERE, 1, "CALLCODE") == VALUE  # which creates nobody


@pytest.mark.parametrize(
    ("fork", "price"),
    by_fork(until="amsterdam", frontier=0, tangerine_whistle=5_000, berlin=7_600),
)
def test_selfdestructs_pay_for_what_they_revive(fork: str, price: int) -> None:
    new = 0 if price == 0 else NEW
    is_old = fork in before("spurious_dragon")

    def paid(address: bytes, balance: int) -> int:
        return gas(fork, f"{at(address)} SELFDESTRUCT", balance=balance, accounts=EMPTIES) - 3

    assert paid(NOWHERE, 0) == price + (new if is_old else 0)
    assert paid(NOWHERE, 1) == price + new
    assert paid(EMPTY, 0) == price
    assert paid(EMPTY, 1) == price + (0 if is_old else new)


# ----------------------------------------------------- c. nothing comes into being, d. all goes


# What touches an account without giving it anything.
TOUCHES = {
    "CALL": call_of(EMPTY),
    "CALL without gas": f"0 0 0 0 0 {at(EMPTY)} 0 CALL",
    "SELFDESTRUCT": f"{at(EMPTY)} SELFDESTRUCT",
}
LOOKS = {
    "BALANCE": f"{at(EMPTY)} BALANCE",
    "EXTCODESIZE": f"{at(EMPTY)} EXTCODESIZE",
    "EXTCODECOPY": f"1 0 0 {at(EMPTY)} EXTCODECOPY",
    "CALLCODE": call_of(EMPTY, opcode="CALLCODE"),
    "CALL that is taken back": f"{call_of(EMPTY)} INVALID",
    "CALL without the funds": call_of(EMPTY, value=10**30),
}


@pytest.mark.parametrize("fork", since("frontier"))
@pytest.mark.parametrize("name", TOUCHES)
def test_no_account_comes_into_being_empty(fork: str, name: str) -> None:
    made = Account() if fork in before("spurious_dragon") else None
    assert call(fork, TOUCHES[name]).state.account(EMPTY) == made


@pytest.mark.parametrize("fork", since("frontier", until="paris"))
@pytest.mark.parametrize("name", TOUCHES)
def test_what_is_touched_and_empty_goes(fork: str, name: str) -> None:
    kept = Account() if fork in before("spurious_dragon") else None
    assert call(fork, TOUCHES[name], accounts=EMPTIES).state.account(EMPTY) == kept


@pytest.mark.parametrize("fork", since("frontier", until="paris"))
@pytest.mark.parametrize("name", LOOKS)
def test_what_is_only_looked_at_stays(fork: str, name: str) -> None:
    assert call(fork, LOOKS[name], accounts=EMPTIES).state.account(EMPTY) == Account()
    assert call(fork, LOOKS[name]).state.account(EMPTY) is None


@pytest.mark.parametrize(("fork", "kept"), by_fork(frontier=Account(), spurious_dragon=None))
def test_a_transaction_touches_whom_it_calls(fork: str, kept: Account | None) -> None:
    accounts = EMPTIES if fork in before("paris") else {}
    block = [transaction(0, EMPTY), transaction(1, NOWHERE), transaction(2, EMPTY, value=1)]
    ran = run(fork, block[:2], accounts)
    assert (ran.state.account(EMPTY), ran.state.account(NOWHERE)) == (kept, kept)
    assert run(fork, block, accounts).state.account(EMPTY) == Account(1)


@pytest.mark.parametrize(("fork", "kept"), by_fork(frontier=Account(), spurious_dragon=None))
def test_a_fee_of_nothing_touches_the_beneficiary(fork: str, kept: Account | None) -> None:
    """The sender stands in the state: a payment of the bank would leave a fee."""
    price = BASE_FEE if fork in since("london") else 0
    there = {SENDERS[0]: Account(10**18), OTHER: Account(1)}
    for accounts in (there, there | {COINBASE: Account()})[: 1 + (fork in before("paris"))]:
        ran = run(fork, [transaction(0, OTHER, gas_price=price)], accounts)
        assert ran.state.account(COINBASE) == kept


@pytest.mark.parametrize("fork", since("spurious_dragon", until="paris"))
def test_an_account_goes_and_comes_back_within_a_block(fork: str) -> None:
    """Each transaction sees what the one before it left: a payment makes the account anew."""
    tells = f"{at(EMPTY)} BALANCE 0 MSTORE 32 0 RETURN"
    block = [
        transaction(0, EMPTY),
        transaction(1, OTHER),
        transaction(2, EMPTY, value=4),
        transaction(3, OTHER),
        transaction(4, EMPTY),
    ]
    ran = run(fork, block, EMPTIES | {OTHER: contract(tells)})
    balances = [int.from_bytes(ran.executions[place].output, "big") for place in (1, 3)]
    assert balances == [0, 4]
    assert ran.state.account(EMPTY) == Account(4)


@pytest.mark.parametrize("fork", since("spurious_dragon", until="berlin"))
def test_ripemd_goes_though_its_call_ran_out_of_gas(fork: str) -> None:
    """Yellow Paper, appendix K: as one account did in mainnet's block 2,675,119."""
    source = f"0 0 0 0 0 {at(RIPEMD160)} 0 CALL"  # it asks for 600
    there = {RIPEMD160: Account(), EMPTY: Account()}
    assert call(fork, source, accounts=there).state.account(RIPEMD160) is None
    failing = f"{source} {call_of(EMPTY)} INVALID"
    after = call(fork, failing, accounts=there).state
    assert after.account(RIPEMD160) is None
    assert after.account(EMPTY) == Account()
