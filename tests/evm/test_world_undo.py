"""What a call that reverts leaves behind on the native EVM: nothing, not even warmth."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from eth_typing import Address
from tests.evm.world_blocks import (
    COINBASE,
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
from blockstm.state.accounts import Account

OUTER, INNER, OTHER = (Address(bytes([byte]) * 20) for byte in (0xAA, 0xBB, 0xCC))
CALL_INNER = f"0 0 0 0 0 {number_of(INNER):#x} GAS CALL"
REVERT = "0 0 REVERT"
MEASURE_INNER = f"GAS {CALL_INNER} POP GAS SWAP1 SUB 0 MSTORE 32 0 LOG0 "


def costs(inner: str, outer: str, fork: str = "prague") -> list[int]:
    """What each call of the inner contract cost, in gas."""
    accounts = world({OUTER: contract(outer, 10), INNER: contract(inner, 10, {1: 1})})
    result, _ = run(fork, accounts, [transaction(0, OUTER)])
    return [int.from_bytes(log.data, "big") for log in result.outcomes[0].value.logs]


@pytest.mark.parametrize("inner", ["5 SLOAD", f"{number_of(OTHER):#x} BALANCE", "1 1 SSTORE"])
def test_warmth_is_undone(inner: str) -> None:
    first, second, third = costs(f"{inner} {REVERT}", MEASURE_INNER * 3)
    assert first - second == 2500  # the inner contract itself stays warm
    assert second == third


@pytest.mark.parametrize("inner", ["5 SLOAD", f"{number_of(OTHER):#x} BALANCE"])
def test_warmth_stays_after_success(inner: str) -> None:
    _, second, third = costs(inner, MEASURE_INNER * 3)
    warm = costs("STOP", MEASURE_INNER * 2)[1]
    assert second == third
    assert second - warm <= 100 + 3 + 3


@pytest.mark.parametrize(
    ("change", "look", "value"),
    [
        ("7 1 SSTORE", "1 SLOAD", 1),
        ("7 1 SSTORE 8 1 SSTORE", "1 SLOAD", 1),
        ("7 1 TSTORE", "1 TLOAD", 0),
        (f"0 0 0 0 3 {number_of(NOBODY):#x} GAS CALL", "SELFBALANCE", 10),
        (f"0 0 0 0 3 {number_of(NOBODY):#x} GAS CALL", f"{number_of(NOBODY):#x} BALANCE", 0),
        (f"{number_of(NOBODY):#x} SELFDESTRUCT", "SELFBALANCE", 10),
    ],
)
def test_changes_are_undone(change: str, look: str, value: int) -> None:
    # Called with something it looks and answers; called with nothing it changes and is undone:
    # the middle contract calls it and reverts.
    inner = f"CALLDATASIZE @look JUMPI {change} STOP look: {look} 0 MSTORE 32 0 RETURN"
    middle = f"{CALL_INNER} POP {REVERT}"
    ask = f"32 0 1 0 0 {number_of(INNER):#x} GAS CALL POP 32 0 LOG0 "
    accounts = world(
        {
            OUTER: contract(f"0 0 0 0 0 {number_of(OTHER):#x} GAS CALL POP {ask}"),
            OTHER: contract(middle),
            INNER: contract(inner, 10, {1: 1}),
        }
    )
    result, _ = run("cancun", accounts, [transaction(0, OUTER)])
    [log] = result.outcomes[0].value.logs
    assert int.from_bytes(log.data, "big") == value


def test_a_creation_that_is_undone_can_be_repeated() -> None:
    initcode = initcode_of(assemble("STOP"))
    inner = f"CALLDATASIZE 0 0 CALLDATACOPY 0 CALLDATASIZE 0 0 CREATE2 0 MSTORE {REVERT}"
    factory = inner.replace(REVERT, "32 0 RETURN")
    copy = "CALLDATASIZE 0 0 CALLDATACOPY "
    call_and_undo = f"0 0 CALLDATASIZE 0 0 {number_of(INNER):#x} GAS CALL POP"
    create = "0 CALLDATASIZE 0 0 CREATE2 0 MSTORE 32 0 LOG0 "
    accounts = world({OUTER: contract(copy + call_and_undo + " " + create), INNER: contract(inner)})
    result, state = run("cancun", accounts, [transaction(0, OUTER, data=initcode)])
    [log] = result.outcomes[0].value.logs
    assert state.account(Address(log.data[12:])).code == assemble("STOP")
    assert state.account(INNER).nonce == 1
    assert state.account(OUTER).nonce == 2
    accounts[INNER] = contract(factory)
    view, _ = spy_on("cancun", accounts, transaction(0, INNER, data=initcode))
    assert view.written[INNER, "nonce"] == 2


def test_a_refund_is_undone() -> None:
    kept = run("london", _clearing("STOP"), [transaction(0, OUTER)])[0].outcomes[0].gas_used
    lost = run("london", _clearing(REVERT), [transaction(0, OUTER)])[0].outcomes[0].gas_used
    assert lost - kept == 4800 + 6  # the refund, and the two words that REVERT takes


def _clearing(end: str) -> dict[Address, Account]:
    inner = contract(f"0 1 SSTORE {end}", 0, {1: 1})
    return world({OUTER: contract(CALL_INNER), INNER: inner})


def test_a_log_is_undone() -> None:
    accounts = world(
        {
            OUTER: contract(f"1 0 0 LOG1 {CALL_INNER} 3 0 0 LOG1"),
            INNER: contract(f"2 0 0 LOG1 {REVERT}"),
        }
    )
    result, _ = run("istanbul", accounts, [transaction(0, OUTER)])
    topics = [int.from_bytes(log.topics[0], "big") for log in result.outcomes[0].value.logs]
    assert topics == [1, 3]


def test_a_touch_is_undone() -> None:
    touch = f"0 0 0 0 0 {number_of(EMPTY):#x} 1000 CALL POP "
    for end, is_gone in (("STOP", True), ("0 JUMP", False)):
        accounts = world(
            {EMPTY: Account(), OUTER: contract(CALL_INNER), INNER: contract(touch + end)}
        )
        view, _ = spy_on("spurious_dragon", accounts, transaction(0, OUTER))
        assert ((EMPTY, "recorded") in view.written) == is_gone


def test_the_touch_of_ripemd160_is_never_undone() -> None:
    ripemd160 = Address(bytes(19) + b"\3")
    call = "0 0 0 0 0 3 1 CALL POP"  # out of gas
    accounts = world({ripemd160: Account(), OUTER: contract(call)})
    view, _ = spy_on("spurious_dragon", accounts, transaction(0, OUTER))
    assert (ripemd160, "recorded") in view.written


def test_before_empty_accounts_were_cleared_it_was_undone() -> None:
    ripemd160 = Address(bytes(19) + b"\3")
    for gas, is_there in ((1, False), (10_000, True)):
        accounts = world({OUTER: contract(f"0 0 0 0 0 3 {gas} CALL POP")})
        view, _ = spy_on("tangerine_whistle", accounts, transaction(0, OUTER))
        assert ((ripemd160, "recorded") in view.written) is is_there


def test_a_failed_transaction_pays_and_does_nothing_else() -> None:
    accounts = world({OUTER: contract("7 1 SSTORE INVALID", 5)})
    view, execution = spy_on("berlin", accounts, transaction(0, OUTER, value=3, gas=100_000))
    assert execution.error == "invalid opcode"
    assert execution.gas_used == 100_000
    assert {key[0] for key in view.written} == {SENDERS[0], COINBASE}
    assert view.written[SENDERS[0], "nonce"] == 1


def test_a_delegation_outlives_the_failure_of_its_transaction() -> None:
    wish = SimpleNamespace(chain_id=0, address=OTHER, nonce=0)
    accounts = world({OUTER: contract(REVERT), OTHER: contract("STOP")})
    step = transaction(
        0, OUTER, type=4, authorizations=(wish,), authorities=(NOBODY,), access_list=()
    )
    view, execution = spy_on("prague", accounts, step)
    assert not execution.succeeded
    assert view.written[NOBODY, "nonce"] == 1
    assert (NOBODY, "code_hash") in view.written


def test_a_delegation_that_is_taken_away_leaves_no_code() -> None:
    wish = SimpleNamespace(chain_id=0, address=Address(bytes(20)), nonce=1)
    accounts = world({NOBODY: contract(b"\xef\x01\x00" + OTHER)})
    step = transaction(0, OTHER, type=4, authorizations=(wish,), authorities=(NOBODY,))
    _, state = run("prague", accounts, [step])
    assert state.account(NOBODY).code == b""
    assert state.account(NOBODY).nonce == 2


@pytest.mark.parametrize("wrong", [{"nonce": 5}, {"chain_id": 9}, {"nonce": 2**64 - 1}])
def test_an_authorization_that_is_no_good_is_passed_over(wrong: dict[str, int]) -> None:
    wish = SimpleNamespace(**{"chain_id": 1, "address": OTHER, "nonce": 0, **wrong})
    step = transaction(0, OTHER, type=4, authorizations=(wish,), authorities=(NOBODY,))
    view, execution = spy_on("osaka", world(), step)
    assert execution.gas_used == 21_000 + 25_000
    assert not any(key[0] == NOBODY for key in view.written)
