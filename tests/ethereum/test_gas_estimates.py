"""Estimates of gas and access lists: what go-ethereum gives, and what a plain search gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ethereum.exchanges import data, exchanges, message_of_json, recorded

from blockstm.bench.evm.assembly import assemble, initcode_of
from blockstm.errors import CallError, ConfigError
from blockstm.ethereum import (
    Account,
    AccountOverride,
    AccountState,
    Authorization,
    BlockOverrides,
    Message,
    Reason,
    call,
    create_access_list,
    estimate_gas,
)
from blockstm.ethereum.calls import estimation
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.types import Address

ALICE = Address(b"\xaa" * 20)
CONTRACT, INNER = Address(b"\xc0" * 20), Address(b"\xc1" * 20)


def contract(source: str, **members: Any) -> Account:
    code = assemble(source)
    return Account(0, 1, code, keccak(code), **members)


def call_inner(gas: str) -> str:
    """Fails unless the inner call, which gets so much gas, succeeds."""
    return f"0 0 0 0 0 0x{INNER.hex()} {gas} CALL @well JUMPI INVALID well: STOP"


PROGRAMS = {
    "plain": ("1 0 SSTORE", "STOP"),
    "refunds": ("0 0 SSTORE 0 1 SSTORE", "STOP"),
    "a call within": (call_inner("GAS"), "1 0 SSTORE 1 1 SSTORE"),
    "a call with a fixed gas": (call_inner("50000"), "1 0 SSTORE"),
    "asks for gas": ("GAS 90000 LT @well JUMPI INVALID well: STOP", "STOP"),
    "much within": (call_inner("GAS"), "5000 again: 1 SWAP1 SUB DUP1 @again JUMPI"),
    "a creation": ("0 0 0 CREATE POP", "STOP"),
}
STORAGE = {0: 1, 1: 2}


def state_of(program: str) -> AccountState:
    outer, inner = PROGRAMS[program]
    accounts = {
        ALICE: Account(10**18),
        CONTRACT: contract(outer, storage=STORAGE),
        INNER: contract(inner),
    }
    return AccountState(accounts)


def least(state: AccountState, message: Message, highest: int, **options: Any) -> int:
    """The least gas that suffices, by halving all that there is."""
    low, high = 0, highest
    while low + 1 < high:
        middle = (low + high) // 2
        result = call(state, Message(**{**members(message), "gas": middle}), **options)
        low, high = (low, middle) if result.succeeded else (middle, high)
    return high


def members(message: Message) -> dict[str, Any]:
    return {name: getattr(message, name) for name in Message.__slots__}


@pytest.mark.parametrize("exchange", exchanges()["eth_estimateGas"], ids=lambda each: each.name)
def test_an_estimate_is_what_another_client_has_given(exchange: Any) -> None:
    chain = recorded()
    options = chain.at_head
    message = message_of_json(exchange.params[0])
    error = exchange.answer.get("error")
    if error is None:
        assert estimate_gas(chain.state, message, **options) == int(exchange.result, 16)
        return
    with pytest.raises(CallError) as raised:
        estimate_gas(chain.state, message, **options)
    assert str(raised.value) == error["message"]
    assert raised.value.result.output == data(error["data"])


@pytest.mark.parametrize("fork", ["byzantium", "berlin", "london", "prague", "amsterdam"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_an_estimate_is_the_least_gas_that_suffices(program: str, fork: str) -> None:
    state, message = state_of(program), Message(sender=ALICE, to=CONTRACT)
    exact = least(state, message, 30_000_000, fork=fork)
    assert estimate_gas(state, message, fork=fork, error_ratio=0) == exact
    near = estimate_gas(state, message, fork=fork)
    assert exact <= near <= exact * 1.02
    assert call(state, Message(sender=ALICE, to=CONTRACT, gas=near), fork=fork).succeeded


@given(
    st.sampled_from(sorted(PROGRAMS)),
    st.binary(max_size=300),
    st.integers(0, 10**18),
    st.sampled_from([None, 60_000, 200_000]),
    st.sampled_from([0, 0.015, 0.3]),
)
def test_an_estimate_suffices_and_is_near(
    program: str, payload: bytes, value: int, gas: int | None, ratio: float
) -> None:
    state = state_of(program)
    message = Message(sender=ALICE, to=CONTRACT, data=payload, value=value, gas=gas)
    highest = gas or 30_000_000
    whole = call(state, Message(**{**members(message), "gas": highest}), fork="prague")
    if not whole.succeeded:
        with pytest.raises(CallError):
            estimate_gas(state, message, fork="prague", error_ratio=ratio)
        return
    exact = least(state, message, highest, fork="prague")
    found = estimate_gas(state, message, fork="prague", error_ratio=ratio)
    assert exact <= found
    assert (found - exact) <= ratio * found


def test_an_estimate_takes_few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    run = estimation._Search._run
    monkeypatch.setattr(
        estimation._Search, "_run", lambda self, gas: runs.append(gas) or run(self, gas)
    )
    for program in PROGRAMS:
        runs.clear()
        estimate_gas(state_of(program), Message(sender=ALICE, to=CONTRACT))
        assert len(runs) <= 12, program  # halving takes 24


def test_a_transfer_is_estimated_as_such() -> None:
    state = state_of("plain")
    assert estimate_gas(state, Message(sender=ALICE, to=Address(b"\x99" * 20), value=1)) == 21_000
    listed = Message(sender=ALICE, to=Address(b"\x99" * 20), access_list=((CONTRACT, (1,)),))
    assert estimate_gas(state, listed, fork="cancun", error_ratio=0) == 21_000 + 2_400 + 1_900


def test_what_its_sender_cannot_pay_is_not_tried() -> None:
    state = state_of("plain")
    poor = {ALICE: AccountOverride(balance=22_000)}
    message = Message(sender=ALICE, to=CONTRACT, gas_price=1)
    with pytest.raises(CallError, match=r"gas required exceeds allowance \(22000\)"):
        estimate_gas(state, message, overrides=poor)
    with pytest.raises(CallError, match="insufficient funds"):
        estimate_gas(state, Message(sender=ALICE, to=CONTRACT, gas_price=1, value=10**18))
    with pytest.raises(CallError) as raised:
        estimate_gas(state, Message(sender=ALICE, to=CONTRACT, value=10**18 + 1))
    assert raised.value.result.rejection.reason == Reason.INSUFFICIENT_FUNDS


def test_the_gas_that_may_be_tried_is_capped() -> None:
    state, message = state_of("plain"), Message(sender=ALICE, to=CONTRACT)
    with pytest.raises(CallError, match=r"exceeds allowance \(22000\)"):
        estimate_gas(state, message, gas_cap=22_000)
    with pytest.raises(CallError, match=r"exceeds allowance \(22500\)"):
        estimate_gas(state, message, block_overrides=BlockOverrides(gas_limit=22_500))
    endless = {CONTRACT: AccountOverride(code=assemble("again: @again JUMP"))}
    block = BlockOverrides(gas_limit=40_000_000)
    for fork, most in (("prague", 40_000_000), ("osaka", 16_777_216)):
        with pytest.raises(CallError, match=rf"exceeds allowance \({most}\)"):
            estimate_gas(state, message, overrides=endless, block_overrides=block, fork=fork)


def test_a_ratio_that_is_none_is_refused() -> None:
    for ratio in (-0.1, 1, "0"):
        with pytest.raises(ConfigError, match="error_ratio"):
            estimate_gas(state_of("plain"), Message(to=CONTRACT), error_ratio=ratio)  # type: ignore[arg-type]  # on purpose


# ---- access lists


@pytest.mark.parametrize("exchange", exchanges()["eth_createAccessList"], ids=lambda e: e.name)
def test_a_list_is_what_another_client_has_given(exchange: Any) -> None:
    chain = recorded()
    message = message_of_json(exchange.params[0])
    made = create_access_list(chain.state, message, **chain.at_head)
    told = [
        {
            "address": f"0x{address.hex()}",
            "storageKeys": [f"0x{slot:064x}" for slot in slots],
        }
        for address, slots in made.access_list
    ]
    assert told == exchange.result["accessList"]
    assert made.result.gas_used == int(exchange.result["gasUsed"], 16)
    assert made.result.error.startswith(exchange.result.get("error", ""))


def listed(source: str, message: Message | None = None) -> dict[Any, Any]:
    state = AccountState(
        {ALICE: Account(10**18), CONTRACT: contract(source), INNER: contract("1 2 SSTORE")}
    )
    made = create_access_list(state, message or Message(sender=ALICE, to=CONTRACT))
    assert made.result.execution is not None
    return dict(made.access_list)


def test_the_list_has_what_is_looked_at_and_cold() -> None:
    far = Address(b"\x99" * 20)
    assert listed("STOP") == {}
    assert listed("1 3 SSTORE 2 SLOAD") == {CONTRACT: (2, 3)}
    assert listed(f"0x{far.hex()} BALANCE") == {far: ()}
    assert listed(f"0x{far.hex()} SELFDESTRUCT") == {far: ()}
    assert listed(f"0x{ALICE.hex()} BALANCE 4 EXTCODESIZE ADDRESS EXTCODEHASH") == {}
    inner = f"0 0 0 0 0 0x{INNER.hex()} GAS CALL"
    assert listed(inner) == {INNER: (2,)}
    assert listed(f"0 0 0 0 0x{INNER.hex()} GAS DELEGATECALL") == {CONTRACT: (2,), INNER: ()}
    assert listed(f"{inner} 0 0 REVERT") == {INNER: (2,)}


def test_slots_of_what_is_created_are_in_the_list() -> None:
    initcode = assemble("1 5 SSTORE")
    source = f"PUSH32 0x{initcode.hex():0<64} 0 MSTORE {len(initcode)} 0 0 CREATE"
    created = call(AccountState({}), Message(sender=CONTRACT, data=b"")).created
    assert created is not None
    ((address, slots),) = listed(source).items()
    assert slots == (5,)
    assert address not in (ALICE, CONTRACT)
    made = listed("STOP", Message(sender=ALICE, data=initcode + initcode_of(b"")))
    assert list(made.values()) == [(5,)]


def test_the_list_follows_what_it_changes() -> None:
    """With slot 1 listed there is enough gas for what comes after it."""
    source = "1 SLOAD POP GAS 24000 LT @more JUMPI STOP more: 7 SLOAD"
    state = AccountState({ALICE: Account(10**18), CONTRACT: contract(source)})
    message = Message(sender=ALICE, to=CONTRACT, gas=21_000 + 2_400 + 2 * 1_900 + 24_500)
    made = create_access_list(state, message)
    assert dict(made.access_list) == {CONTRACT: (1, 7)}
    alone = call(state, Message(**{**members(message), "access_list": made.access_list}))
    assert alone.execution == made.result.execution


def test_a_list_that_is_given_is_kept() -> None:
    given_list = ((INNER, ()), (CONTRACT, (9,)), (ALICE, ()))
    made = listed("3 SLOAD", Message(sender=ALICE, to=CONTRACT, access_list=given_list))
    assert made == {CONTRACT: (3, 9), INNER: ()}


def test_authorities_are_warm() -> None:
    authorization = Authorization(0, INNER, 0, 0, 2**200, 2**200)
    state = AccountState({CONTRACT: contract("STOP")})
    message = Message(to=CONTRACT, authorizations=(authorization,))
    assert create_access_list(state, message, fork="prague").result.succeeded
