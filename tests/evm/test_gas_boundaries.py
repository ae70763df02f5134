"""Where gas just suffices and where one is missing, and sizes that need more than two bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from eth_typing import Address
from tests.eips.rules import Ran, run
from tests.evm.world_blocks import SENDERS, contract, transaction

from blockstm.state.accounts import Account

A, B = Address(b"\x1a" * 20), Address(b"\x1b" * 20)
TARGET, CODE = Address(b"\x0b" * 20), Address(b"\x0c" * 20)
STARTED = 12_000 + 3_000  # a transaction and its recipient (EIP-2780)
ASKED = 101 * 16 + 2 * 3_000 + 2 * 100  # for an authorization, whatever it comes to (EIP-8037)
WRITTEN = 9_000
NEW_ACCOUNT, NEW_DELEGATION = 120 * 1_530, 23 * 1_530
FUNDED, STOPS = Account(10**18), contract("STOP")


def delegated(*wishes: tuple[Address, int], gas: int, there: Mapping[Address, Account]) -> Ran:
    """A transaction to `TARGET` by which accounts delegate to `CODE`, each with its nonce."""
    signed = tuple(SimpleNamespace(chain_id=1, address=CODE, nonce=nonce) for _, nonce in wishes)
    members: dict[str, Any] = {"type": 4, "gas": gas, "authorizations": signed}
    sent = transaction(0, TARGET, authorities=tuple(who for who, _ in wishes), **members)
    return run("amsterdam", [sent], {CODE: STOPS, TARGET: STOPS, **there})


def test_a_delegation_that_can_just_be_paid_holds_though_the_call_fails() -> None:
    """With not one gas left, what was paid for the delegation stays paid."""
    state = NEW_ACCOUNT + NEW_DELEGATION
    exact = STARTED + ASKED + WRITTEN + state
    ran = delegated((A, 0), gas=exact, there={TARGET: contract("INVALID")})
    [execution] = ran.executions
    assert (execution.succeeded, execution.gas_used, execution.state_gas) == (False, exact, state)
    assert ran.state.account(A).nonce == 1
    assert (ran.state.account(A).code or b"")[3:] == CODE


@pytest.mark.parametrize(
    ("there", "cost"),
    [
        ({}, WRITTEN + NEW_ACCOUNT + NEW_DELEGATION),
        ({A: FUNDED}, WRITTEN + NEW_DELEGATION),
        ({A: Account(1, 0, b"\xef\x01\x00" + B)}, WRITTEN),
    ],
)
@pytest.mark.parametrize(
    "missing",
    [0, 1, WRITTEN, NEW_DELEGATION, NEW_DELEGATION + WRITTEN, NEW_DELEGATION + WRITTEN + 1],
)
def test_a_delegation_that_cannot_be_paid_leaves_nothing(
    there: dict[Address, Account], cost: int, missing: int
) -> None:
    missing = min(missing, cost)
    gas = STARTED + ASKED + cost - missing
    ran = delegated((A, 0), gas=gas, there=there)
    [execution] = ran.executions
    assert execution.succeeded is (missing == 0)
    assert execution.gas_used == gas
    if missing:
        assert execution.state_gas == 0
        assert ran.state.account(A) == there.get(A)
        assert ran.state.account(SENDERS[0]).nonce == 1


def test_where_the_second_delegation_cannot_be_paid_the_first_goes_too() -> None:
    one = WRITTEN + NEW_DELEGATION
    there = {A: FUNDED, B: FUNDED}
    for gas, holds in [(2 * one, True), (2 * one - 1, False), (one, False), (one - 1, False)]:
        total = STARTED + 2 * ASKED + gas
        ran = delegated((A, 0), (B, 0), gas=total, there=there)
        [execution] = ran.executions
        assert execution.succeeded is holds
        assert execution.gas_used == total
        assert [ran.state.account(each).nonce for each in (A, B)] == [int(holds)] * 2


@pytest.mark.parametrize("missing", [0, 1])
def test_what_was_delegated_before_is_delegated_again(missing: int) -> None:
    """The first authority is sent elsewhere, the second cannot pay for its delegation."""
    before = Account(1, 0, b"\xef\x01\x00" + B)
    gas = STARTED + 2 * ASKED + 2 * WRITTEN + NEW_DELEGATION - missing
    ran = delegated((A, 0), (B, 0), gas=gas, there={A: before, B: FUNDED})
    [execution] = ran.executions
    assert execution.succeeded is not bool(missing)
    assert (ran.state.account(A) == before) is bool(missing)
    assert (ran.state.account(A).code or b"")[3:] == (B if missing else CODE)


def test_an_authority_pays_for_each_thing_once() -> None:
    """Three delegations of one account: one account, one write, one delegation."""
    paid = WRITTEN + NEW_ACCOUNT + NEW_DELEGATION
    gas = STARTED + 3 * ASKED + paid
    ran = delegated((A, 0), (A, 1), (A, 2), gas=gas, there={})
    [execution] = ran.executions
    assert execution.succeeded
    assert execution.gas_used == gas
    assert ran.state.account(A).nonce == 3
    assert execution.state_gas == NEW_ACCOUNT + NEW_DELEGATION


@pytest.mark.parametrize("missing", [0, 1])
def test_following_a_delegation_is_paid_before_the_call(missing: int) -> None:
    there = {A: Account(1, 1, b"\xef\x01\x00" + CODE), CODE: STOPS}
    gas = STARTED + 3_000 - missing
    [execution] = run("amsterdam", [transaction(0, A, gas=gas)], there).executions
    assert execution.succeeded is not bool(missing)
    assert execution.gas_used == gas


@pytest.mark.parametrize("fork", ["frontier", "istanbul"])
def test_all_gas_that_a_block_can_have_may_be_asked_for(fork: str) -> None:
    """2**63 - 1 (EIP-1985); the contract tells how much it got."""
    most = 2**63 - 1
    tells = {A: contract("GAS 0 MSTORE 32 0 RETURN"), SENDERS[0]: FUNDED}
    block = [transaction(0, A, gas=most, gas_price=0)]
    [execution] = run(fork, block, tells, gas_limit=most).executions
    assert int.from_bytes(execution.output, "big") == most - 21_000 - 2
    more = transaction(0, A, gas=most + 1, gas_price=0)
    assert run(fork, [more], tells, gas_limit=2**64 - 1).reasons == ("gas_above_block",)


@pytest.mark.parametrize("size", [255, 256, 2**15 + 7, 2**16 - 1, 2**16 + 3, 2**24 + 5])
def test_a_log_of_any_size_is_as_it_was_written(size: int) -> None:
    """Sizes that need one to four bytes; the first word and the last byte are marked."""
    source = f"0x{'ab' * 32} 0 MSTORE 0xcd {size - 1} MSTORE8 7 {size} 0 LOG1 9 32 0 LOG1 STOP"
    there = {A: contract(source)}
    sent = transaction(0, A, gas=900_000_000)
    [execution] = run("prague", [sent], there, gas_limit=10**9).executions
    assert execution.succeeded, execution.error
    long, short = execution.logs
    assert [len(each.data) for each in (long, short)] == [size, 32]
    assert long.data == b"\xab" * 32 + bytes(size - 33) + b"\xcd"
    assert short.data == b"\xab" * 32


@pytest.mark.parametrize("fork", ["berlin", "osaka", "amsterdam"])
def test_what_is_wrong_by_itself_comes_before_what_finds_no_room(fork: str) -> None:
    """The second transaction finds too little gas left in the block, whatever else it is."""
    there = {A: contract("INVALID"), SENDERS[0]: FUNDED, SENDERS[1]: FUNDED}
    spends = transaction(0, A, gas=60_000)
    for nonce, expected in [(0, "gas_above_block"), (2**64 - 1, "nonce_is_max")]:
        late = transaction(1, B, gas=50_000, nonce=nonce)
        assert run(fork, [spends, late], there, gas_limit=100_000).reasons == (None, expected)
    fits = transaction(1, B, gas=40_000)
    assert run(fork, [spends, fits], there, gas_limit=100_000).reasons == (None, None)


@pytest.mark.parametrize("fork", ["spurious_dragon", "istanbul", "osaka", "amsterdam"])
@pytest.mark.parametrize(
    "only", [replace(STOPS, balance=0, nonce=0), Account(0, 1)], ids=["code", "nonce"]
)
def test_an_account_that_has_one_thing_is_not_empty(fork: str, only: Account) -> None:
    """EIP-161: to pay it costs no more than to pay an account that has a balance."""
    pays = f"0x{B.hex()} SELFDESTRUCT"
    there = {A: contract(pays, balance=1), CODE: contract(pays, balance=1), B: only}
    [first] = run(fork, [transaction(0, A)], there).executions
    [second] = run(fork, [transaction(0, A)], {**there, B: Account(1)}).executions
    assert first.gas_before_refund == second.gas_before_refund
    assert first.state_gas == second.state_gas == 0
    if fork != "spurious_dragon":
        source = f"0x{B.hex()} EXTCODEHASH 0 MSTORE 32 0 RETURN"
        [asked] = run(fork, [transaction(0, A)], {A: contract(source), B: only}).executions
        assert asked.output == only.code_hash


@pytest.mark.parametrize(("ending", "back"), [("STOP", True), ("0 0 REVERT", False)])
def test_a_callee_that_clears_a_slot_gives_its_caller_gas_back(ending: str, back: bool) -> None:
    """The slot was paid from the caller's gas, and comes back there; not if it is set again."""
    source = f"""
        CALLDATASIZE @clears JUMPI
        1 7 SSTORE GAS
        0 0 1 0 0 ADDRESS GAS CALL POP
        GAS 0 MSTORE 32 MSTORE 64 0 RETURN
        clears: 0 7 SSTORE {ending}
    """
    [ran] = run("amsterdam", [transaction(0, A, gas=2_000_000)], {A: contract(source)}).executions
    after, before = (int.from_bytes(ran.output[at : at + 32], "big") for at in (0, 32))
    new_slot = 64 * 1_530
    gained = after - before
    assert (new_slot - 1_000 < gained < new_slot) if back else -1_000 < gained < 0
    assert ran.state_gas == (0 if back else new_slot)
