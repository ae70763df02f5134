"""Blocks of the native EVM under contention: parallel equals sequential, and payments commute."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from eth_typing import Address
from tests.evm.world_blocks import (
    BASE_FEE,
    COINBASE,
    FUNDS,
    GAS_PRICE,
    NOBODY,
    SENDERS,
    context,
    contract,
    number_of,
    run,
    transaction,
    words,
    world,
)

from blockstm.bench.evm.assembly import assemble, initcode_of
from blockstm.config import Config
from blockstm.executor import Executor
from blockstm.state.accounts import AccountState
from blockstm.testing import assert_serial_equivalent
from blockstm.vm.evm import BlockEnd, Evm

TIP = GAS_PRICE - BASE_FEE
FACTORY_AT, CHILD_AT = Address(b"\xfa" * 20), Address(b"\xcd" * 20)
BEEF = Address((0xBEEF).to_bytes(20, "big"))
FACTORY = "CALLDATASIZE 0 0 CALLDATACOPY 0 CALLDATASIZE 0 CALLVALUE CREATE2 0 MSTORE 32 0 RETURN"
CELLS = """
    CALLDATASIZE @choose JUMPI
    0xbeef SELFDESTRUCT                         ; called with nothing
    choose:
    32 CALLDATASIZE GT @store JUMPI
    0 CALLDATALOAD SLOAD 0 MSTORE 32 0 LOG0     ; called with a slot: logs its value
    STOP
    store:
    32 CALLDATALOAD 0 CALLDATALOAD SSTORE       ; called with slot and value
    STOP
"""
OBSERVER = "0 CALLDATALOAD BALANCE 0 MSTORE 32 0 LOG0"


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def executor(request: Any) -> Iterator[Executor]:
    with Executor(Config(gate=False), workers=request.param) as executor:
        yield executor


def logged(result: Any) -> list[list[int]]:
    return [[int.from_bytes(log.data, "big") for log in o.value.logs] for o in result.outcomes]


def cells_address(code: str) -> Address:
    """Where the factory puts a contract with this code."""
    result, _ = run("shanghai", world({FACTORY_AT: contract(FACTORY)}), [create(0, code)])
    return Address(result.outcomes[0].value.output[12:])


def create(nonce: int, code: str, sender: int = 0) -> Any:
    return transaction(sender, FACTORY_AT, nonce=nonce, data=initcode_of(assemble(code)))


def test_payments_to_one_receiver_do_not_conflict() -> None:
    block = [transaction(i % 8, NOBODY, value=i, nonce=i // 8) for i in range(64)]
    with Executor(Config(gate=False), workers=2) as executor:
        result, state = run("cancun", world(), block, executor.execute_block)
    assert state.account(NOBODY).balance == sum(range(64))
    assert state.account(COINBASE).balance == 64 * 21_000 * TIP
    assert result == run("cancun", world(), block)[0]


def test_payments_to_one_receiver_commute_in_every_explored_schedule() -> None:
    block = [transaction(i, NOBODY, value=i) for i in range(4)]
    evm = Evm("cancun", context("cancun"))
    state = AccountState(world())
    ran = assert_serial_equivalent(block, state, evm, schedules=60, reference_vm=evm)
    assert ran.result is not None


def test_a_balance_that_is_read_is_the_exact_sum(executor: Executor) -> None:
    accounts = world({CHILD_AT: contract(OBSERVER)})
    block = [
        transaction(0, NOBODY, value=5),
        transaction(1, NOBODY, value=6),
        transaction(2, CHILD_AT, data=words(number_of(NOBODY))),
        transaction(3, NOBODY, value=7),
        transaction(4, CHILD_AT, data=words(number_of(NOBODY))),
    ]
    result, _ = run("cancun", accounts, block, executor.execute_block)
    assert logged(result) == [[], [], [11], [], [18]]


def test_a_coinbase_that_is_read_has_the_fees_so_far(executor: Executor) -> None:
    accounts = world({CHILD_AT: contract(OBSERVER)})
    block = [
        transaction(0, NOBODY),
        transaction(1, CHILD_AT, data=words(number_of(COINBASE))),
        transaction(2, NOBODY),
        transaction(3, CHILD_AT, data=words(number_of(COINBASE))),
    ]
    result, _ = run("london", accounts, block, executor.execute_block)
    gas = [outcome.gas_used for outcome in result.outcomes]
    assert logged(result) == [[], [gas[0] * TIP], [], [sum(gas[:3]) * TIP]]


def test_a_coinbase_that_sends_and_receives_ends_with_the_exact_sum(executor: Executor) -> None:
    coinbase = SENDERS[0]
    block = [
        transaction(1, NOBODY, value=1),
        transaction(0, NOBODY, value=10),
        transaction(2, coinbase, value=100),
        transaction(3, coinbase, value=100),
    ]
    _, state = run("shanghai", world(), block, executor.execute_block, coinbase)
    fees = 3 * 21_000 * TIP - 21_000 * BASE_FEE
    assert state.account(coinbase).balance == FUNDS - 10 + 200 + fees


@pytest.mark.parametrize("fork", ["constantinople", "london", "shanghai"])
def test_a_destroyed_contract_comes_back_without_its_storage(fork: str, executor: Executor) -> None:
    accounts, child = world({FACTORY_AT: contract(FACTORY)}), cells_address(CELLS)
    block = [
        create(0, CELLS),
        transaction(1, child, data=words(0, 7)),
        transaction(2, child, data=words(0)),  # logs 7
        transaction(3, child),  # destroys itself
        transaction(4, child, data=words(0)),  # nobody there: logs nothing
        create(1, CELLS),
        transaction(5, child, data=words(0)),  # logs 0, not 7
        transaction(1, child, nonce=1, data=words(1, 9)),
        transaction(2, child, nonce=1, data=words(1)),  # logs 9
        transaction(3, child, nonce=1),
        create(2, CELLS),
        transaction(4, child, nonce=1, data=words(1)),  # logs 0
    ]
    result, state = run(fork, accounts, block, executor.execute_block)
    assert logged(result) == [[], [], [7], [], [], [], [0], [], [9], [], [], [0]]
    assert state.account(child).storage == {}
    assert state.account(child).nonce == 1
    assert result == run(fork, accounts, block)[0]


def test_a_destroyed_contract_comes_back_the_same_in_every_explored_schedule() -> None:
    accounts, child = world({FACTORY_AT: contract(FACTORY)}), cells_address(CELLS)
    block = [
        create(0, CELLS),
        transaction(1, child, data=words(0, 7)),
        transaction(3, child),
        create(1, CELLS),
        transaction(2, child, data=words(0)),  # logs 0, not 7
    ]
    evm = Evm("shanghai", context("shanghai"))
    state = AccountState(accounts)
    ran = assert_serial_equivalent(block, state, evm, schedules=100, reference_vm=evm)
    assert ran.result is not None
    assert ran.result.outcomes[4].value.logs[0].data == bytes(32)


def test_what_is_paid_to_a_destroyed_contract_later_is_kept(executor: Executor) -> None:
    accounts = world({CHILD_AT: contract("0xbeef SELFDESTRUCT", 3)})
    block = [transaction(0, CHILD_AT), transaction(1, CHILD_AT, value=4)]
    _, state = run("berlin", accounts, block, executor.execute_block)
    assert state.account(CHILD_AT).balance == 4
    assert state.account(CHILD_AT).code == b""
    assert state.account(BEEF).balance == 3


def test_what_is_paid_to_a_contract_in_its_last_transaction_is_burnt() -> None:
    caller = Address(b"\xca" * 20)
    calls = " ".join(f"0 0 0 0 {value} {number_of(CHILD_AT):#x} GAS CALL" for value in (0, 5))
    accounts = world({CHILD_AT: contract("0xbeef SELFDESTRUCT", 3), caller: contract(calls, 5)})
    _, state = run("berlin", accounts, [transaction(0, caller)])
    assert state.account(CHILD_AT) is None
    assert state.account(caller).balance == 0
    assert state.account(BEEF).balance == 3 + 5  # the second call destroyed it once more


def test_a_sender_that_delegates_itself_moves_its_nonce_twice(executor: Executor) -> None:
    wish = SimpleNamespace(chain_id=1, address=CHILD_AT, nonce=1)
    accounts = world({CHILD_AT: contract("1 0 SSTORE")})
    block = [
        transaction(0, SENDERS[0], type=4, authorizations=(wish,), authorities=(SENDERS[0],)),
        transaction(0, NOBODY, nonce=2, value=1),
        transaction(1, SENDERS[0]),
    ]
    result, state = run("prague", accounts, block, executor.execute_block)
    assert [outcome.value.succeeded for outcome in result.outcomes] == [True] * 3
    assert state.account(SENDERS[0]).nonce == 3
    assert state.account(SENDERS[0]).storage == {0: 1}
    assert state.account(SENDERS[0]).code == b"\xef\x01\x00" + CHILD_AT


def test_transactions_of_one_sender_run_in_order(executor: Executor) -> None:
    block = [transaction(0, NOBODY, nonce=nonce, value=1) for nonce in range(30)]
    result, state = run("osaka", world(), block, executor.execute_block)
    assert state.account(SENDERS[0]).nonce == 30
    assert len(result.outcomes) == 30


def test_a_shared_counter_counts(executor: Executor) -> None:
    accounts = world({CHILD_AT: contract("0 SLOAD 1 ADD 0 SSTORE")})
    block = [transaction(i % 8, CHILD_AT, nonce=i // 8) for i in range(40)]
    _, state = run("berlin", accounts, block, executor.execute_block)
    assert state.account(CHILD_AT).storage == {0: 40}


def test_a_contract_that_pays_while_it_can(executor: Executor) -> None:
    code = f"0 0 0 0 10 {number_of(NOBODY):#x} GAS CALL 0 MSTORE 32 0 LOG0"
    accounts = world({CHILD_AT: contract(code, 35)})
    block = [transaction(i, CHILD_AT) for i in range(6)]
    result, state = run("shanghai", accounts, block, executor.execute_block)
    assert logged(result) == [[1], [1], [1], [0], [0], [0]]
    assert state.account(CHILD_AT).balance == 5
    assert state.account(NOBODY).balance == 30


def test_withdrawals_see_every_transaction(executor: Executor) -> None:
    block = [transaction(0, NOBODY, value=3), BlockEnd(((NOBODY, 4), (COINBASE, 5)))]
    _, state = run("shanghai", world(), block, executor.execute_block)
    assert state.account(NOBODY).balance == 7
    assert state.account(COINBASE).balance == 21_000 * TIP + 5


def test_a_new_contract_is_called_by_the_next_transaction(executor: Executor) -> None:
    accounts, child = world({FACTORY_AT: contract(FACTORY)}), cells_address(CELLS)
    block = [
        create(0, CELLS),
        transaction(1, child, data=words(3, 4)),
        transaction(2, child, data=words(3)),
    ]
    result, state = run("cancun", accounts, block, executor.execute_block)
    assert logged(result) == [[], [], [4]]
    assert state.account(child).storage == {3: 4}


def test_calls_nest_as_deep_as_the_evm_allows() -> None:
    deepen = "1 0 SLOAD ADD 0 SSTORE 0 0 0 0 0 ADDRESS GAS CALL"
    accounts = world({CHILD_AT: contract(deepen)})
    _, state = run("frontier", accounts, [transaction(0, CHILD_AT, gas=30_000_000)])
    assert state.account(CHILD_AT).storage == {}  # GAS is more than CALL leaves: none succeeds
    once = "1 0 SLOAD ADD 0 SSTORE 0 0 0 0 0 ADDRESS 10000 GAS SUB CALL"
    accounts = world({CHILD_AT: contract(once)})
    _, state = run("frontier", accounts, [transaction(0, CHILD_AT, gas=30_000_000)])
    assert state.account(CHILD_AT).storage == {0: 1025}
