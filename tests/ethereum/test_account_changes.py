"""What a block did, account by account: the same whenever it is read, on whatever state it ran."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from eth_typing import Address
from tests.ethereum import made
from tests.evm.world_blocks import SENDERS, context, contract, transaction, world

import blockstm
from blockstm.ethereum import (
    Account,
    AccountChange,
    AccountState,
    StateTrie,
    changes_of,
    prepare,
    state_root,
)
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.vm.evm import Evm

A, B, EMPTY = Address(b"\xaa" * 20), Address(b"\xbb" * 20), Address(b"\xe0" * 20)
DYING = contract("CALLER SELFDESTRUCT", balance=5, storage={1: 10})
STORES = contract("PUSH1 3 PUSH1 4 SSTORE PUSH1 0 PUSH1 5 SSTORE", storage={5: 50})


def ran(fork: str, state: Any, *steps: Any, workers: int = 2) -> Any:
    return blockstm.execute_block(list(steps), state, Evm(fork, context(fork)), workers=workers)


def state_of_all() -> AccountState:
    return AccountState(world({A: DYING, B: STORES, EMPTY: Account()}))


def writes_of_all(fork: str, state: Any) -> Any:
    code = bytes.fromhex("60015f5260205ff3")  # returns a word: 31 zeros and a one
    steps = [
        transaction(0, A),
        transaction(1, B),
        transaction(2, EMPTY),
        transaction(3, None, data=code if fork >= "shanghai" else b""),
        transaction(4, Address(b"\x77" * 20), value=9),
    ]
    return ran(fork, state, *steps).writes


def test_changes_name_accounts_and_slots() -> None:
    state = state_of_all()
    changes = changes_of(writes_of_all("shanghai", state), state)
    made_at = next(a for a, change in changes.items() if change.code is not None)
    assert changes[A] == AccountChange(
        nonce=0, balance=0, code_hash=keccak(b""), cleared=True, exists=False
    )
    assert changes[B] == AccountChange(storage={4: 3, 5: 0})
    assert changes[Address(b"\x77" * 20)] == AccountChange(balance=9)
    assert changes[made_at].code == bytes(31) + b"\1"
    assert changes[made_at].nonce == 1
    assert changes[SENDERS[1]].nonce == 1
    assert A in changes
    assert Address(b"\x78" * 20) not in changes
    assert changes.get(b"\x78" * 20) is None
    assert len(changes) == len(list(changes)) == len(dict(changes))


def test_before_spurious_dragon_an_empty_account_is_there() -> None:
    state = AccountState(world())
    nobody = Address(b"\x66" * 20)
    changes = changes_of(ran("frontier", state, transaction(0, nobody)).writes, state)
    assert changes[nobody] == AccountChange(exists=True)
    state.apply(changes)
    assert state.account(nobody) == Account()
    richer = changes_of(ran("frontier", state, transaction(1, nobody, value=2)).writes, state)
    assert richer[nobody] == AccountChange(balance=2)


@pytest.mark.parametrize("fork", ["frontier", "spurious_dragon", "london", "shanghai", "cancun"])
def test_changes_read_late_are_those_read_at_once(fork: str) -> None:
    state = state_of_all()
    writes = writes_of_all(fork, state)
    early, late, last = (changes_of(writes, state) for _ in range(3))
    expected = dict(early)
    undo = state.apply(late, undo=True)
    assert dict(late) == expected
    state.apply({a: AccountChange(balance=1, nonce=7) for a in expected})
    state.apply({a: AccountChange(exists=False) for a in expected})
    assert last == late == expected
    assert undo[A].balance == 5


@pytest.mark.parametrize("fork", ["frontier", "london", "shanghai", "cancun"])
def test_changes_on_any_state_are_the_same(fork: str) -> None:
    state = state_of_all()
    locations = {}
    for address, account in state.accounts():
        fields = {"balance": account.balance, "nonce": account.nonce}
        locations |= {(address, name): value for name, value in fields.items() if value}
        locations |= {(address, "storage", 0, s): v for s, v in account.storage.items()}
        if account.code:
            locations[address, "code_hash"] = account.code_hash
            locations["code", account.code_hash] = account.code
        elif account.is_empty:
            locations[address, "recorded"] = True

    class Reader:
        def get(self, key: Any) -> Any:
            return locations.get(key)

    expected = dict(changes_of(writes_of_all(fork, state), state))
    for before in (locations, Reader()):
        writes = writes_of_all(fork, before)
        assert changes_of(writes, before) == expected
        assert changes_of(dict(writes), before) == expected


def test_changes_do_to_a_state_and_its_tries_what_the_writes_do() -> None:
    for fork in ("frontier", "london", "cancun"):
        state = state_of_all()
        writes = writes_of_all(fork, state)
        changes = changes_of(writes, state)
        forms: list[Any] = [writes, dict(writes), changes, dict(changes), [*changes.items()]]
        forms += [[*writes.items()], pickle.loads(pickle.dumps(changes))]
        roots = set()
        for form in forms:
            after, trie = state.copy(), StateTrie.of(state.accounts())
            after.apply(form)
            trie.apply(dict(form) if isinstance(form, list) else form, state)
            roots |= {state_root(after.accounts()), trie.root}
        assert len(roots) == 1, fork


@pytest.mark.parametrize("vm", ["evm", "py-evm"])
@pytest.mark.parametrize("fork", ["frontier", "byzantium", "london"])
def test_the_writes_of_a_block_are_changes_on_both_vms(fork: str, vm: Any) -> None:
    state = AccountState({made.SENDERS[0]: Account(10**18), A: DYING, EMPTY: Account()})
    transactions = tuple(
        made.signed(0, nonce=n, to=to, value=v) for n, (to, v) in enumerate([(A, 0), (EMPTY, 0)])
    )
    block = made.block_of(transactions, fork)
    with blockstm.Executor(workers=2) as executor:
        executed = prepare(block, state, vm, fork=fork).run(executor.execute_block)
    assert executed.writes[A].exists is False
    assert executed.writes[made.SENDERS[0]].nonce == 2
    is_gone = fork != "frontier"
    assert (EMPTY not in executed.writes) == (not is_gone)
    with pytest.raises(TypeError):
        executed.writes[A] = AccountChange()  # type: ignore[index]  # that is what is tested
    state.apply(executed.writes)
    assert (state.account(EMPTY) is None) == is_gone
    assert state.account(A) is None
