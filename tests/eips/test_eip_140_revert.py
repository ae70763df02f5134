"""EIP-140 (Byzantium): REVERT takes back what was done, keeps the gas and says why."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import TARGET, before, by_fork, call, error, gas, numbers, since
from tests.evm.world_blocks import contract, number_of

CALLEE = Address(b"\x11" * 20)
CALLS = f"0 0 0 0 0 {number_of(CALLEE):#x} 90000 CALL"
# The EIP's example: it stores "reverted data" at 0, then reverts with "revert message".
EXAMPLE = bytes.fromhex(
    "6c726576657274656420646174616000557f726576657274206d6573736167650000"
    "00000000000000000000000000000000600052600e6000fd"
)


@pytest.mark.parametrize(
    ("fork", "price"),
    by_fork(byzantium=20_024, istanbul=20_024, berlin=22_124, amsterdam=12_124),
)
def test_the_example(fork: str, price: int) -> None:
    """A cold slot costs 2,100 more from Berlin on; from Amsterdam on growth is paid apart."""
    called = call(fork, EXAMPLE)
    assert not called.execution.succeeded
    assert called.execution.error == "reverted"
    assert called.execution.output.hex() == "726576657274206d657373616765"
    assert called.gas == price
    assert called.state.account(TARGET).storage == {}


@pytest.mark.parametrize("fork", since("byzantium"))
def test_who_called_has_the_message_and_the_rest_of_the_gas(fork: str) -> None:
    there = {CALLEE: contract("0xabcdef 0 MSTORE 0 0 LOG0 1 5 SSTORE 2 30 REVERT", balance=1)}
    source = f"""
        64 0 MSTORE
        32 100 0 0 0 {number_of(CALLEE):#x} 250000 CALL
        0 MSTORE RETURNDATASIZE 32 MSTORE
        2 0 64 RETURNDATACOPY
        128 0 RETURN
    """
    called = call(fork, source, accounts=there, gas=500_000)
    succeeded, size, message, _ = numbers(called.execution.output)
    assert (succeeded, size, message >> 240) == (0, 2, 0xCDEF)
    assert called.execution.output[100:102] == b"\xcd\xef"  # and in the room for the output
    assert called.gas < 60_000  # not the 250,000 that it was given
    assert [log for log in called.execution.logs if log.address == CALLEE] == []
    assert called.state.account(CALLEE).storage == {}


@pytest.mark.parametrize("fork", since("byzantium"))
def test_a_creation_that_reverts_says_why_and_leaves_nothing(fork: str) -> None:
    revert = int.from_bytes(bytes.fromhex("60ff600053600160 00fd"), "big")  # reverts with 0xff
    source = f"""
        {revert} 0 MSTORE 10 22 0 CREATE
        0 MSTORE RETURNDATASIZE 32 MSTORE
        1 0 64 RETURNDATACOPY 96 0 RETURN
    """
    called = call(fork, source, gas=600_000)
    assert numbers(called.execution.output) == [0, 1, 0xFF << 248]
    assert called.state.account(TARGET).nonce == 2  # the nonce is not taken back


@pytest.mark.parametrize("fork", since("byzantium"))
def test_memory_is_paid_as_by_return(fork: str) -> None:
    def spent(source: str) -> int:
        return call(fork, source).gas

    assert spent("0 0 REVERT") == 6
    assert spent("1 0 REVERT") == 6 + 3
    assert spent("33 1024 REVERT") == 6 + 3 * 34 + 34 * 34 // 512
    assert spent("0 0xffffffffffffffffffffffff REVERT") == 6  # nothing of anywhere is nothing


@pytest.mark.parametrize("fork", since("byzantium"))
def test_without_gas_or_operands_it_takes_all(fork: str) -> None:
    assert error(fork, "REVERT") == "stack underflow"
    assert error(fork, "0 REVERT") == "stack underflow"
    for source in ("REVERT", "0xffffffffffff 0 REVERT"):
        assert call(fork, source, gas=100_000).execution.gas_used == 100_000


@pytest.mark.parametrize("fork", before("byzantium"))
def test_there_was_no_revert(fork: str) -> None:
    called = call(fork, EXAMPLE, gas=100_000)
    assert called.execution.error == "invalid opcode"
    assert called.execution.gas_used == 100_000
    assert called.execution.output == b""


@pytest.mark.parametrize(("fork", "fate"), by_fork(frontier="invalid opcode", byzantium="reverted"))
def test_a_failure_is_no_revert(fork: str, fate: str) -> None:
    """INVALID takes all gas in every fork (EIP-141); the next transaction goes on as before."""
    assert error(fork, "0 0 REVERT") == fate
    assert gas(fork, CALLS, accounts={CALLEE: contract("INVALID")}, gas=500_000) > 90_000
