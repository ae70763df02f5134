"""Tries whose work several threads share: the roots are those of tries by one thread."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from eth_typing import Address, Hash32

from blockstm.errors import ConfigError, MissingNode
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.tries.state_trie import AccountChange, StateTrie, state_root
from blockstm.state.accounts import EMPTY_CODE_HASH, Account

# More than what one thread is left with (threads.hpp).
MANY = 3_000
WORKERS = (1, 2, 3, 16, 40)

State = dict[Address, Account]
Changes = dict[Address, AccountChange]


def addresses(draw: random.Random) -> Iterator[Address]:
    while True:
        yield Address(draw.randbytes(20))


def a_storage(draw: random.Random, size: int) -> dict[int, int]:
    return {
        draw.randrange(2 * size + 2): draw.getrandbits(draw.choice((8, 256))) for _ in range(size)
    }


def an_account(draw: random.Random) -> Account:
    size = draw.choice((0, 0, 0, 1, 4))
    return Account(
        draw.getrandbits(80), draw.randrange(9), None, EMPTY_CODE_HASH, a_storage(draw, size)
    )


def a_state(draw: random.Random, count: int = MANY) -> State:
    state = {
        address: an_account(draw) for address, _ in zip(addresses(draw), range(count), strict=False)
    }
    for address in draw.sample(sorted(state), 3):
        state[address] = replace(state[address], storage=a_storage(draw, MANY))
    return state


def a_change(draw: random.Random, size: int) -> AccountChange:
    return AccountChange(
        nonce=draw.choice((None, 0, 7)),
        balance=draw.choice((None, 0, draw.getrandbits(70))),
        code_hash=draw.choice((None, None, Hash32(keccak(b"code")))),
        storage={slot: draw.choice((0, value)) for slot, value in a_storage(draw, size).items()},
        cleared=draw.random() < 0.1,
        exists=draw.choice((None, None, None, True, False)),
    )


def changes_to(draw: random.Random, state: State) -> Changes:
    """Of accounts that are there, and some that are not; two with slots enough to be shared."""
    there = draw.sample(sorted(state), len(state) // 2)
    fresh = [address for address, _ in zip(addresses(draw), range(MANY // 4), strict=False)]
    changes = {address: a_change(draw, draw.choice((0, 0, 2))) for address in there + fresh}
    crowded = sorted(state, key=lambda address: len(state[address].storage))[-2:]
    changes.update((address, replace(a_change(draw, MANY), exists=True)) for address in crowded)
    return changes


def changed(state: State, changes: Changes) -> State:
    after = dict(state)
    for address, change in changes.items():
        account = after.pop(address, Account(code=None, code_hash=EMPTY_CODE_HASH))
        storage = {**({} if change.cleared else account.storage), **change.storage}
        account = replace(
            account,
            nonce=account.nonce if change.nonce is None else change.nonce,
            balance=account.balance if change.balance is None else change.balance,
            code_hash=account.code_hash if change.code_hash is None else change.code_hash,
            storage={slot: value for slot, value in storage.items() if value},
        )
        is_empty = (
            not account.nonce and not account.balance and account.code_hash == EMPTY_CODE_HASH
        )
        if change.exists or (change.exists is None and not is_empty):
            after[address] = account
    return after


@pytest.mark.parametrize("workers", WORKERS)
def test_the_root_is_that_of_the_whole_state_block_by_block(workers: int) -> None:
    draw = random.Random(workers)
    state = a_state(draw)
    trie = StateTrie.of(state, workers=workers)
    assert trie.root == state_root(state)
    for _ in range(3):
        changes = changes_to(draw, state)
        after = changed(state, changes)
        then = trie.copy()
        then.update(changes)
        assert then.root == state_root(after)
        assert trie.root == state_root(state)
        trie, state = then, after


@pytest.mark.stress
def test_who_did_what_makes_no_difference_later() -> None:
    """Nodes made by one thread are changed, shared and freed by others."""
    draw = random.Random(1)
    state = a_state(draw)
    trie = StateTrie.of(state, workers=4)
    for _ in range(6):
        changes = changes_to(draw, state)
        trie = trie.copy(workers=draw.choice(WORKERS))
        trie.update(changes)
        if draw.random() < 0.5:  # a root may come after several updates
            assert trie.root == state_root(changed(state, changes))
        state = changed(state, changes)
    assert trie.root == state_root(state)


def test_keys_that_begin_alike() -> None:
    """No branch stands at the top, or not at first, below whose children threads could work."""
    draw = random.Random(2)
    alike = (address for address in addresses(draw) if keccak(address)[0] >> 4 == 7)
    state = {address: an_account(draw) for address, _ in zip(alike, range(MANY // 2), strict=False)}
    trie = StateTrie.of(state, workers=4)
    assert trie.root == state_root(state)
    other = {
        address: an_account(draw) for address, _ in zip(addresses(draw), range(MANY), strict=False)
    }
    trie.update(
        {
            address: AccountChange(
                account.nonce, account.balance, None, account.storage, exists=True
            )
            for address, account in other.items()
        }
    )
    assert trie.root == state_root({**state, **other})


def test_a_block_that_needs_a_missing_node_changes_nothing() -> None:
    draw = random.Random(3)
    state = a_state(draw)
    whole = StateTrie.of(state)
    top = whole.prove(next(iter(state))).nodes[0]
    partial = StateTrie(whole.root, [top], workers=4)
    with pytest.raises(MissingNode) as raised:
        partial.update(changes_to(draw, state))
    assert raised.value.hash in top
    assert partial.root == whole.root


def test_nobody_to_work_is_refused() -> None:
    for make in (lambda: StateTrie(workers=0), lambda: StateTrie().copy(workers=-1)):
        with pytest.raises(ConfigError, match="at least 1"):
            make()


@pytest.mark.stress
def test_states_that_share_nodes_are_changed_at_the_same_time() -> None:
    draw = random.Random(4)
    state = a_state(draw, MANY // 2)
    trie = StateTrie.of(state, workers=4)
    blocks = [changes_to(draw, state) for _ in range(4)]

    def root_after(changes: Changes) -> Hash32:
        then = trie.copy()
        then.update(changes)
        return then.root

    with ThreadPoolExecutor(4) as pool:
        roots = list(pool.map(root_after, 3 * blocks))
    assert roots == 3 * [state_root(changed(state, changes)) for changes in blocks]
