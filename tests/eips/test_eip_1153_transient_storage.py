"""EIP-1153 (Cancun): storage that lasts as long as a transaction."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import TARGET, answers, before, call, error, gas, numbers, run, since, word
from tests.evm.world_blocks import contract, number_of, transaction

OTHER = Address(b"\x11" * 20)
FORKS = since("cancun")


def calls(opcode: str = "CALL", gas: int = 50_000) -> str:
    value = "0 " if opcode in ("CALL", "CALLCODE") else ""
    return f"0 0 0 0 {value}{number_of(OTHER):#x} {gas} {opcode} POP"


def other(source: str) -> dict[Address, object]:
    return {OTHER: contract(source)}


@pytest.mark.parametrize("fork", FORKS)
def test_prices(fork: str) -> None:
    """100 each, whatever was there: no cold access, no refund."""
    assert gas(fork, "7 TLOAD") == 3 + 100
    assert gas(fork, "7 TLOAD 7 TLOAD") == 2 * (3 + 100)
    assert gas(fork, "5 7 TSTORE") == 3 + 3 + 100
    cleared = call(fork, "5 7 TSTORE 0 7 TSTORE 6 7 TSTORE 0 7 TSTORE")
    assert (cleared.gas, cleared.refund) == (4 * 106, 0)


@pytest.mark.parametrize("fork", FORKS)
def test_what_is_stored_is_loaded(fork: str) -> None:
    great = 2**256 - 1
    sources = ["7 TLOAD", f"{great} {great} TSTORE {great} TLOAD", "0 TLOAD", f"{great} TLOAD"]
    assert answers(fork, sources) == [0, great, 0, great]
    assert word(fork, "5 7 TSTORE 6 7 TSTORE 7 TLOAD") == 6


@pytest.mark.parametrize("fork", FORKS)
def test_it_is_no_storage(fork: str) -> None:
    called = call(fork, "5 1 TSTORE 1 SLOAD 0 MSTORE 32 0 RETURN", storage={1: 9})
    assert called.word == 9
    assert called.state.account(TARGET).storage == {1: 9}


@pytest.mark.parametrize("fork", FORKS)
def test_it_is_gone_with_the_transaction(fork: str) -> None:
    """Whichever transaction a worker ran before: each finds nothing and counts to one."""
    counts = contract("0 TLOAD 1 ADD DUP1 0 TSTORE 0 MSTORE 32 0 RETURN")
    block = [transaction(sender % 4, TARGET, nonce=sender // 4) for sender in range(12)]
    ran = run(fork, block, {TARGET: counts})
    assert {execution.output for execution in ran.executions} == {bytes(31) + b"\x01"}


@pytest.mark.parametrize("fork", FORKS)
def test_a_first_store_that_is_taken_back_leaves_nothing(fork: str) -> None:
    """Nor what an earlier transaction had there."""
    source = """
        CALLDATASIZE @fails JUMPI 0 0 1 0 0 ADDRESS 50000 CALL POP
        0 TLOAD 0 MSTORE 9 1 TSTORE 9 2 TSTORE 32 0 RETURN
        fails: 7 0 TSTORE 0 0 REVERT
    """
    block = [transaction(sender, TARGET, nonce=nonce) for nonce in (0, 1) for sender in (0, 1, 2)]
    ran = run(fork, block, {TARGET: contract(source)})
    assert {execution.output for execution in ran.executions} == {bytes(32)}


@pytest.mark.parametrize("fork", FORKS)
def test_frames_of_one_account_share_it_and_others_do_not(fork: str) -> None:
    deeper = other("7 TLOAD 1 ADD 7 TSTORE")
    assert word(fork, f"5 7 TSTORE {calls('DELEGATECALL')} 7 TLOAD", accounts=deeper) == 6
    assert word(fork, f"5 7 TSTORE {calls('CALLCODE')} 7 TLOAD", accounts=deeper) == 6
    assert word(fork, f"5 7 TSTORE {calls()} 7 TLOAD", accounts=deeper) == 5
    tells = other("7 TLOAD DUP1 1 ADD 7 TSTORE 0 MSTORE 32 0 RETURN")
    source = f"{calls()} {calls()} 32 0 0 0 0 {number_of(OTHER):#x} 50000 CALL POP 0 MLOAD"
    assert word(fork, source, accounts=tells) == 2  # its own outlives its frames


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("ending", ["0 0 REVERT", "INVALID"])
def test_a_frame_that_fails_takes_back_its_own_and_what_was_below_it(
    fork: str, ending: str
) -> None:
    """OTHER calls back, the callback stores and succeeds, OTHER fails."""
    back = f"""
        CALLER {number_of(OTHER):#x} EQ @called_back JUMPI
        5 7 TSTORE {calls()} 7 TLOAD 0 MSTORE 8 TLOAD 32 MSTORE 64 0 RETURN
        called_back: 6 7 TSTORE 9 8 TSTORE STOP
    """
    deeper = other(f"0 0 0 0 0 {number_of(TARGET):#x} 30000 CALL POP {ending}")
    called = call(fork, back, accounts=deeper)
    assert numbers(called.execution.output) == [5, 0]


@pytest.mark.parametrize("fork", FORKS)
def test_a_static_call_loads_and_does_not_store(fork: str) -> None:
    asks = f"32 0 0 0 {number_of(OTHER):#x} 50000 STATICCALL"
    assert word(fork, asks, accounts=other("7 TLOAD")) == 1
    stores = call(fork, f"{asks} 0 MSTORE 32 0 RETURN", accounts=other("5 7 TSTORE"))
    assert stores.word == 0
    assert stores.gas > 50_000
    # A static call of code that runs for the caller loads what the caller has stored.
    assert word(fork, f"5 7 TSTORE {calls('DELEGATECALL')} 7 TLOAD", accounts=other("7 TLOAD")) == 5


@pytest.mark.parametrize("fork", FORKS)
def test_the_stipend_is_enough_for_a_store(fork: str) -> None:
    """Unlike SSTORE, which asks for more than 2,300 (EIP-2200)."""
    pays = f"0 0 0 0 1 {number_of(OTHER):#x} 0 CALL"
    assert word(fork, pays, accounts=other("5 7 TSTORE"), balance=1) == 1
    assert word(fork, pays, accounts={OTHER: contract("5 7 SSTORE", 0, {7: 5})}, balance=1) == 0


@pytest.mark.parametrize("fork", FORKS)
def test_a_contract_that_destroys_itself_keeps_it_until_the_transaction_ends(fork: str) -> None:
    kills = other(
        "CALLDATASIZE @kill JUMPI 7 TLOAD 0 MSTORE 32 0 RETURN kill: 5 7 TSTORE CALLER SELFDESTRUCT"
    )
    at = f"{number_of(OTHER):#x}"
    source = f"0 0 1 0 0 {at} 50000 CALL POP 32 0 0 0 0 {at} 50000 CALL POP 32 0 RETURN"
    block = [transaction(0, TARGET), transaction(1, OTHER), transaction(2, TARGET)]
    ran = run(fork, block, kills | {TARGET: contract(source)})
    found = [numbers(execution.output) for execution in ran.executions]
    assert found == [[5], [0], [5]]


@pytest.mark.parametrize("fork", before("cancun"))
def test_there_was_no_transient_storage(fork: str) -> None:
    assert error(fork, "0 TLOAD") == "invalid opcode"
    assert error(fork, "0 0 TSTORE") == "invalid opcode"
