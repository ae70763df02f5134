"""The accumulator of an archive: the SSZ root over its headers' hashes and total difficulties.

``hash_tree_root(List[HeaderRecord, 8192])``, where a record is a block's hash and the total
difficulty up to and with it. Only blocks before the merge are recorded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from blockstm.types import Hash32

__all__ = ["Record", "accumulator_root", "encode_difficulty"]

_DEPTH: Final = 13  # 8,192 records at most
_NUMBER_SIZE: Final = 32

Record = tuple[Hash32, int]
"""A block's hash, and the total difficulty up to and with it."""


def accumulator_root(records: Sequence[Record]) -> Hash32:
    """The root over up to 8,192 records."""
    level = [_hash(block_hash, encode_difficulty(total)) for block_hash, total in records]
    zero = bytes(32)
    for _ in range(_DEPTH):
        if len(level) % 2:
            level.append(zero)
        level = [_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=True)]
        zero = _hash(zero, zero)
    root = level[0] if level else zero
    return Hash32(_hash(root, len(records).to_bytes(_NUMBER_SIZE, "little")))


def encode_difficulty(total: int) -> bytes:
    """A total difficulty as archives have it."""
    return total.to_bytes(_NUMBER_SIZE, "little")


def _hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(left + right).digest()
