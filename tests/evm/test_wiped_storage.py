"""A creation where there is storage and nothing else: from Amsterdam on that is wiped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_typing import Address
from tests.evm.world_blocks import SENDERS, context, contract, transaction, world

from blockstm import execute_block, reference
from blockstm.bench.evm.assembly import assemble
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.results.accesses import fold_accesses
from blockstm.ethereum.tries.state_trie import state_root
from blockstm.state.accounts import Account, AccountState, balance_of
from blockstm.vm.evm import Evm

FACTORY = Address(b"\x0f" * 20)


def deploys(initcode: bytes) -> str:
    """A contract that creates it with CREATE2 and salt 0, and keeps the address in slot 0."""
    assert len(initcode) <= 32
    word = int.from_bytes(initcode.ljust(32, b"\0"), "big")
    return f"{word:#066x} 0 MSTORE 0 {len(initcode)} 0 0 CREATE2 0 SSTORE"


def place_of(initcode: bytes) -> Address:
    return Address(keccak(b"\xff" + FACTORY + bytes(32) + keccak(initcode))[12:])


# Slot 9 becomes what slot 7 is, and 1 more.
KEEPS = assemble("7 SLOAD 1 ADD 9 SSTORE")
REVERTS = assemble("7 SLOAD 9 SSTORE 0 0 REVERT")
DESTROYS = assemble("7 SLOAD 1 ADD 9 SSTORE 1 SELFDESTRUCT")
STORAGE = {7: 5, 8: 6}


def run(fork: str, initcode: bytes, execute: Any, *, turns: int = 1) -> tuple[Any, AccountState]:
    """The factory called ``turns`` times on a state whose account there has storage alone."""
    accounts = world(
        {
            FACTORY: contract(deploys(initcode)),
            place_of(initcode): Account(balance=3, storage=STORAGE),
        }
    )
    state = AccountState(accounts)
    block = replace(context(fork), has_access_list=True)
    steps = [transaction(0, FACTORY, nonce=turn, gas=1_000_000) for turn in range(turns)]
    result = execute(steps, state, Evm(fork, block))
    listed = fold_accesses(
        [outcome.value.accesses for outcome in result.outcomes],
        lambda address: state.get(balance_of(address), 0),
    )
    after = state.copy()
    after.apply(result.writes)
    return {entry.address: entry for entry in listed.accounts}, after


EXECUTES = pytest.mark.parametrize("execute", [reference.execute_block, execute_block])


@EXECUTES
def test_storage_is_wiped_by_a_creation(execute: Any) -> None:
    entries, after = run("amsterdam", KEEPS, execute)
    place = place_of(KEEPS)
    account = after.account(place)
    assert account is not None
    assert (account.nonce, account.balance, dict(account.storage)) == (1, 3, {9: 1})
    assert entries[place].storage_changes == ((9, ((0, 1),)),)
    assert entries[place].storage_reads == (7,)
    fresh = dict(after.accounts())
    assert state_root(after.accounts()) == state_root(AccountState(fresh).accounts())


@EXECUTES
def test_a_creation_that_fails_leaves_the_storage(execute: Any) -> None:
    entries, after = run("amsterdam", REVERTS, execute)
    account = after.account(place_of(REVERTS))
    assert account is not None
    assert (account.nonce, account.balance, dict(account.storage)) == (0, 3, STORAGE)
    assert entries[place_of(REVERTS)].storage_changes == ()
    assert entries[place_of(REVERTS)].storage_reads == (7, 9)


@EXECUTES
def test_what_is_destroyed_at_once_has_no_storage_and_keeps_nothing(execute: Any) -> None:
    _, after = run("amsterdam", DESTROYS, execute, turns=2)
    assert after.account(place_of(DESTROYS)) is None
    assert after.account(Address(bytes(19) + b"\x01")).balance == 3


@EXECUTES
@pytest.mark.parametrize("initcode", [KEEPS, DESTROYS])
def test_before_amsterdam_it_is_a_collision(initcode: bytes, execute: Any) -> None:
    _, after = run("osaka", initcode, execute)
    account = after.account(place_of(initcode))
    assert account is not None
    assert (account.nonce, account.balance, dict(account.storage)) == (0, 3, STORAGE)
    assert after.account(FACTORY).storage == {}
    assert after.account(SENDERS[0]).nonce == 1
