"""Nodes that removals need: where a branch is left with one child, that child is joined to it.

Such a child is on no path to what a block reads or changes. It is known by its hash, and by its
place below a node that is on one: the bytes are found from what the trie is after the removal, or
from any key whose path leads through that place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from blockstm._native.crypto.hashes import keccak256_many
from blockstm.ethereum.codecs.rlp import Value, decode, encode
from blockstm.types import Address, Hash32

__all__ = [
    "Place",
    "child_of_joined",
    "key_through",
    "nibbles_of",
    "packed_path",
    "places_below",
]

_TRIED_AT_ONCE: Final = 1 << 14
_DEPTH_MAX: Final = 6
"""Nibbles of a path that a key is looked for by trying: 16 million keys, about ten seconds."""


class Place(NamedTuple):
    """Where a node stands: in the trie of an account's slots or that of the accounts; its path."""

    owner: Address | None
    path: bytes


def nibbles_of(data: bytes) -> bytes:
    """Two nibbles for each byte, each in a byte of its own."""
    return bytes(nibble for byte in data for nibble in (byte >> 4, byte & 15))


def places_below(
    owner: Address | None, key: bytes, nodes: Iterable[bytes]
) -> Iterator[tuple[Hash32, Place]]:
    """The hashes that the branches on the way to a key refer to, each with its place.

    Args:
        owner: whose slots the trie has; None for that of the accounts.
        key: what the way leads to, hashed.
        nodes: on the way, from the top.
    """
    way, at = nibbles_of(key), 0
    for encoded in nodes:
        node: Any = decode(encoded)
        if len(node) == 2:
            at += len(_short_path(node)[0])
            continue
        for index, child in enumerate(node[:16]):
            if isinstance(child, bytes) and len(child) == 32:
                yield Hash32(child), Place(owner, way[:at] + bytes([index]))
        at += 1


def child_of_joined(place: Place, key: bytes, nodes: Iterable[bytes]) -> bytes | None:
    """The node that stood at a place, from the way to a removed key after the removal.

    None where it was a branch, or was not joined to what is on this way.
    """
    way, at = nibbles_of(key), 0
    for encoded in nodes:
        node: Any = decode(encoded)
        if len(node) == 17:
            at += 1
            continue
        path, is_leaf = _short_path(node)
        whole = way[:at] + path
        rest = whole[len(place.path) :]
        if whole.startswith(place.path) and (rest or is_leaf):
            return encode([packed_path(rest, is_leaf=is_leaf), node[1]])
        at += len(path)
    return None


def key_through(place: Place) -> bytes | None:
    """A key whose hash begins with a path: an address, or a slot of 32 bytes; None of a long one.

    Whether the state has it matters not: the way to it leads through the place.
    """
    if len(place.path) > _DEPTH_MAX:
        return None
    size, digits = 20 if place.owner is None else 32, "".join(f"{each:x}" for each in place.path)
    begin = 0
    while True:
        keys = [each.to_bytes(size, "big") for each in range(begin, begin + _TRIED_AT_ONCE)]
        for key, hashed in zip(keys, keccak256_many(keys), strict=True):
            if hashed.hex().startswith(digits):
                return key
        begin += _TRIED_AT_ONCE


def _short_path(node: list[Value]) -> tuple[bytes, bool]:
    """The path of a leaf or an extension, and whether it is a leaf (Yellow Paper, appendix C)."""
    packed = node[0]
    assert isinstance(packed, bytes)
    nibbles = nibbles_of(packed)
    return nibbles[1 if nibbles[0] & 1 else 2 :], bool(nibbles[0] & 2)


def packed_path(path: bytes, *, is_leaf: bool) -> bytes:
    """The path of a leaf or an extension, as it stands there (Yellow Paper, appendix C)."""
    flag = 2 * is_leaf + len(path) % 2
    nibbles = bytes([flag]) + (b"" if len(path) % 2 else b"\0") + path
    return bytes(16 * high + low for high, low in zip(nibbles[::2], nibbles[1::2], strict=True))
