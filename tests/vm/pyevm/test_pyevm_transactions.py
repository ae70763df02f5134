"""Blocks on the engine's accounts come out as on py-evm's own database."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils import to_canonical_address
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.vm.pyevm.blocks import (
    BASE_FEE,
    COINBASE,
    GAS_PRICE,
    SENDERS,
    Call,
    context,
    contract,
    funded,
    run,
    run_on_pyevm,
    signed,
)
from tests.vm.pyevm.contracts import (
    CELLS,
    FACTORY,
    FORWARDER,
    OBSERVER,
    OLD_FACTORY,
    creation_of,
    number_of,
    words,
)

from blockstm.config import Config
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.executor import Executor
from blockstm.testing import assert_serial_equivalent
from blockstm.types import DELETED
from blockstm.vm.pyevm import FORKS, Account, AccountState, PyEvm

FACTORY_AT, CELLS_AT, FORWARDER_AT, OBSERVER_AT, OLD_FACTORY_AT = (
    bytes([0xA0 + i]) * 20 for i in range(5)
)
CHILD = CELLS + b"\0"  # code that nobody has yet
EMPTY_AT, NOBODY_AT, BEEF_AT = b"\xe0" * 20, b"\xe1" * 20, bytes(18) + b"\xbe\xef"
RIPEMD_AT = bytes(19) + b"\x03"
CHILD_AT = keccak(b"\xff" + FACTORY_AT + bytes(32) + keccak(creation_of(CHILD)))[12:]
OLD_CHILD_AT = to_canonical_address(keccak(b"\xd6\x94" + OLD_FACTORY_AT + b"\x01")[12:])
PLACES = [
    *SENDERS,
    COINBASE,
    FACTORY_AT,
    CELLS_AT,
    FORWARDER_AT,
    OBSERVER_AT,
    EMPTY_AT,
    NOBODY_AT,
    BEEF_AT,
    RIPEMD_AT,
    CHILD_AT,
    OLD_CHILD_AT,
]
WORLD = funded(
    {
        FACTORY_AT: contract(FACTORY),
        OLD_FACTORY_AT: contract(OLD_FACTORY),
        CELLS_AT: contract(CELLS, balance=3, storage={0: 5, 1: 6}),
        FORWARDER_AT: contract(FORWARDER, balance=100),
        OBSERVER_AT: contract(OBSERVER),
        EMPTY_AT: Account(),
    }
)

places = st.sampled_from(PLACES)
small = st.integers(0, 3)
calls = st.one_of(
    st.tuples(st.just(FACTORY_AT), st.just(creation_of(CHILD)), small),
    st.tuples(st.just(OLD_FACTORY_AT), st.just(creation_of(CHILD)), small),
    st.tuples(st.just(b""), st.sampled_from([creation_of(CHILD), b"", b"\xfe"]), small),
    st.tuples(
        st.sampled_from([CELLS_AT, CHILD_AT, OLD_CHILD_AT]),
        st.lists(small, max_size=3).map(lambda numbers: words(*numbers)),
        small,
    ),
    st.tuples(
        st.just(FORWARDER_AT),
        st.builds(lambda to, value, undo: words(number_of(to), value, undo), places, small, small),
        small,
    ),
    st.tuples(st.just(OBSERVER_AT), places.map(number_of).map(words), small),
    st.tuples(places, st.just(b""), small),
)
blocks = st.lists(
    st.builds(
        lambda sender, call, price: Call(sender, *call, gas_price=price),
        st.integers(0, 3),
        calls,
        st.sampled_from([BASE_FEE, GAS_PRICE]),  # from London on the former tips nothing
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode:DeprecationWarning")  # the oracle's
@pytest.mark.parametrize("fork", list(FORKS))
@settings(max_examples=25, deadline=None)
@given(block=blocks, coinbase=places)
def test_a_block_ends_as_on_the_database_of_pyevm(
    fork: str, block: list[Call], coinbase: bytes
) -> None:
    result, state = run(fork, WORLD, block, coinbase)
    computations, oracle = run_on_pyevm(fork, WORLD, signed(fork, block), coinbase)
    for outcome, computation in zip(result.outcomes, computations, strict=True):
        assert outcome.value.succeeded == computation.is_success
        logs = [] if computation.is_error else computation.get_log_entries()
        assert [log.data for log in outcome.value.logs] == [data for _, _, data in logs]
    for address in {*PLACES, coinbase, *(key[0] for key in result.writes if key[0] != "code")}:
        assert _account(state, address) == _account_on_pyevm(oracle, address), address.hex()


def _account(state: Any, address: bytes) -> tuple[Any, ...]:
    epoch = state.get((address, "epoch")) or 0
    balance, nonce, code_hash, recorded = (
        state.get((address, what)) for what in ("balance", "nonce", "code_hash", "recorded")
    )
    return (
        any((balance, nonce, code_hash, recorded)),
        balance or 0,
        nonce or 0,
        (state.get(("code", code_hash)) if code_hash else None) or b"",
        [state.get((address, "storage", epoch, slot)) or 0 for slot in range(4)],
    )


def _account_on_pyevm(state: Any, address: bytes) -> tuple[Any, ...]:
    return (
        state.account_exists(address),
        state.get_balance(address),
        state.get_nonce(address),
        state.get_code(address),
        [state.get_storage(address, slot) for slot in range(4)],
    )


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("fork", ["constantinople", "london", "shanghai"])
def test_a_destroyed_contract_comes_back_without_its_storage(fork: str, workers: int) -> None:
    initcode = creation_of(CHILD)
    block = [
        Call(0, FACTORY_AT, initcode),
        Call(1, CHILD_AT, words(0, 7)),
        Call(2, CHILD_AT, words(0)),  # logs 7
        Call(3, CHILD_AT),  # destroys itself
        Call(2, CHILD_AT, words(0)),  # nobody there: logs nothing
        Call(0, FACTORY_AT, initcode),
        Call(2, CHILD_AT, words(0)),  # logs 0, not 7
        Call(1, CHILD_AT, words(1, 9)),
        Call(2, CHILD_AT, words(1)),  # logs 9
    ]
    with Executor(Config(gate=False), workers=workers) as executor:
        result, state = run(fork, WORLD, block, execute_block=executor.execute_block)
    logged = [[int.from_bytes(log.data, "big") for log in o.value.logs] for o in result.outcomes]
    assert logged == [[], [], [7], [], [], [], [0], [], [9]]
    assert _account(state, CHILD_AT) == (True, 0, 1, CHILD, [0, 9, 0, 0])
    assert result == run(fork, WORLD, block)[0]


def test_a_destroyed_contract_comes_back_the_same_in_every_explored_schedule() -> None:
    initcode = creation_of(CHILD)
    block = [
        Call(0, FACTORY_AT, initcode),
        Call(1, CHILD_AT, words(0, 7)),
        Call(3, CHILD_AT),  # destroys itself
        Call(0, FACTORY_AT, initcode),
        Call(2, CHILD_AT, words(0)),  # logs 0, not 7
    ]
    vm = PyEvm("shanghai", context("shanghai"))
    transactions = signed("shanghai", block)
    ran = assert_serial_equivalent(transactions, AccountState(WORLD), vm, schedules=100)
    assert ran.result is not None
    assert ran.result.outcomes[4].value.logs[0].data == bytes(32)


@pytest.mark.parametrize("fork", ["cancun", "prague"])
def test_since_cancun_an_old_contract_survives_its_self_destruct(fork: str) -> None:
    result, state = run(fork, WORLD, [Call(0, CELLS_AT), Call(1, CELLS_AT, words(0))])
    assert [int.from_bytes(log.data, "big") for log in result.outcomes[1].value.logs] == [5]
    assert _account(state, CELLS_AT) == (True, 0, 1, CELLS, [5, 6, 0, 0])
    assert _account(state, BEEF_AT)[1] == 3


def test_before_spurious_dragon_a_touched_account_exists() -> None:
    _, state = run("tangerine_whistle", WORLD, [Call(0, NOBODY_AT, gas_price=0)])
    assert _account(state, NOBODY_AT)[0]
    assert _account(state, COINBASE)[0]
    assert _account(state, EMPTY_AT)[0]


def test_since_spurious_dragon_a_touched_empty_account_is_gone() -> None:
    block = [Call(0, NOBODY_AT, gas_price=0), Call(1, EMPTY_AT, gas_price=0)]
    result, state = run("spurious_dragon", WORLD, block)
    assert not _account(state, NOBODY_AT)[0]
    assert not _account(state, COINBASE)[0]
    assert not _account(state, EMPTY_AT)[0]
    assert result.writes[EMPTY_AT, "recorded"] is DELETED


def test_before_spurious_dragon_a_call_to_an_empty_account_costs_less_than_to_none() -> None:
    block = [Call(0, OBSERVER_AT, words(number_of(at))) for at in (EMPTY_AT, NOBODY_AT)]
    result, _ = run("tangerine_whistle", WORLD, block)
    costs = [int.from_bytes(o.value.logs[0].data[64:], "big") for o in result.outcomes]
    assert costs[1] - costs[0] == 25_000


@pytest.mark.parametrize("workers", [1, 2])
def test_a_beneficiary_that_sends_and_receives_ends_with_the_exact_sum(workers: int) -> None:
    coinbase = SENDERS[0]
    block = [
        Call(1, NOBODY_AT, value=1),
        Call(0, NOBODY_AT, value=10),  # the beneficiary pays itself the fee
        Call(2, coinbase, value=100),
        Call(3, OBSERVER_AT, words(number_of(coinbase))),
    ]
    with Executor(Config(gate=False), workers=workers) as executor:
        result, state = run("shanghai", WORLD, block, coinbase, executor.execute_block)
    tip, gas = GAS_PRICE - BASE_FEE, [o.gas_used for o in result.outcomes]
    seen = int.from_bytes(result.outcomes[3].value.logs[0].data[:32], "big")
    before_last = 10**18 - 10 + 100 + tip * (gas[0] + gas[2]) - BASE_FEE * gas[1]
    assert seen == before_last
    assert state.get((coinbase, "balance")) == before_last + tip * gas[3]


def test_a_fee_is_a_delta_and_never_a_read() -> None:
    result, _ = run("shanghai", WORLD, [Call(i, NOBODY_AT, value=1) for i in range(4)])
    assert result.writes[COINBASE, "balance"] == sum(
        (GAS_PRICE - BASE_FEE) * outcome.gas_used for outcome in result.outcomes
    )
