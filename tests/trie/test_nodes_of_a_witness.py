"""Tries over the nodes of a witness: as those in memory, whatever was looked at before."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from eth_typing import Address
from tests.fixtures import mainnet_block, needed_witness

from blockstm import execute_block
from blockstm._native.trie.tries import NodeStore, Trie
from blockstm.errors import DecodeError, InputError, MissingNode, StateError
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import decode, encode
from blockstm.ethereum.files.block_files import read_block_file
from blockstm.ethereum.tries.state_trie import AccountChange, StateTrie, state_root
from blockstm.ethereum.witnesses import Witness, WitnessState, read_witness
from blockstm.state.accounts import Account

KEYS = [bytes([high, low]) for high in range(0, 256, 17) for low in range(0, 256, 5)]
SMALL_BLOCK = 1149999


def full(draw: random.Random, count: int = 300) -> dict[bytes, bytes]:
    """Entries whose values are long, so that every node is known by its hash."""
    return {keccak(key): draw.randbytes(40) for key in draw.sample(KEYS, count)}


def in_memory(content: dict[bytes, bytes]) -> Trie:
    trie = Trie()
    trie.update(content)
    return trie


def nodes_of(content: dict[bytes, bytes]) -> list[bytes]:
    trie = in_memory(content)
    return list({node for key in content for node in trie.prove(key)})


def over_nodes(content: dict[bytes, bytes]) -> Trie:
    return Trie(in_memory(content).root(), NodeStore(nodes_of(content)))


@pytest.mark.parametrize("seed", range(6))
def test_changes_come_to_the_same_root(seed: int) -> None:
    draw = random.Random(seed)
    content = full(draw)
    trie, copies = over_nodes(content), []
    for turn in range(40):
        for key in draw.sample(sorted(content), 3):
            del content[key]
            trie.delete(key)
        for key in (keccak(draw.randbytes(4)), draw.choice(sorted(content))):
            content[key] = draw.randbytes(draw.randint(1, 50))
            trie.set(key, content[key])
        if turn % 10 == 0:
            copies.append((trie.copy(), dict(content)))
    for changed, expected in [*copies, (trie, content)]:
        assert changed.root() == in_memory(expected).root()
        assert dict(changed.items()) == expected


@pytest.mark.parametrize("is_behind", [True, False])
def test_neighbours_are_found_in_branches_that_nobody_looked_at(is_behind: bool) -> None:
    content = full(random.Random(7), 60)
    keys = sorted(content, reverse=not is_behind)
    for one, other in pairwise(keys):
        trie = over_nodes(content)
        assert (trie.after(one) if is_behind else trie.before(one)) == (other, content[other])


def test_a_copy_may_look_where_the_other_does_not() -> None:
    content = full(random.Random(8))
    trie = over_nodes(content)
    copied = trie.copy()
    first, *_, last = sorted(content)
    copied.set(first, b"changed")
    trie.delete(last)
    assert copied.get(last) == content[last]
    assert trie.get(first) == content[first]
    assert copied.root() == in_memory(content | {first: b"changed"}).root()
    assert trie.root() == in_memory({k: v for k, v in content.items() if k != last}).root()


def test_each_child_of_a_branch_is_checked_when_the_branch_is_read() -> None:
    """Also those that no key leads to."""
    content = full(random.Random(9))
    key = min(content)
    trie = in_memory(content)
    top = decode(trie.prove(key)[0])
    for child in range(16):
        for wrong in (top[child][:-1], top[child] + b"\0", [top[child]]):
            node = encode([*top[:child], wrong, *top[child + 1 :]])
            with pytest.raises(DecodeError):
                Trie(keccak(node), NodeStore([node])).get(key)


def test_the_node_that_is_missing_is_named() -> None:
    content = full(random.Random(10))
    whole = in_memory(content)
    for key in sorted(content)[::20]:
        top, below, *_ = whole.prove(key)
        partial = Trie(whole.root(), NodeStore([top]))
        with pytest.raises(MissingNode) as caught:
            partial.get(key)
        assert caught.value.hash == keccak(below)
        partial.store.add(whole.prove(key))
        assert partial.get(key) == content[key]


def test_a_store_finds_all_nodes_and_keeps_each_once() -> None:
    draw = random.Random(11)
    nodes = [draw.randbytes(draw.choice((1, 40, 135, 136, 137, 600))) for _ in range(5_000)]
    store = NodeStore()
    for begin in range(0, len(nodes), 700):
        store.add([*nodes[: begin // 2], *nodes[begin : begin + 700], b""])
    assert len(store) == len(set(nodes))
    assert all(keccak(node) in store for node in nodes)
    assert keccak(b"") not in store
    assert keccak(b"something else") not in store


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 300])
def test_others_are_hashed_beside_the_nodes(count: int) -> None:
    draw = random.Random(count)
    codes = [draw.randbytes(draw.randint(0, 24_576)) for _ in range(count)]
    nodes = [draw.randbytes(100) for _ in range(count)]
    store = NodeStore()
    assert store.add(nodes, codes) == [keccak(code) for code in codes]
    assert len(store) == count
    assert not any(keccak(code) in store for code in codes if code not in nodes)
    with pytest.raises(InputError):
        store.add(nodes, ["no bytes"])


def test_a_code_that_is_no_bytes_is_refused() -> None:
    with pytest.raises(InputError, match="a code is bytes, not str"):
        WitnessState(Witness(StateTrie().root, (), ("6000",)))  # type: ignore[arg-type]  # on purpose


def test_many_changes_by_several_threads_come_to_the_same_root() -> None:
    accounts = {Address(keccak(bytes([n & 255, n >> 8]))[12:]): n + 1 for n in range(3_000)}
    before = {each: Account(balance) for each, balance in accounts.items()}
    whole = StateTrie.of(before)
    nodes = {node for address in accounts for node in whole.prove(address, ()).nodes}
    partial = StateTrie(whole.root, nodes, workers=2)
    partial.update({each: AccountChange(balance=balance * 2) for each, balance in accounts.items()})
    after = {each: Account(balance * 2) for each, balance in accounts.items()}
    assert partial.root == state_root(after)


def test_no_changed_byte_of_a_node_goes_unseen() -> None:
    """A node that is another has another hash, so that it is missing where a key leads to it."""
    file = read_block_file(mainnet_block(SMALL_BLOCK))
    witness = read_witness(needed_witness(SMALL_BLOCK))
    draw = random.Random(12)
    hashes = file.block_hashes

    def root_with(nodes: tuple[bytes, ...]) -> bytes | None:
        state = WitnessState(Witness(witness.parent_state_root, nodes))
        return execute_block(file.block, state, "evm", block_hashes=hashes).state_root

    needed = 0
    for place, node in enumerate(witness.nodes):
        changed = bytearray(node)
        changed[draw.randrange(len(node))] ^= 1 << draw.randrange(8)
        nodes = (*witness.nodes[:place], bytes(changed), *witness.nodes[place + 1 :])
        try:
            assert root_with(nodes) == file.block.header.state_root  # nobody needed it
        except (StateError, MissingNode):
            needed += 1
    assert needed >= 10
