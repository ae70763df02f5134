"""Yellow Paper, section 6: what is given back and what is gone when a transaction ends."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import TARGET, before, by_fork, call, run, since, word
from tests.evm.world_blocks import COINBASE, SENDERS, contract, number_of, transaction

from blockstm.state.accounts import Account

HEIR, OTHER = Address(b"\xab" * 20), Address(b"\x11" * 20)
BURNS = "0x20000 0 KECCAK256"  # 62,000 gas: half of all that is spent is more than any refund here
KILLS = f"{number_of(HEIR):#x} SELFDESTRUCT"
UNTIL_CANCUN = since("frontier", until="cancun")  # what came after: EIP-6780


# -------------------------------------------------------------------------------------- refunds


@pytest.mark.parametrize(
    ("fork", "refund"), by_fork(until="amsterdam", frontier=15_000, london=4_800)
)
def test_a_slot_that_is_cleared(fork: str, refund: int) -> None:
    """EIP-3529 made it less."""
    storage = dict.fromkeys(range(3), 1)
    called = call(fork, f"0 0 SSTORE {BURNS}", storage=storage, gas=900_000)
    assert called.refund == refund
    assert called.state.account(TARGET).storage == {1: 1, 2: 1}
    twice = call(fork, f"0 0 SSTORE 0 1 SSTORE {BURNS}", storage=storage, gas=900_000)
    assert twice.refund == 2 * refund
    undone = {OTHER: contract("0 0 SSTORE INVALID", storage={0: 1})}
    source = f"0 0 0 0 0 {number_of(OTHER):#x} 50000 CALL {BURNS}"
    assert call(fork, source, accounts=undone, gas=900_000).refund == 0


@pytest.mark.parametrize(("fork", "refund"), by_fork(frontier=24_000, london=0))
def test_a_contract_that_destroys_itself(fork: str, refund: int) -> None:
    """Once for each contract, however often; none since EIP-3529."""
    there = {OTHER: contract(KILLS), HEIR: Account(1)}
    kills = f"0 0 0 0 0 {number_of(OTHER):#x} 50000 CALL POP"
    for source in (kills, f"{kills} {kills}"):
        called = call(fork, f"{source} {BURNS}", accounts=there, gas=900_000)
        assert called.refund == refund


@pytest.mark.parametrize(("fork", "part"), by_fork(until="amsterdam", frontier=2, london=5))
def test_no_more_than_a_part_of_what_was_spent(fork: str, part: int) -> None:
    """A half until EIP-3529, a fifth since; rounded down."""
    clears = " ".join(f"0 {slot} SSTORE" for slot in range(9))
    called = call(fork, clears, storage=dict.fromkeys(range(9), 1))
    spent = called.execution.gas_before_refund
    assert called.refund == spent // part
    assert called.execution.gas_used == spent - spent // part
    # And the price of what was given back is not paid: neither by the sender, nor to the coinbase.
    assert called.state.account(SENDERS[0]).balance == (400_000 - called.execution.gas_used) * 10


@pytest.mark.parametrize("fork", since("frontier"))
def test_a_transaction_that_fails_gives_nothing_back(fork: str) -> None:
    called = call(fork, f"0 0 SSTORE {BURNS} INVALID", storage={0: 1}, gas=900_000)
    assert called.execution.gas_used == 900_000
    assert called.state.account(TARGET).storage == {0: 1}


# -------------------------------------------------------------------------------- selfdestructs


@pytest.mark.parametrize("fork", UNTIL_CANCUN)
def test_its_ether_goes_at_once_and_the_rest_when_the_transaction_ends(fork: str) -> None:
    tells = contract(
        f"0 0 0 0 0 {number_of(OTHER):#x} 90000 CALL POP "
        f"{number_of(OTHER):#x} BALANCE 0 MSTORE {number_of(HEIR):#x} BALANCE 32 MSTORE "
        f"{number_of(OTHER):#x} EXTCODESIZE 64 MSTORE 96 0 RETURN"
    )
    dies = contract(f"1 7 SSTORE {KILLS} 1 8 SSTORE", 5, {7: 3})
    block = [transaction(sender, TARGET) for sender in (0, 1)]
    ran = run(fork, block, {TARGET: tells, OTHER: dies})
    size = len(dies.code)
    found = [
        [int.from_bytes(each.output[at : at + 32], "big") for at in (0, 32, 64)]
        for each in ran.executions
    ]
    assert found == [[0, 5, size], [0, 5, 0]]
    # The second call made an empty account of it, until EIP-161.
    gone = Account() if fork in before("spurious_dragon") else None
    assert ran.state.account(OTHER) == gone
    assert ran.state.account(HEIR).balance == 5


@pytest.mark.parametrize("fork", UNTIL_CANCUN)
def test_who_inherits_itself_burns_it(fork: str) -> None:
    called = call(fork, "ADDRESS SELFDESTRUCT", balance=5, value=2)
    assert called.state.account(TARGET) is None


@pytest.mark.parametrize("fork", UNTIL_CANCUN)
def test_what_it_is_paid_afterwards_in_the_same_transaction_is_burnt(fork: str) -> None:
    pays = f"0 0 0 0 3 {number_of(OTHER):#x} 90000 CALL POP"
    dies = contract("CALLVALUE @end JUMPI ADDRESS SELFDESTRUCT end: STOP", 5)
    asks = f"0 0 0 0 0 {number_of(OTHER):#x} 90000 CALL POP {pays}"
    called = call(fork, asks, accounts={OTHER: dies}, balance=9)
    assert called.state.account(OTHER) is None
    assert called.state.account(TARGET).balance == 6


@pytest.mark.parametrize("fork", UNTIL_CANCUN)
def test_a_frame_that_fails_above_it_takes_it_back(fork: str) -> None:
    dies = contract(KILLS, 5, {7: 3})
    fails = contract(f"0 0 0 0 0 {number_of(OTHER):#x} 90000 CALL INVALID")
    asks = f"0 0 0 0 0 {number_of(COINBASE):#x} 200000 CALL"
    called = call(fork, asks, accounts={OTHER: dies, COINBASE: fails})
    assert called.state.account(OTHER) == dies
    assert called.state.account(HEIR) is None


@pytest.mark.parametrize("fork", UNTIL_CANCUN)
def test_transactions_after_it_find_nobody_and_may_pay_a_new_account(fork: str) -> None:
    dies = contract(f"CALLDATASIZE @end JUMPI {KILLS} end: STOP", 5, {7: 3})
    block = [
        transaction(0, OTHER, value=1, data=b"\x01"),
        transaction(1, OTHER),
        transaction(2, OTHER, value=4),
        transaction(3, OTHER, value=4, data=b"\x01"),
    ]
    ran = run(fork, block, {OTHER: dies})
    assert ran.state.account(OTHER) == Account(8)
    assert ran.state.account(HEIR).balance == 6
    assert word(fork, f"{number_of(OTHER):#x} EXTCODESIZE", accounts={OTHER: dies}) > 0
