"""keccak-256, the hash of Ethereum. Safe from any thread."""

from __future__ import annotations

from blockstm._native.crypto.hashes import keccak256
from blockstm.types import Hash32

__all__ = ["EMPTY_TRIE_ROOT", "keccak"]

EMPTY_TRIE_ROOT = Hash32(
    bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")
)
"""The root of a trie without entries: keccak of the encoding of no bytes."""


def keccak(data: bytes) -> Hash32:
    """The keccak-256 hash of ``data``, 32 bytes."""
    return Hash32(keccak256(data))
