"""EIP-4788 (Cancun): a contract keeps the beacon chain's roots; each block brings its own first."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import Address
from tests.eips.rules import Ran, before, run, since
from tests.evm.world_blocks import contract, transaction, words

from blockstm.state.accounts import Account
from blockstm.vm.evm import BlockStart

FORKS = since("cancun")
ROOTS = Address(bytes.fromhex("000f3df6d732807ef1319fb7b8bb8522d0beac02"))
CODE = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff"
    "810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff0155"
    "00"
)
LENGTH = 8_191
TIME = 1_710_338_135
ROOT = bytes(range(32))


def run_block(
    fork: str, *block: Any, accounts: dict[Address, Account] | None = None, **changed: Any
) -> Ran:
    """A block whose parent on the beacon chain has the root `ROOT`."""
    there = {ROOTS: contract(CODE)} if accounts is None else accounts
    changed = {"timestamp": TIME, "parent_beacon_block_root": ROOT, **changed}
    return run(fork, [BlockStart(), *block], there, **changed)


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("time", [1, LENGTH - 1, LENGTH, TIME])
def test_it_stores_the_time_and_the_root(fork: str, time: int) -> None:
    ran = run_block(fork, timestamp=time)
    stored = {time % LENGTH: time, time % LENGTH + LENGTH: int.from_bytes(ROOT, "big")}
    assert ran.state.account(ROOTS).storage == {k: v for k, v in stored.items() if v}


@pytest.mark.parametrize("fork", FORKS)
def test_every_transaction_finds_it(fork: str) -> None:
    asked = [words(TIME), words(TIME - 12), words(0), words(TIME) + b"\0", b""]
    ran = run_block(fork, *(transaction(i, ROOTS, data=data) for i, data in enumerate(asked)))
    executions = [outcome.value for outcome in ran.outcomes[1:]]
    assert [e.succeeded for e in executions] == [True, False, False, False, False]
    assert executions[0].output == ROOT


@pytest.mark.parametrize("fork", FORKS)
def test_older_roots_are_there_until_the_ring_comes_round(fork: str) -> None:
    old, older = TIME - 12, TIME - LENGTH
    storage = {old % LENGTH: old, old % LENGTH + LENGTH: 77, older % LENGTH: older}
    block = [transaction(i, ROOTS, data=words(time)) for i, time in enumerate((old, older))]
    ran = run_block(fork, *block, accounts={ROOTS: contract(CODE, storage=storage)})
    first, second = (outcome.value for outcome in ran.outcomes[1:])
    assert (first.succeeded, first.output) == (True, words(77))
    assert not second.succeeded  # the block's own root has its place


@pytest.mark.parametrize("fork", FORKS)
def test_a_transaction_finds_its_slots_cold(fork: str) -> None:
    # Two cold slots of 2,100; had the system's call warmed them, they would cost 100.
    ran = run_block(fork, *(transaction(i, ROOTS, data=words(TIME)) for i in range(2)))
    assert all(outcome.value.gas_before_refund > 15_000 + 2 * 2_100 for outcome in ran.outcomes[1:])
    costs = {outcome.value.gas_before_refund for outcome in ran.outcomes[1:]}
    assert len(costs) == 1


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(
    "code", ["0 0 REVERT", "INVALID", "0 again: @again JUMP", "1 0 SSTORE 0 0 REVERT"]
)
def test_a_call_that_fails_does_nothing(fork: str, code: str) -> None:
    there = {ROOTS: contract(code)}
    ran = run_block(fork, transaction(0, Address(b"\xee" * 20), value=1), accounts=there)
    assert ran.state.account(ROOTS) == there[ROOTS]
    assert ran.outcomes[1].value.succeeded


@pytest.mark.parametrize("fork", FORKS)
def test_without_the_contract_nothing_is_called(fork: str) -> None:
    ran = run_block(fork, accounts={})
    assert ran.state.account(ROOTS) is None


@pytest.mark.parametrize("fork", FORKS)
def test_the_call_of_the_system(fork: str) -> None:
    code = "CALLER 0 SSTORE CALLVALUE 1 SSTORE CALLDATASIZE 2 SSTORE 0 CALLDATALOAD 3 SSTORE "
    code += "ORIGIN 4 SSTORE GASPRICE 5 SSTORE GAS 6 SSTORE"
    ran = run_block(fork, accounts={ROOTS: contract(code, storage={1: 9})})
    stored = ran.state.account(ROOTS).storage
    system = 2**160 - 2
    assert [stored.get(slot, 0) for slot in range(5)] == [
        system,
        0,
        32,
        int.from_bytes(ROOT, "big"),
        system,
    ]
    assert 30_000_000 - 200_000 < stored[6] < 30_000_000


@pytest.mark.parametrize("fork", before("cancun")[-3:])
def test_before_it_the_contract_was_not_called(fork: str) -> None:
    ran = run_block(fork, accounts={ROOTS: contract("1 0 SSTORE")})
    assert ran.state.account(ROOTS).storage == {}
