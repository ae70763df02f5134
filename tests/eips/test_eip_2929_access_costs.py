"""EIP-2929 (Berlin): the first access to an account or a slot in a transaction costs more."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import TARGET, by_fork, call, gas, run, since
from tests.evm.world_blocks import contract, transaction

from blockstm.bench.evm.assembly import assemble

OTHER = Address(b"\x0e" * 20)
AT = f"0x{OTHER.hex()}"
# Code that accesses an account → the gas of its pushes and pops, without the access itself.
ACCESSES = {
    f"{AT} BALANCE POP": 3 + 2,
    f"{AT} EXTCODESIZE POP": 3 + 2,
    f"{AT} EXTCODEHASH POP": 3 + 2,
    f"0 0 0 {AT} EXTCODECOPY": 4 * 3,
    f"0 0 0 0 0 {AT} 0 CALL POP": 7 * 3 + 2,
    f"0 0 0 0 0 {AT} 0 CALLCODE POP": 7 * 3 + 2,
    f"0 0 0 0 {AT} 0 DELEGATECALL POP": 6 * 3 + 2,
    f"0 0 0 0 {AT} 0 STATICCALL POP": 6 * 3 + 2,
}
BERLIN = since("berlin", until="amsterdam")  # EIP-8038 has other prices
EXISTS = {OTHER: contract("STOP")}


@pytest.mark.parametrize("access", ACCESSES)
@pytest.mark.parametrize("fork", BERLIN)
def test_an_account_is_cold_once(fork: str, access: str) -> None:
    once = gas(fork, access, accounts=EXISTS)
    assert once == ACCESSES[access] + 2_600
    for again in ACCESSES:
        twice = gas(fork, f"{access} {again}", accounts=EXISTS)
        assert twice == once + ACCESSES[again] + 100


@pytest.mark.parametrize("access", ACCESSES)
def test_before_it_an_account_cost_the_same_each_time(access: str) -> None:
    once = gas("istanbul", access, accounts=EXISTS)
    assert once == ACCESSES[access] + 700
    assert gas("istanbul", f"{access} {access}", accounts=EXISTS) == 2 * once


@pytest.mark.parametrize("fork", since("berlin"))
def test_a_slot_is_cold_once(fork: str) -> None:
    assert gas(fork, "7 SLOAD POP") == 3 + 2_100 + 2
    assert gas(fork, "7 SLOAD POP 7 SLOAD POP") == 2 * 5 + 2_100 + 100
    assert gas(fork, "7 SLOAD POP 8 SLOAD POP") == 2 * 5 + 2 * 2_100


def test_before_it_a_slot_cost_the_same_each_time() -> None:
    assert gas("istanbul", "7 SLOAD POP 7 SLOAD POP") == 2 * (5 + 800)


@pytest.mark.parametrize("fork", BERLIN)
@pytest.mark.parametrize(
    ("stored", "value", "price"),
    [
        (0, 0, 2_100 + 100),
        (0, 1, 2_100 + 20_000),
        (1, 1, 2_100 + 100),
        (1, 2, 2_100 + 2_900),
        (1, 0, 2_100 + 2_900),
    ],
)
def test_a_store_pays_for_a_cold_slot(fork: str, stored: int, value: int, price: int) -> None:
    called = call(fork, f"{value} 7 SSTORE", storage={7: stored})
    assert called.gas == 6 + price
    warmed = call(fork, f"7 SLOAD POP {value} 7 SSTORE", storage={7: stored})
    assert warmed.gas == 5 + 2_100 + 6 + price - 2_100


@pytest.mark.parametrize("fork", BERLIN)
def test_a_beneficiary_is_cold_or_costs_nothing(fork: str) -> None:
    assert gas(fork, f"{AT} SELFDESTRUCT", accounts=EXISTS) == 3 + 5_000 + 2_600
    warm = gas(fork, f"{AT} BALANCE POP {AT} SELFDESTRUCT", accounts=EXISTS)
    assert warm == 5 + 2_600 + 3 + 5_000
    assert gas("istanbul", f"{AT} SELFDESTRUCT", accounts=EXISTS) == 3 + 5_000


@pytest.mark.parametrize(("fork", "warm"), by_fork(istanbul=700, berlin=100))
@pytest.mark.parametrize("address", ["CALLER", "ADDRESS", *(f"{n}" for n in range(1, 10))])
def test_sender_receiver_and_precompiles_are_warm(fork: str, warm: int, address: str) -> None:
    push = 2 if address.isalpha() else 3
    assert gas(fork, f"{address} BALANCE POP") == push + warm + 2


@pytest.mark.parametrize("fork", BERLIN)
def test_what_is_reverted_is_cold_again(fork: str) -> None:
    reads = "7 SLOAD POP 0xd0d0 BALANCE POP 0xd1d1 BALANCE POP "
    inner = {OTHER: contract(reads + "0 0 REVERT")}
    enters = f"0 0 0 0 {AT} GAS DELEGATECALL POP "
    entered = gas(fork, enters, accounts=inner)
    assert gas(fork, enters + reads, accounts=inner) == entered + 5 + 2_100 + 2 * (5 + 2_600)
    kept = {OTHER: contract(reads + "STOP")}
    entered = gas(fork, enters, accounts=kept)
    assert gas(fork, enters + reads, accounts=kept) == entered + 3 * (5 + 100)


@pytest.mark.parametrize("fork", BERLIN)
@pytest.mark.parametrize("ending", ["STOP", "0 0 REVERT", "INVALID"])
def test_what_was_to_be_created_is_warm(fork: str, ending: str) -> None:
    initcode = assemble(ending)
    padded = initcode.ljust(32, bytes(1)).hex()
    put = f"PUSH32 0x{padded} 0 MSTORE {len(initcode)} 0 0 CREATE POP"
    # RLP of the target and its nonce, 1: 0xd6 0x94 address 0x01, hashed.
    address = f"PUSH23 0xd694{TARGET.hex()}01 0 MSTORE 23 9 KECCAK256"
    spent = gas(fork, f"{put} {address} BALANCE POP", gas=2_000_000)
    assert spent == gas(fork, f"{put} {address} POP", gas=2_000_000) + 100


@pytest.mark.parametrize("fork", BERLIN)
def test_each_transaction_starts_cold(fork: str) -> None:
    accounts = {TARGET: contract("7 SLOAD 1 ADD 7 SSTORE"), **EXISTS}
    ran = run(fork, [transaction(i, TARGET) for i in range(4)], accounts)
    first, *rest = [execution.gas_used for execution in ran.executions]
    assert first == 21_000 + 12 + 2_100 + 20_000
    assert rest == [21_000 + 12 + 2_100 + 2_900] * 3
    assert ran.state.account(TARGET).storage == {7: 4}
