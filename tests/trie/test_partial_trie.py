"""Tries of which only some nodes are at hand: what is missing is named, what is none refused."""

from __future__ import annotations

import contextlib
import gc
import random
from collections.abc import Callable
from typing import Any

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st

from blockstm._native.trie.roots import root
from blockstm._native.trie.tries import NodeStore, Trie
from blockstm.errors import DecodeError, InputError, MissingNode
from blockstm.ethereum.codecs.hashing import keccak

keys = st.lists(st.sampled_from([0, 1, 0x10, 0x11]), min_size=1, max_size=4).map(bytes)
values = st.binary(min_size=30, max_size=40)
contents = st.dictionaries(keys, values, min_size=1, max_size=25)
steps = st.lists(st.tuples(keys, values | st.just(b"")))
randoms = st.randoms(use_true_random=False)


def nodes_of(content: dict[bytes, bytes]) -> tuple[bytes, dict[bytes, bytes]]:
    """The root of a trie, and all its nodes by their hash."""
    trie = Trie()
    trie.update(content)
    nodes = {keccak(node): node for key in content for node in trie.prove(key)}
    return trie.root(), dict(nodes)


def answer(trie: Trie, call: Callable[..., Any], *arguments: Any, nodes: dict[bytes, bytes]) -> Any:
    """What a call returns once every node that it misses was added."""
    before = trie.root()
    for _ in range(len(nodes) + 1):
        try:
            return call(*arguments)
        except MissingNode as error:
            missing = error
        assert missing.hash not in trie.store
        assert missing.hash.hex() in str(missing)
        assert trie.root() == before
        trie.store.add([nodes[missing.hash]])
    raise AssertionError("a node that was added is missed again")


@pytest.mark.stress
@settings(max_examples=200, deadline=None)
@given(
    contents, st.lists(st.tuples(keys, values | st.just(b""))), st.randoms(use_true_random=False)
)
def test_a_missing_node_is_named_and_leaves_the_trie_as_it_was(
    content: dict[bytes, bytes], steps: list[tuple[bytes, bytes]], random: random.Random
) -> None:
    top, nodes = nodes_of(content)
    trie = Trie(top, NodeStore(node for node in nodes.values() if random.random() < 0.5))
    for key, value in steps:
        assert answer(trie, trie.get, key, nodes=nodes) == (content.get(key) or None)
        answer(trie, trie.set, key, value, nodes=nodes)
        content[key] = value
        assert trie.root() == root(content)


def test_only_what_leads_to_a_key_is_needed() -> None:
    content = {keccak(bytes([i])): bytes([i]) * 33 for i in range(200)}
    top, nodes = nodes_of(content)
    key = keccak(b"\7")
    full = Trie(top, NodeStore(nodes.values()))
    partial = Trie(top, NodeStore(full.prove(key)))
    assert partial.get(key) == content[key]
    partial.set(key, b"another")
    assert partial.root() == root(content | {key: b"another"})
    with pytest.raises(MissingNode):
        list(partial.items())


def test_a_removal_asks_for_the_sibling_that_moves_up() -> None:
    content = {b"\x11": b"a" * 40, b"\x12": b"b" * 40, b"\x22": b"c" * 40}
    top, nodes = nodes_of(content)
    sibling = keccak(rlp.encode([b"\x20", b"b" * 40]))
    trie = Trie(top, NodeStore(node for hash, node in nodes.items() if hash != sibling))
    with pytest.raises(MissingNode) as caught:
        trie.delete(b"\x11")
    assert caught.value.hash == sibling
    assert trie.root() == top
    assert trie.get(b"\x11") == b"a" * 40
    trie.store.add([nodes[sibling]])
    trie.delete(b"\x11")
    assert trie.root() == root({b"\x12": b"b" * 40, b"\x22": b"c" * 40})


def test_a_store_knows_what_it_holds() -> None:
    store = NodeStore([b"\xc1\x80", b"\xc1\x80"])
    assert len(store) == 1
    assert keccak(b"\xc1\x80") in store
    assert keccak(b"another") not in store
    store.add([b"", bytes([1])])
    assert len(store) == 2
    with pytest.raises(InputError):
        store.add(["0xc0"])  # type: ignore[list-item]  # that is the mistake
    with pytest.raises(InputError):
        assert b"short" in store


# ---- what is no node

HASH = b"\x07" * 32
LEAF = [b"\x20", b"v" * 40]


def branch(children: dict[int, Any], value: Any = b"") -> list[Any]:
    return [children.get(index, b"") for index in range(16)] + [value]


MALFORMED = {
    "a string": rlp.encode(b"v" * 40),
    "nothing": b"\xc0",
    "three items": rlp.encode([b"\x20", b"v", b"w" * 40]),
    "eighteen items": rlp.encode([b""] * 17 + [b"v" * 40]),
    "sixteen items": rlp.encode([b"v" * 40] * 16),
    "bytes after the end": rlp.encode(LEAF) + b"\0",
    "too few bytes": rlp.encode(LEAF)[:-1],
    "a long size for a short list": b"\xf8\x03" + rlp.encode([b"\x20", b"v"])[1:],
    "a byte that is its own encoding": b"\xe4\x81\x20\xa1" + b"v" * 33,
    "a leaf without a value": rlp.encode([b"\x20" + b"k" * 40, b""]),
    "a leaf with a list": rlp.encode([b"\x20", [b"v" * 40]]),
    "a path without flags": rlp.encode([b"", b"v" * 40]),
    "a path with an unknown flag": rlp.encode([b"\x40", b"v" * 40]),
    "a path with padding that is not zero": rlp.encode([b"\x21", b"v" * 40]),
    "a path that is a list": rlp.encode([[b"\x20"], b"v" * 40]),
    "a path longer than any key": rlp.encode([b"\x20" + b"k" * 256, b"v" * 40]),
    "an extension without a path": rlp.encode([b"\x00", HASH]),
    "an extension to nothing": rlp.encode([b"\x00" + b"k" * 40, b""]),
    "an extension to a short string": rlp.encode([b"\x00" + b"k" * 10, b"v" * 31]),
    "an extension to a leaf": rlp.encode([b"\x00" + b"k" * 30, [b"\x20", b"v"]]),
    "an extension to an extension": rlp.encode([b"\x00k", [b"\x00k", HASH[:26]]]),
    "an empty branch": rlp.encode(branch({})),
    "a branch of one": rlp.encode(branch({3: HASH})),
    "a branch with a value alone": rlp.encode(branch({}, b"v" * 40)),
    "a branch with a list for a value": rlp.encode(branch({1: HASH, 2: HASH}, [b"v"])),
    "a branch with a long node in it": rlp.encode(branch({1: HASH, 2: LEAF})),
    "a branch with a short hash": rlp.encode(branch({1: HASH, 2: HASH[:31]})),
}


@pytest.mark.parametrize("encoding", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_node_is_refused(encoding: bytes) -> None:
    top = keccak(encoding)
    trie = Trie(top, NodeStore([encoding]))
    calls: list[Callable[[], Any]] = [
        lambda: trie.get(b"key"),
        lambda: trie.set(b"key", b"value"),
        lambda: trie.delete(b"key"),
        lambda: trie.prove(b"key"),
        lambda: trie.after(b""),
    ]
    for call in calls:
        with pytest.raises(DecodeError, match=top.hex()) as caught:
            call()
        assert caught.value.place == f"node 0x{top.hex()}"
        assert trie.root() == top


@pytest.mark.parametrize("child", [LEAF, [b"\x00\x01", HASH], [b"\x20", b"v"], branch({1: b""})])
def test_below_an_extension_stands_a_branch(child: Any) -> None:
    below = rlp.encode(child)
    above = rlp.encode([b"\x00" + b"k" * 10, keccak(below)])
    trie = Trie(keccak(above), NodeStore([above, below]))
    with pytest.raises(DecodeError, match=keccak(below).hex()):
        trie.get(b"k" * 12)


def test_a_short_node_does_not_stand_by_its_hash() -> None:
    short = rlp.encode([b"\x20", b"v"])
    above = rlp.encode(branch({1: keccak(short), 2: HASH}))
    trie = Trie(keccak(above), NodeStore([above, short]))
    with pytest.raises(DecodeError):
        trie.get(b"\x1f")
    assert Trie(keccak(short), NodeStore([short])).get(b"") == b"v"  # but at the top it does


def test_nodes_below_the_longest_key_are_refused() -> None:
    """Each node stands below another in a chain longer than any key."""
    node = rlp.encode(LEAF)
    nodes = [node]
    for _ in range(600):
        node = rlp.encode(branch({0: keccak(node), 1: HASH}))
        nodes.append(node)
    trie = Trie(keccak(node), NodeStore(nodes))
    assert trie.get(b"\0" * 254) is None
    for call in (trie.get, trie.prove, trie.delete, trie.before):
        with pytest.raises(DecodeError):
            call(b"\0" * 255)
    with pytest.raises(DecodeError):
        trie.after(b"")


# Structures like nodes, but for most of what makes them right; children are nodes made before.
flags = st.sampled_from([0x00, 0x10, 0x11, 0x20, 0x30, 0x31, 0x40])
paths = st.builds(lambda flag, rest: bytes([flag]) + rest, flags, keys)
shapes = st.sampled_from(["leaf", "extension", "branch", "branch", "bytes"])


@pytest.mark.stress
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_garbage_hangs_or_crashes(data: st.DataObject) -> None:
    nodes: list[bytes] = [rlp.encode(LEAF)]
    for _ in range(data.draw(st.integers(1, 8))):
        link = st.sampled_from(nodes).map(keccak)
        inline = st.sampled_from(nodes).map(lambda node: rlp.decode(node, strict=False))
        child = link | inline | st.just(HASH) | st.just(b"") | st.binary(max_size=33)
        shape = data.draw(shapes)
        if shape == "leaf":
            item: Any = [data.draw(paths), data.draw(st.binary(max_size=40))]
        elif shape == "extension":
            item = [data.draw(paths), data.draw(child)]
        elif shape == "branch":
            places = data.draw(st.dictionaries(st.integers(0, 15), child, min_size=1, max_size=6))
            item = branch(places, data.draw(st.just(b"") | st.binary(max_size=40)))
        else:
            item = data.draw(st.binary(max_size=40))
        nodes.append(rlp.encode(item))
    trie = Trie(keccak(nodes[-1]), NodeStore(nodes))
    for key in [b"", b"\0", b"\x01\x10", *data.draw(st.lists(keys, max_size=5))]:
        for call in (trie.get, trie.after, trie.before, trie.prove, trie.delete):
            _try(call, key)
        _try(trie.set, key, data.draw(values))
        trie.copy().root()
    assert len(trie.root()) == 32


@pytest.mark.stress
@settings(max_examples=150, deadline=None)
@given(contents, randoms)
def test_no_changed_byte_hangs_or_crashes(
    content: dict[bytes, bytes], random: random.Random
) -> None:
    """A byte of the topmost node is another: it is refused, or is the node of another trie."""
    top, nodes = nodes_of(content)
    encoding = bytearray(nodes[top])
    encoding[random.randrange(len(encoding))] ^= 1 << random.randrange(8)
    changed = bytes(encoding)
    trie = Trie(keccak(changed), NodeStore([changed, *nodes.values()]))
    for key in content:
        _try(trie.get, key)
        _try(trie.delete, key)
        _try(trie.after, key)
    assert len(trie.root()) == 32


def _try(call: Callable[..., Any], *arguments: Any) -> None:
    with contextlib.suppress(DecodeError, MissingNode):
        call(*arguments)


def test_the_nodes_of_a_store_outlive_those_who_gave_them() -> None:
    content = {
        bytes([one, other]): bytes(40) + bytes([one]) for one in range(60) for other in (1, 2)
    }
    top, nodes = nodes_of(content)
    copies = (bytes(bytearray(node)) for node in nodes.values())  # which nobody else holds
    store = NodeStore()
    for copy in copies:
        store.add([copy])
        store.add([bytes(bytearray(copy))])  # is there already, and may go
    with pytest.raises(InputError):
        store.add([*nodes.values(), "no node"])
    gc.collect()
    others = [bytes([place % 251]) * 60 for place in range(5_000)]  # where they would have been
    trie = Trie(top, store)
    assert {key: trie.get(key) for key in content} == content
    assert trie.root() == top
    assert len(store) == len(nodes)
    assert len(others) == 5_000
