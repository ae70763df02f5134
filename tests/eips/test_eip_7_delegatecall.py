"""EIP-7 (Homestead): DELEGATECALL runs another's code for who called, sender and value kept."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import TARGET, by_fork, call, error, numbers, since
from tests.evm.world_blocks import SENDERS, contract, number_of

LIBRARY = Address(b"\x11" * 20)
DELEGATE = f"0 0 0 0 {number_of(LIBRARY):#x} 300000 DELEGATECALL"


def library(source: str) -> dict[Address, object]:
    return {LIBRARY: contract(source, balance=9)}


@pytest.mark.parametrize("fork", since("homestead"))
def test_sender_value_and_account_are_the_callers(fork: str) -> None:
    there = library("""
        1 7 SLOAD ADD 7 SSTORE
        CALLER 0 MSTORE CALLVALUE 32 MSTORE ADDRESS 64 MSTORE 96 0 RETURN
    """)
    source = f"96 0 0 0 {number_of(LIBRARY):#x} 100000 DELEGATECALL 96 MSTORE 128 0 RETURN"
    called = call(fork, source, accounts=there, storage={7: 40}, value=3)
    seen = numbers(called.execution.output)
    assert seen == [number_of(SENDERS[0]), 3, number_of(TARGET), 1]
    after = called.state.account
    assert after(TARGET).storage == {7: 41}
    assert (after(LIBRARY).storage, after(LIBRARY).balance) == ({}, 9)
    assert after(TARGET).balance == 3


@pytest.mark.parametrize("fork", since("homestead"))
def test_a_delegate_creates_and_logs_as_the_caller(fork: str) -> None:
    called = call(fork, DELEGATE, accounts=library("0 0 LOG0 0 0 0 CREATE"), gas=600_000)
    assert [log.address for log in called.execution.logs if not log.topics] == [TARGET]
    assert called.state.account(TARGET).nonce == 2
    assert called.state.account(LIBRARY).nonce == 1


@pytest.mark.parametrize(
    ("fork", "price"),
    by_fork(homestead=40, tangerine_whistle=700, berlin=2_600, amsterdam=3_000),
)
def test_price(fork: str, price: int) -> None:
    """No stipend, no value, no new account: the price of a call and nothing else."""
    called = call(fork, DELEGATE, accounts=library("STOP"), value=1)
    assert called.gas == 6 * 3 + price
    nobody = call(fork, DELEGATE, value=1)
    assert nobody.gas == 6 * 3 + price
    assert nobody.state.account(LIBRARY) is None


@pytest.mark.parametrize("fork", since("homestead"))
def test_a_value_that_is_spent_is_still_seen(fork: str) -> None:
    """Nothing is paid, so nothing need be there: the caller has passed on what it was sent."""
    source = f"""
        0 0 0 0 3 {number_of(SENDERS[1]):#x} 0 CALL POP
        32 0 0 0 {number_of(LIBRARY):#x} 100000 DELEGATECALL 32 MSTORE 64 0 RETURN
    """
    there = library("CALLVALUE 0 MSTORE 32 0 RETURN")
    called = call(fork, source, accounts=there, value=3)
    assert numbers(called.execution.output) == [3, 1]
    assert called.state.account(TARGET).balance == 0


@pytest.mark.parametrize("fork", since("homestead"))
def test_there_is_no_stipend(fork: str) -> None:
    source = f"0 0 0 0 {number_of(LIBRARY):#x} 5 DELEGATECALL 0 MSTORE 32 0 RETURN"
    for code, succeeded in (("1 STOP", 1), ("1 2 STOP", 0)):  # 3 gas, and 6
        assert call(fork, source, accounts=library(code), value=1).word == succeeded


def test_there_was_no_delegatecall() -> None:
    assert error("frontier", DELEGATE, accounts=library("STOP")) == "invalid opcode"
