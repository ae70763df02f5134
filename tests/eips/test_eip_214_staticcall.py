"""EIP-214 (Byzantium): a call in which nothing may change."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import answers, before, by_fork, call, error, since, word
from tests.evm.world_blocks import COINBASE, contract, number_of

CALLEE, DEEPER = Address(b"\x11" * 20), Address(b"\x22" * 20)
ASKS = f"0 0 0 0 {number_of(CALLEE):#x} 60000 STATICCALL"

# What changes the state, and the fork it came with.
CHANGES = {
    "1 0 SSTORE": "byzantium",
    "0 0 LOG0": "byzantium",
    "0 0 0 LOG1": "byzantium",
    "0 0 0 0 LOG2": "byzantium",
    "0 0 0 0 0 LOG3": "byzantium",
    "0 0 0 0 0 0 LOG4": "byzantium",
    "0 0 0 CREATE": "byzantium",
    "0 0 0 0 CREATE2": "constantinople",
    f"{number_of(COINBASE):#x} SELFDESTRUCT": "byzantium",
    f"0 0 0 0 1 {number_of(DEEPER):#x} 9000 CALL": "byzantium",
    "1 0 TSTORE": "cancun",
}
# What does not.
READS = {
    "0 SLOAD": "byzantium",
    f"{number_of(COINBASE):#x} BALANCE": "byzantium",
    f"0 0 0 0 0 {number_of(DEEPER):#x} 9000 CALL": "byzantium",
    f"0 0 0 0 1 {number_of(DEEPER):#x} 9000 CALLCODE": "byzantium",  # it pays itself
    f"0 0 0 0 {number_of(DEEPER):#x} 9000 DELEGATECALL": "byzantium",
    "0 TLOAD": "cancun",
}


def there(source: str) -> dict[Address, object]:
    return {
        CALLEE: contract(source, balance=5, storage={0: 9}),
        DEEPER: contract("STOP", balance=1),
    }


@pytest.mark.parametrize("fork", since("byzantium"))
@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_the_state_fails(fork: str, change: str) -> None:
    """And takes all gas that the call was given; in a plain call it does not."""
    called = call(fork, f"{ASKS} 0 MSTORE 32 0 RETURN", accounts=there(change), gas=500_000)
    assert called.word == 0
    assert called.gas > 60_000
    state = called.state
    assert (state.account(CALLEE).balance, state.account(CALLEE).storage) == (5, {0: 9})
    plain = f"0 0 0 0 0 {number_of(CALLEE):#x} 250000 CALL"
    has_it = fork in since(CHANGES[change])
    assert word(fork, plain, accounts=there(change), gas=500_000) == has_it


@pytest.mark.parametrize("fork", since("byzantium"))
def test_what_only_reads_may(fork: str) -> None:
    for source, first in READS.items():
        if fork in since(first):
            assert word(fork, ASKS, accounts=there(source)) == 1, source


@pytest.mark.parametrize("fork", since("byzantium"))
@pytest.mark.parametrize("opcode", ["CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"])
def test_calls_below_are_static_too_and_those_after_are_not(fork: str, opcode: str) -> None:
    value = "0" if opcode in ("CALL", "CALLCODE") else ""
    deeper = f"0 0 0 0 {value} {number_of(DEEPER):#x} 30000 {opcode}"
    accounts = {
        CALLEE: contract(f"{deeper} 0 MSTORE 32 0 RETURN"),
        DEEPER: contract("0 0 LOG0"),
    }
    static = f"32 0 0 0 {number_of(CALLEE):#x} 60000 STATICCALL POP 0 MLOAD"
    plain = f"32 0 0 0 0 {number_of(CALLEE):#x} 60000 CALL POP 0 MLOAD"
    found = answers(fork, [static, plain], accounts=accounts)
    assert found == [0, 0 if opcode == "STATICCALL" else 1]
    assert call(fork, f"{ASKS} POP 0 0 LOG0", accounts=accounts).execution.succeeded


@pytest.mark.parametrize("fork", since("byzantium"))
def test_a_creation_after_a_static_call_is_not_static(fork: str) -> None:
    """Its initcode stores a word."""
    creates = f"{ASKS} POP 0x60016000556000 0 MSTORE 7 25 0 CREATE ISZERO"
    assert word(fork, creates, accounts=there("STOP"), gas=900_000) == 0


@pytest.mark.parametrize(("fork", "price"), by_fork(byzantium=700, berlin=2_600, amsterdam=3_000))
def test_price(fork: str, price: int) -> None:
    assert call(fork, ASKS, accounts=there("STOP")).gas == 6 * 3 + price
    assert call(fork, ASKS).gas == 6 * 3 + price  # it makes no account


@pytest.mark.parametrize("fork", before("byzantium"))
def test_there_was_no_staticcall(fork: str) -> None:
    assert error(fork, ASKS) == "invalid opcode"
