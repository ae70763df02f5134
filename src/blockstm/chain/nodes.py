"""Nodes of the tries that a folder has, as bytes, by their places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from blockstm.chain.blocks import Blocks
from blockstm.chain.flat import OWNER_SIZE, account_leaf, slot_of
from blockstm.chain.store import Table
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import encode
from blockstm.ethereum.witnesses.collapses import Place, nibbles_of, packed_path

__all__ = ["node_of"]

_WEIGHTS_SIZE: Final = 16
"""Bytes behind a node that is kept: how many entries are below each of its children."""
_HASH_SIZE: Final = 32

Entry = tuple[bytes, bytes]
"""Of a trie: a key as nibbles, and the value."""


def node_of(blocks: Blocks, place: Place) -> bytes | None:
    """The node at a place of the state that a folder has; None where there is none."""
    packed = _packed(place.path)
    key = bytes([len(place.path)]) + packed
    whole = packed[: len(place.path) // 2]
    if place.owner is None:
        kept = blocks.node(Table.ACCOUNT_NODES, key)
        found = iter(()) if kept else _accounts(blocks, whole)
    else:
        owner = keccak(place.owner)
        kept = blocks.node(Table.STORAGE_NODES, owner + key)
        found = iter(()) if kept else _slots(blocks, owner[:OWNER_SIZE] + whole)
    if kept is not None:
        return kept[:-_WEIGHTS_SIZE]
    entries = [each for each in found if each[0].startswith(place.path)]
    return encode(_made_of(entries, len(place.path))) if entries else None


def _accounts(blocks: Blocks, prefix: bytes) -> Iterator[Entry]:
    for key, row in blocks.rows(Table.ACCOUNTS, prefix):
        yield nibbles_of(key), account_leaf(key, row)[0]


def _slots(blocks: Blocks, prefix: bytes) -> Iterator[Entry]:
    for key, row in blocks.rows(Table.SLOTS, prefix):
        yield nibbles_of(key[OWNER_SIZE:]), encode(slot_of(key, row)[1])


def _packed(path: bytes) -> bytes:
    """Two nibbles in each byte, the last one's other half zero."""
    even = path + bytes(len(path) % 2)
    return bytes(16 * high + low for high, low in zip(even[::2], even[1::2], strict=True))


def _made_of(entries: list[Entry], depth: int) -> Any:
    """The node of entries that share their first nibbles, below these (appendix D)."""
    if len(entries) == 1:
        key, value = entries[0]
        return [packed_path(key[depth:], is_leaf=True), value]
    shared = _shared(entries[0][0], entries[-1][0])
    if shared > depth:
        path = packed_path(entries[0][0][depth:shared], is_leaf=False)
        return [path, _reference(_made_of(entries, shared))]
    below: list[list[Entry]] = [[] for _ in range(16)]
    for entry in entries:
        below[entry[0][depth]].append(entry)
    return [_reference(_made_of(each, depth + 1)) if each else b"" for each in below] + [b""]


def _shared(left: bytes, right: bytes) -> int:
    return next(
        place for place, (one, other) in enumerate(zip(left, right, strict=True)) if one != other
    )


def _reference(node: Any) -> Any:
    encoded = encode(node)
    return node if len(encoded) < _HASH_SIZE else keccak(encoded)
