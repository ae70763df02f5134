"""Absent, empty and present accounts on the native EVM, in each age of Ethereum."""

from __future__ import annotations

import pytest
import rlp
from eth_typing import Address
from tests.evm.world_blocks import (
    EMPTY,
    NOBODY,
    SENDERS,
    contract,
    number_of,
    run,
    spy_on,
    transaction,
    world,
)

from blockstm.bench.evm.assembly import assemble, initcode_of
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.state.accounts import Account
from blockstm.types import DELETED
from blockstm.vm.evm import BlockEnd, BlockStart

AT = Address(b"\xaa" * 20)
BEACON_ROOTS = Address(bytes.fromhex("000f3df6d732807ef1319fb7b8bb8522d0beac02"))
BLOCK_HASHES = Address(bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935"))
NEW_ACCOUNT_GAS = 25_000


def created_by(sender: Address, nonce: int) -> Address:
    return Address(keccak(rlp.encode([sender, nonce]))[12:])


def call_costs(fork: str, target: Address, value: int = 0) -> list[int]:
    """What two calls to an account cost in one transaction, one after the other."""
    call = f"GAS 0 0 0 0 {value} {number_of(target):#x} 5000 CALL POP GAS SWAP1 SUB "
    code = (call + "0 MSTORE 32 0 LOG0 ") * 2
    accounts = world({AT: contract(code, 10), EMPTY: Account()})
    result, _ = run(fork, accounts, [transaction(0, AT)])
    return [int.from_bytes(log.data, "big") for log in result.outcomes[0].value.logs]


@pytest.mark.parametrize("fork", ["frontier", "homestead", "tangerine_whistle"])
def test_before_spurious_dragon_a_call_of_an_absent_account_pays_once(fork: str) -> None:
    first, second = call_costs(fork, NOBODY)
    assert first - second == NEW_ACCOUNT_GAS
    first, second = call_costs(fork, EMPTY)
    assert first == second


@pytest.mark.parametrize("fork", ["spurious_dragon", "istanbul"])
def test_since_spurious_dragon_a_call_that_revives_with_value_pays(fork: str) -> None:
    for target in (NOBODY, EMPTY):
        first, second = call_costs(fork, target)
        assert first == second
        first, second = call_costs(fork, target, value=1)
        assert first - second == NEW_ACCOUNT_GAS


def test_before_spurious_dragon_a_creation_can_leave_storage_and_no_code() -> None:
    created = created_by(SENDERS[0], 0)
    step = transaction(0, None, data=assemble("7 1 SSTORE"))
    view, _ = spy_on("homestead", world(), step)
    assert view.written[created, "stored"] == 1
    assert view.written[created, "recorded"] == 1
    view, _ = spy_on("spurious_dragon", world(), step)
    assert (created, "stored") not in view.written
    assert view.written[created, "nonce"] == 1


def test_such_storage_goes_with_the_account() -> None:
    accounts = world({EMPTY: Account(storage={1: 7})})
    view, _ = spy_on("byzantium", accounts, transaction(0, EMPTY))
    assert view.written[EMPTY, "epoch"] == 1
    assert all(view.written[EMPTY, mark] is not True for mark in ("recorded", "stored"))
    _, state = run("byzantium", accounts, [transaction(0, EMPTY)])
    assert state.account(EMPTY) is None


def test_a_destroyed_contract_is_no_longer_on_record() -> None:
    created = created_by(SENDERS[0], 0)
    initcode = initcode_of(assemble("0xbeef SELFDESTRUCT"))
    block = [
        transaction(1, created, gas_price=0),  # touched into existence
        transaction(0, None, data=initcode),
        transaction(2, created),
    ]
    result, state = run("homestead", world(), block[:1])
    assert result.writes[created, "recorded"] is True
    result, state = run("homestead", world(), block)
    assert state.account(created) is None
    assert result.writes.get((created, "recorded"), DELETED) is DELETED


def test_what_is_created_here_is_not_looked_up_in_the_chain() -> None:
    created = created_by(SENDERS[0], 0)
    step = transaction(0, None, data=assemble("1 SLOAD 2 SSTORE 7 1 SSTORE"))
    view, execution = spy_on("cancun", world(), step)
    assert execution.succeeded
    assert not [key for key in view.gets if key[0] == created and key[1] == "storage"]
    assert view.written[created, "storage", 0, 1] == 7
    assert (created, "storage", 0, 2) not in view.written


def test_since_paris_a_call_without_value_touches_nobody() -> None:
    accounts = world({EMPTY: Account()})
    view, _ = spy_on("london", accounts, transaction(0, EMPTY))
    assert (EMPTY, "recorded") in view.written
    view, _ = spy_on("paris", accounts, transaction(0, EMPTY))
    assert (EMPTY, "recorded") not in view.gets
    assert (EMPTY, "recorded") not in view.written


def test_a_reward_of_nothing_makes_a_coinbase_exist_before_spurious_dragon_only() -> None:
    step = BlockEnd((), ((NOBODY, 0),))
    assert spy_on("frontier", world(), step)[0].written == {(NOBODY, "recorded"): 1}
    assert spy_on("byzantium", world(), step)[0].written == {}


def test_each_system_call_is_a_transaction_of_its_own() -> None:
    beacon = "CALLDATASIZE @set JUMPI 0 TLOAD 0 MSTORE 32 0 RETURN set: 7 0 TSTORE 9 1 SSTORE"
    ask = f"32 0 0 0 0 {number_of(BEACON_ROOTS):#x} GAS CALL POP 0 MLOAD 1 ADD 0 SSTORE"
    accounts = world({BEACON_ROOTS: contract(beacon), BLOCK_HASHES: contract(ask)})
    view, output = spy_on("prague", accounts, BlockStart())
    assert output is None
    assert view.written[BLOCK_HASHES, "storage", 0, 0] == 1  # and not 8
    assert view.written[BEACON_ROOTS, "storage", 0, 1] == 9


def test_a_system_call_that_fails_does_nothing() -> None:
    accounts = world({BEACON_ROOTS: contract("7 1 SSTORE INVALID")})
    view, _ = spy_on("cancun", accounts, BlockStart())
    assert view.written == {}


def test_the_drained_pay_all_they_have() -> None:
    accounts = world({AT: contract("STOP", 5), EMPTY: Account(7)})
    step = BlockStart((AT, EMPTY, NOBODY), SENDERS[0])
    view, _ = spy_on("homestead", accounts, step)
    assert view.written[SENDERS[0], "balance"] == ("+", 12)
    _, state = run("homestead", accounts, [step])
    assert state.account(AT).balance == 0
    assert state.account(EMPTY) == Account()
