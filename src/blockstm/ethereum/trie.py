"""The root of a list: the Merkle Patricia trie over index → item (Yellow Paper, appendix D).

A block commits to its transactions, receipts and withdrawals by such roots. The trie is built
from its sorted keys at once; nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import rlp
from eth_typing import Hash32

from blockstm.ethereum.hashing import EMPTY_TRIE_ROOT, keccak

__all__ = ["list_root"]

_HASH_SIZE = 32
_Entry = tuple[bytes, bytes]  # the key's nibbles, one a byte; the value


def list_root(items: Sequence[bytes]) -> Hash32:
    """The root of the trie that maps the RLP of each index to the item at it."""
    if not items:
        return EMPTY_TRIE_ROOT
    entries = sorted((_nibbles(bytes(rlp.encode(i))), item) for i, item in enumerate(items))
    return keccak(rlp.encode(_node(entries, 0)))


def _nibbles(key: bytes) -> bytes:
    return bytes(nibble for byte in key for nibble in (byte >> 4, byte & 15))


def _node(entries: list[_Entry], depth: int) -> list[Any]:
    """The node over ``entries``, which are sorted and share their first ``depth`` nibbles."""
    first, last = entries[0][0], entries[-1][0]
    if len(entries) == 1:
        return [_path(first[depth:], is_leaf=True), entries[0][1]]
    shared = depth
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    if shared > depth:
        return [_path(first[depth:shared], is_leaf=False), _reference(_node(entries, shared))]
    return _branch(entries, depth)


def _branch(entries: list[_Entry], depth: int) -> list[Any]:
    value = b""
    if len(entries[0][0]) == depth:
        value, entries = entries[0][1], entries[1:]
    children: list[list[_Entry]] = [[] for _ in range(16)]
    for entry in entries:
        children[entry[0][depth]].append(entry)
    return [_reference(_node(child, depth + 1)) if child else b"" for child in children] + [value]


def _reference(node: list[Any]) -> Any:
    """A node inside its parent: itself if its encoding is short, else the encoding's hash."""
    encoded = rlp.encode(node)
    return node if len(encoded) < _HASH_SIZE else keccak(encoded)


def _path(nibbles: bytes, is_leaf: bool) -> bytes:
    """Nibbles packed into bytes behind a flag for leaf and one for an odd count."""
    flag = (2 if is_leaf else 0) + len(nibbles) % 2
    padded = bytes([flag]) + (b"" if len(nibbles) % 2 else b"\0") + nibbles
    return bytes(high << 4 | low for high, low in zip(padded[::2], padded[1::2], strict=True))
