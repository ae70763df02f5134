"""Roots of states: at once, and kept up to date change by change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_typing import Address, Hash32
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.trie.state_oracle import slow_state_root

from blockstm._native.trie.records import Records
from blockstm._native.trie.roots import state_root as root_of_records
from blockstm._native.trie.tries import AccountTries, NodeStore, Trie
from blockstm.errors import DecodeError, InputError, MissingNode
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT, keccak
from blockstm.ethereum.tries.state_trie import AccountChange, StateTrie, changes_of, state_root
from blockstm.state.accounts import EMPTY_CODE_HASH, Account, AccountState
from blockstm.types import DELETED

ALICE, BOB, CAROL = (Address(bytes([i]) * 20) for i in (1, 2, 3))
CODE_HASH = Hash32(keccak(b"code"))

numbers = st.sampled_from([0, 1, 0x7F, 0x80, 2**64 - 1])
words = numbers | st.sampled_from([2**255, 2**256 - 1]) | st.integers(0, 2**256 - 1)
slots = st.integers(0, 40) | words
addresses = st.integers(0, 12).map(lambda i: Address(bytes([i]) * 20))
hashes = st.sampled_from([EMPTY_CODE_HASH, CODE_HASH])
storages = st.dictionaries(slots, words, max_size=6)
accounts = st.builds(Account, words, numbers, st.none(), hashes, storages)
states = st.dictionaries(addresses, accounts, max_size=8)
changes = st.builds(
    AccountChange,
    st.none() | numbers,
    st.none() | words,
    st.none() | hashes,
    storages,
    st.booleans(),
    st.none() | st.booleans(),
)
blocks = st.lists(st.dictionaries(addresses, changes, max_size=6), max_size=4)


def changed(state: dict[Address, Account], block: dict[Address, AccountChange]) -> Any:
    """What the changes of a block mean, said once more."""
    after = dict(state)
    for address, change in block.items():
        account = state.get(address, Account(code=None))
        storage = {**({} if change.cleared else account.storage), **change.storage}
        account = replace(
            account,
            nonce=account.nonce if change.nonce is None else change.nonce,
            balance=account.balance if change.balance is None else change.balance,
            code_hash=change.code_hash or account.code_hash,
            storage=storage,
        )
        after.pop(address, None)
        if change.exists or (change.exists is None and not account.is_empty):
            after[address] = account
    return after


@settings(max_examples=40, deadline=None)
@given(states)
def test_the_root_is_that_of_another_implementation(state: dict[Address, Account]) -> None:
    expected = slow_state_root(state)
    assert state_root(state) == expected
    assert state_root(iter(state.items())) == expected
    assert StateTrie.of(state).root == expected
    as_accounts = {a: x for a, x in state.items() if not x.is_empty or not any(x.storage.values())}
    held = AccountState(as_accounts)
    assert state_root(held.accounts()) == slow_state_root(as_accounts)


@settings(max_examples=80, deadline=None)
@given(states, blocks)
def test_changes_block_by_block_give_the_root_of_what_is_left(
    state: dict[Address, Account], blocks: list[dict[Address, AccountChange]]
) -> None:
    trie = StateTrie.of(state)
    for block in blocks:
        before, root = trie, trie.root
        trie = before.copy()
        trie.update(block)
        after = changed(state, block)
        assert trie.root == state_root(after)
        assert before.root == root
        _assert_same(trie, after)
        _assert_same(before, state)
        state = after


def _assert_same(trie: StateTrie, state: dict[Address, Account]) -> None:
    for address in {*state, ALICE, CAROL}:
        found, account = trie.account(address), state.get(address)
        assert (found is None) == (account is None)
        if found is None or account is None:
            continue
        assert (found.nonce, found.balance) == (account.nonce, account.balance)
        assert found.code_hash == account.code_hash
        for slot, value in account.storage.items():
            assert trie.slot(address, slot) == value


@settings(max_examples=40, deadline=None)
@given(states, st.dictionaries(addresses, changes, max_size=4))
def test_a_witness_is_completed_node_by_node(
    state: dict[Address, Account], block: dict[Address, AccountChange]
) -> None:
    """Each node that is missing is added when it is named; until then the state is as it was."""
    full = StateTrie.of(state)
    nodes = {keccak(node): node for node in _all_nodes(full, state)}
    partial = StateTrie(full.root)
    for _ in range(len(nodes) + 1):
        try:
            partial.update(block)
            break
        except MissingNode as error:
            missing = error
        assert partial.root == full.root
        partial.add_nodes([nodes[Hash32(missing.hash)]])
    assert partial.root == state_root(changed(state, block))


def _all_nodes(trie: StateTrie, state: dict[Address, Account]) -> list[bytes]:
    found = []
    for address, account in state.items():
        proof = trie.prove(address, account.storage)
        found += proof.nodes
        for slot, (value, nodes) in proof.storage.items():
            assert value == account.storage[slot]
            found += nodes
    return found


def test_a_proof_names_the_nodes_of_account_and_slots() -> None:
    state = {ALICE: Account(1, storage={7: 8, 9: 10}), BOB: Account(2)}
    trie = StateTrie.of(state)
    proof = trie.prove(ALICE, [7, 11])
    alone = StateTrie(trie.root, [*proof.nodes, *proof.storage[7][1], *proof.storage[11][1]])
    assert alone.account(ALICE) == proof.account
    assert [alone.slot(ALICE, slot) for slot in (7, 11)] == [8, 0]
    assert {slot: value for slot, (value, _) in proof.storage.items()} == {7: 8, 11: 0}
    with pytest.raises(MissingNode):
        alone.account(BOB)
    assert trie.prove(CAROL).account is None
    assert trie.prove(CAROL, [1]).storage == {1: (0, [])}


def test_what_adds_comes_before_what_removes() -> None:
    """One of two leaves a branch and a third joins it: the other one is never looked at."""

    def sharing(key: Callable[[int], bytes]) -> list[int]:
        """Three numbers whose keys share the first nibble of their hashes and no second one."""
        found = [i for i in range(300) if keccak(key(i))[0] >> 4 == 7]
        by_second = {keccak(key(i))[0] & 15: i for i in found}
        return list(by_second.values())[:3]

    other, leaves, joins = sharing(lambda i: i.to_bytes(32, "big"))
    state = {ALICE: Account(1, storage={other: 2**255, leaves: 2**255, 300: 1, 301: 1})}
    full = StateTrie.of(state)
    proof = full.prove(ALICE, [leaves, joins])
    nodes = [*proof.nodes, *proof.storage[leaves][1], *proof.storage[joins][1]]
    partial = StateTrie(full.root, nodes)
    partial.update({ALICE: AccountChange(storage={leaves: 0, joins: 3})})
    storage = {other: 2**255, 300: 1, 301: 1, joins: 3}
    assert partial.root == state_root({ALICE: Account(1, storage=storage)})
    with pytest.raises(MissingNode):
        StateTrie(full.root, nodes).update({ALICE: AccountChange(storage={leaves: 0})})

    one, two, three = (
        Address(i.to_bytes(20, "big")) for i in sharing(lambda i: i.to_bytes(20, "big"))
    )
    rest = {ALICE: Account(1), BOB: Account(1), CAROL: Account(1)}
    full = StateTrie.of({one: Account(1), two: Account(1), **rest})
    nodes = [*full.prove(two).nodes, *full.prove(three).nodes]
    partial = StateTrie(full.root, nodes)
    partial.update({two: AccountChange(balance=0), three: AccountChange(balance=5)})
    assert partial.root == state_root({one: Account(1), three: Account(5), **rest})
    with pytest.raises(MissingNode):
        StateTrie(full.root, nodes).update({two: AccountChange(balance=0)})


# ---- what a block's writes mean


def test_writes_are_changes() -> None:
    writes = {
        (ALICE, "balance"): 5,
        (ALICE, "nonce"): DELETED,
        (ALICE, "storage", 0, 1): 2,
        (ALICE, "storage", 0, 3): DELETED,
        (BOB, "epoch"): 2,
        (BOB, "nonce"): 1,
        (BOB, "code_hash"): DELETED,
        (BOB, "storage", 0, 1): 1,
        (BOB, "storage", 2, 4): 6,
        (CAROL, "recorded"): True,
        ("code", CODE_HASH): b"code",
    }
    assert changes_of(writes, {}) == {
        ALICE: AccountChange(nonce=0, balance=5, storage={1: 2, 3: 0}),
        BOB: AccountChange(nonce=1, code_hash=EMPTY_CODE_HASH, storage={4: 6}, cleared=True),
        CAROL: AccountChange(exists=True),
    }


def test_an_empty_account_stays_where_it_was_recorded() -> None:
    before = AccountState({ALICE: Account(), BOB: Account()})
    trie = StateTrie.of(dict(before.accounts()))
    writes = {(ALICE, "balance"): DELETED, (BOB, "recorded"): DELETED}
    trie.apply(writes, before)
    assert trie.root == state_root({ALICE: Account()})


def test_writes_have_the_root_of_the_state_that_took_them() -> None:
    state = AccountState({ALICE: Account(9, 1, storage={1: 1, 2: 2}), BOB: Account(1)})
    trie = StateTrie.of(state.accounts())
    writes = {
        (ALICE, "epoch"): 1,
        (ALICE, "balance"): DELETED,
        (ALICE, "storage", 1, 2): 3,
        (BOB, "balance"): DELETED,
        (CAROL, "balance"): 10,
    }
    trie.apply(writes, state)
    state.apply(writes)
    assert trie.root == state_root(state.accounts())


# ---- bad input


@pytest.mark.parametrize(
    "arguments",
    [
        (b"short",),
        (ALICE, -1),
        (ALICE, 2**64),
        (ALICE, "1"),
        (ALICE, 0, 2**256),
        (ALICE, 0, -1),
        (ALICE, 0, 1.5),
        (ALICE, 0, 0, b"short"),
        (ALICE, 0, 0, None, {-1: 1}),
        (ALICE, 0, 0, None, {1: 2**256}),
        (ALICE, 0, 0, None, {"1": 1}),
        (ALICE, 0, 0, None, {1: None}),
    ],
)
def test_what_is_no_account_is_refused(arguments: tuple[Any, ...]) -> None:
    records = Records()
    records.add(BOB, 1)
    with pytest.raises(InputError):
        records.add(*arguments)
    assert root_of_records(records.data()) == state_root({BOB: Account(nonce=1)})


def test_twice_the_same_is_refused() -> None:
    with pytest.raises(InputError, match="twice"):
        state_root([(ALICE, Account(1)), (ALICE, Account(2))])


def test_records_that_do_not_follow_their_layout_are_refused() -> None:
    records = Records()
    records.add(ALICE, 1, 2, CODE_HASH, {3: 4})
    good = records.data()
    tries = AccountTries()
    take: Callable[[bytes], object]
    for take in (root_of_records, tries.apply):
        for size in range(1, len(good)):
            with pytest.raises(InputError):
                take(good[:size])
        with pytest.raises(InputError):
            take(good[:20] + b"\x30" + good[21:])  # an existence that is none
        with pytest.raises(InputError):
            take(good[:93] + b"\xff\xff\xff\xff" + good[97:])
    assert tries.root() == EMPTY_TRIE_ROOT


@pytest.mark.parametrize(
    "value",
    [
        b"\x80",
        b"\xc0",
        b"account",
        b"\xc4\x01\x01\x01\x01",
        b"\xf8\x43\x80\x80" + b"\xa0" * 33 + b"\x9f" * 32,
        b"\xf8\x45\x80\x00" + b"\xa0" * 66 + b"\x80",
        b"\xf8\x4d" + b"\x89" * 10 + b"\x80" + b"\xa0" * 66,
        b"\xf8\x45\x81\x80\x00" + b"\xa0" * 66,
    ],
)
def test_an_account_that_is_none_is_refused(value: bytes) -> None:
    trie = Trie()
    trie.set(keccak(ALICE), value)
    tries = AccountTries(trie.root(), NodeStore(trie.prove(keccak(ALICE))))
    before = tries.root()
    records = Records()
    records.add(ALICE, balance=1)
    for call in (
        lambda: tries.account(ALICE),
        lambda: tries.slot(ALICE, 0),
        lambda: tries.apply(records.data()),
    ):
        with pytest.raises(DecodeError, match=keccak(ALICE).hex()):
            call()
    assert tries.root() == before
    assert tries.account(BOB) is None
