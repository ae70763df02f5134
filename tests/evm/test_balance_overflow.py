"""Balances beyond 2**256 - 1: taken modulo 2**256, whatever was read, on every VM."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import Address, BlockNumber
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evm.world_blocks import COINBASE, SENDERS, contract, transaction
from tests.vm.pyevm.blocks import SENDERS as PYEVM_SENDERS
from tests.vm.pyevm.blocks import Call, signed

import blockstm
from blockstm import reference
from blockstm.bench.evm.assembly import assemble
from blockstm.ethereum import Transaction
from blockstm.executor import explore
from blockstm.state.accounts import Account, AccountState
from blockstm.testing import assert_same_result
from blockstm.types import DELETED
from blockstm.vm.context import BlockContext
from blockstm.vm.evm import BlockEnd, Evm, Signed
from blockstm.vm.pyevm import PyEvm

MOST = 2**256 - 1
TARGETS = {
    "nothing": "STOP",
    "looks at its balance": "SELFBALANCE POP",
    "looks at the balance of another": f"{0xCC << 152} BALANCE POP",
    "pays on what it got": "0 0 0 0 CALLVALUE 0xee GAS CALL POP",
    "looks and pays on what it got": "SELFBALANCE POP 0 0 0 0 CALLVALUE 0xee GAS CALL POP",
    "pays itself": "0 0 0 0 1 ADDRESS GAS CALL POP",
    "looks and pays itself": "SELFBALANCE POP 0 0 0 0 1 ADDRESS GAS CALL POP",
    "pays all it has": "0 0 0 0 SELFBALANCE 0xee GAS CALL POP",
    "gives itself away": "0xee SELFDESTRUCT",
    "reverts": "0 0 REVERT",
}
NAMES = list(TARGETS)
CONTRACTS = {name: Address(bytes([0xCC]) + bytes(18) + bytes([n])) for n, name in enumerate(NAMES)}
EE = Address(b"\xee".rjust(20, b"\0"))
balances = st.sampled_from([0, 1, 5, 2**255, MOST - 1, MOST, MOST])


def block_context(coinbase: Address) -> BlockContext:
    return BlockContext(
        number=BlockNumber(1), timestamp=1, coinbase=coinbase, gas_limit=10**8,
        base_fee_per_gas=0, excess_blob_gas=0, blob_base_fee=1,
    )  # fmt: skip


def world_of(held: dict[Any, int]) -> AccountState:
    accounts = {address: Account(balance) for address, balance in held.items() if balance}
    for name, address in CONTRACTS.items():
        accounts[address] = contract(assemble(TARGETS[name]), held.get(address, 0))
    return AccountState(accounts)


def total_of(state: AccountState) -> int:
    return sum(account.balance for _, account in state.accounts()) % 2**256


def after(state: AccountState, writes: Any) -> AccountState:
    changed = state.copy()
    changed.apply(writes)
    return changed


steps = st.lists(
    st.tuples(
        st.integers(0, 3), st.sampled_from([*CONTRACTS.values(), *SENDERS[:4], EE, COINBASE]),
        st.sampled_from([0, 1, 2, 5, 2**255]),
    ),
    min_size=1, max_size=6,
)  # fmt: skip


@pytest.mark.parametrize("fork", ["london", "cancun"])
@settings(deadline=None)
@given(st.data())
def test_every_way_to_run_a_block_gives_the_same_balances(fork: str, data: Any) -> None:
    held = {sender: MOST - data.draw(st.integers(0, 9)) for sender in SENDERS[:4]}
    for address in (*CONTRACTS.values(), EE, COINBASE):
        held[address] = data.draw(balances)
    state = world_of(held)
    nonces = dict.fromkeys(range(4), 0)
    block: list[Any] = []
    for sender, to, value in data.draw(steps):
        members = {"value": value, "gas_price": data.draw(st.sampled_from([0, 1])), "gas": 100_000}
        block.append(transaction(sender, to, nonce=nonces[sender], **members))
        nonces[sender] += 1
    paid = data.draw(st.lists(st.tuples(st.sampled_from([EE, COINBASE, *SENDERS[:2]]), balances)))
    block.append(BlockEnd(withdrawals=paid))
    evm = Evm(fork, block_context(COINBASE))
    options: Any = {"on_invalid": "skip"}
    expected = reference.execute_block(block, state, evm, **options)
    for workers in (1, 2):
        result = blockstm.execute_block(block, state, evm, workers=workers, **options)
        assert_same_result(result, expected)
    choices = data.draw(st.lists(st.integers(0, 3), max_size=60))
    explored = explore(block, state, evm, choices=choices, **options)
    assert explored.result is not None
    assert_same_result(explored.result, expected)
    # As a Python VM of the engine, too.
    called = blockstm.execute_block(block, state, lambda view, step: evm(view, step), **options)
    assert dict(called.writes) == dict(expected.writes)
    assert all(
        value is DELETED or value < 2**256
        for key, value in expected.writes.items()
        if key[1:] == ("balance",)
    )
    ended = after(state, expected.writes)
    assert total_of(ended) == (total_of(state) + sum(amount for _, amount in paid)) % 2**256


@pytest.mark.parametrize("held", [MOST, MOST - 1, 2**255])
@pytest.mark.parametrize("name", TARGETS)
def test_py_evm_gives_the_same_balances(name: str, held: int) -> None:
    to, block = CONTRACTS[name], block_context(COINBASE)
    state = world_of({PYEVM_SENDERS[0]: 10**18, to: held, EE: MOST})
    calls = [Call(0, to, value=value, gas=100_000, gas_price=0) for value in (1, 2, 5)]
    theirs = signed("london", calls)
    ours = [Signed(Transaction.decode(each.encode()), PYEVM_SENDERS[0]) for each in theirs]
    one = blockstm.execute_block(theirs, state, PyEvm("london", block))
    other = blockstm.execute_block(ours, state, Evm("london", block))
    assert dict(after(state, one.writes).accounts()) == dict(after(state, other.writes).accounts())


def test_a_receiver_of_all_there_is_wraps_whether_or_not_it_looks() -> None:
    for name in ("nothing", "looks at its balance"):
        to = CONTRACTS[name]
        state = world_of({SENDERS[0]: 10**18, to: MOST})
        evm = Evm("cancun", block_context(COINBASE))
        pay = transaction(0, to, value=1, gas=100_000, gas_price=0)
        for execute_block in (blockstm.execute_block, reference.execute_block):
            ended = after(state, execute_block([pay], state, evm).writes)
            assert ended.get((to, "balance"), 0) == 0
