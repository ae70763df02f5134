"""Yellow Paper, section 8 and appendix H: calls, what they carry, and where they end."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import TARGET, answers, by_fork, call, gas, numbers, run, since, word
from tests.evm.world_blocks import contract, number_of, transaction

CALLEE = Address(b"\x11" * 20)
AT = f"{number_of(CALLEE):#x}"
FORKS = ["frontier", "tangerine_whistle", "spurious_dragon", "berlin", "osaka"]


def there(source: str, **members: object) -> dict[Address, object]:
    return {CALLEE: contract(source, **{"balance": 1, **members})}


# ------------------------------------------------------------------------------- value and gas


@pytest.mark.parametrize("fork", FORKS)
def test_a_value_costs_9000_of_which_the_callee_gets_2300(fork: str) -> None:
    tells = there("GAS 0 MSTORE 32 0 RETURN")
    for opcode in ("CALL", "CALLCODE"):
        without, with_value = (
            call(
                fork,
                f"32 0 0 0 {value} {AT} 1000 {opcode} POP 32 0 RETURN",
                accounts=tells,
                balance=5,
            )
            for value in (0, 1)
        )
        assert without.word == 1_000 - 2
        assert with_value.word == 1_000 + 2_300 - 2
        assert with_value.gas - without.gas == 9_000 - 2_300


@pytest.mark.parametrize("fork", since("frontier"))
def test_the_stipend_is_enough_for_a_log_and_not_for_a_store(fork: str) -> None:
    pays = f"0 0 0 0 1 {AT} 0 CALL"
    assert word(fork, pays, accounts=there("0 0 LOG0"), balance=1) == 1
    assert word(fork, pays, accounts=there("1 0 SSTORE"), balance=1) == 0
    assert word(fork, f"0 0 0 0 0 {AT} 0 CALL", accounts=there("0 0 LOG0")) == 0


@pytest.mark.parametrize("fork", FORKS)
def test_a_call_without_the_funds_gives_its_gas_back(fork: str) -> None:
    """And the stipend with it, which nobody has used."""
    source = f"0 0 0 0 6 {AT} 100000 CALL"
    called = call(fork, f"{source} 0 MSTORE 32 0 RETURN", accounts=there("INVALID"), balance=5)
    assert called.word == 0
    assert called.gas < 15_000
    assert called.state.account(TARGET).balance == 5


@pytest.mark.parametrize("fork", ["frontier", "homestead"])
def test_calls_are_1024_deep(fork: str) -> None:
    """Each counts and calls itself; since EIP-150 no gas reaches so far."""
    deepens = "1 0 SLOAD ADD 0 SSTORE 0 0 0 0 0 ADDRESS 10000 GAS SUB CALL"
    block = [transaction(sender, CALLEE, gas=25_000_000) for sender in (0, 1)]
    ran = run(fork, block, there(deepens), gas_limit=60_000_000)
    assert ran.state.account(CALLEE).storage == {0: 2 * 1_025}


# ---------------------------------------------------------------------------- data in and out


@pytest.mark.parametrize("fork", FORKS)
def test_input_is_what_is_named_and_output_fills_its_room(fork: str) -> None:
    """A callee returns four bytes: room for two gets two, what is more room stays as it was."""
    tells = there("CALLDATASIZE 0 MSTORE8 0 CALLDATALOAD 1 MSTORE 4 0 RETURN")
    source = f"""
        {2**256 - 1} 0 MSTORE {2**256 - 1} 32 MSTORE
        {{room}} 32 3 30 0 {AT} 50000 CALL POP 64 0 RETURN
    """
    for room, expected in ((0, ""), (2, "03ff"), (4, "03ffffff"), (32, "03ffffff")):
        called = call(fork, source.format(room=room), accounts=tells)
        output = called.execution.output[32:].hex()
        assert output == expected.ljust(64, "f"), room


@pytest.mark.parametrize("fork", FORKS)
def test_callcode_runs_for_the_caller(fork: str) -> None:
    """With its storage and its address, itself as the sender, and a value that goes nowhere."""
    tells = there(
        "9 5 SSTORE ADDRESS 0 MSTORE CALLER 32 MSTORE CALLVALUE 64 MSTORE 96 0 RETURN",
    )
    source = f"96 0 0 0 2 {AT} 60000 CALLCODE POP 96 0 RETURN"
    called = call(fork, source, accounts=tells, balance=5)
    assert numbers(called.execution.output) == [number_of(TARGET)] * 2 + [2]
    after = called.state.account
    assert (after(TARGET).storage, after(TARGET).balance) == ({5: 9}, 5)
    assert (after(CALLEE).storage, after(CALLEE).balance) == ({}, 1)


@pytest.mark.parametrize("fork", FORKS)
def test_a_callee_that_fails_takes_its_own_back_and_nothing_else(fork: str) -> None:
    source = f"7 1 SSTORE 0 0 0 0 2 {AT} 60000 CALL 2 SSTORE"
    fails = there("9 5 SSTORE 0 0 LOG0 INVALID")
    called = call(fork, source, accounts=fails, balance=5, storage={2: 8})
    after = called.state.account
    assert (after(TARGET).storage, after(TARGET).balance) == ({1: 7}, 5)
    assert (after(CALLEE).storage, after(CALLEE).balance) == ({}, 1)
    assert called.execution.succeeded
    assert called.execution.logs == ()


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(("owned", "sent"), [(0, 2), (2, 2), (4, 2), (4, 6)])
def test_what_a_callee_has_paid_comes_back(fork: str, owned: int, sent: int) -> None:
    """A contract that was sent 3 wei pays in a frame that fails: less than that, or more."""
    source = f"""
        CALLDATASIZE @pays JUMPI 0 0 1 0 0 ADDRESS 60000 CALL POP
        ADDRESS BALANCE 0 MSTORE 32 0 RETURN
        pays: 0 0 0 0 {sent} {AT} 0 CALL POP INVALID
    """
    called = call(fork, source, accounts=there("STOP"), balance=owned, value=3)
    assert called.word == owned + 3
    assert called.state.account(TARGET).balance == owned + 3
    assert called.state.account(CALLEE).balance == 1


@pytest.mark.parametrize("fork", FORKS)
def test_calls_leave_1_or_0(fork: str) -> None:
    ends = {"STOP": 1, "32 0 RETURN": 1, "INVALID": 0, "POP": 0, "0 JUMP": 0}
    for source, result in ends.items():
        found = answers(fork, [f"0 0 0 0 0 {AT} 9000 CALL"], accounts=there(source))
        assert found == [result], source


@pytest.mark.parametrize(
    ("fork", "price"), by_fork(until="amsterdam", frontier=40, tangerine_whistle=700, berlin=2_600)
)
def test_what_a_new_account_costs(fork: str, price: int) -> None:
    """25,000 where a value makes an account; nothing where code is borrowed (EIP-161 says more)."""
    assert gas(fork, f"0 0 0 0 1 {AT} 0 CALL", balance=1) == 21 + price + 9_000 + 25_000 - 2_300
    assert gas(fork, f"0 0 0 0 1 {AT} 0 CALLCODE", balance=1) == 21 + price + 9_000 - 2_300
