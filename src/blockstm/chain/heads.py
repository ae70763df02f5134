"""The block that a chain ends with."""

from __future__ import annotations

from dataclasses import dataclass

from blockstm.chain.blocks import Blocks
from blockstm.chain.staging import HEAD
from blockstm.ethereum import Header
from blockstm.types import Hash32

__all__ = ["Head", "head_of"]


@dataclass(frozen=True, slots=True)
class Head:
    """The block that the chain ends with.

    Attributes:
        hash, header: of it.
        total_difficulty: of all blocks up to and with it.
    """

    hash: Hash32
    header: Header
    total_difficulty: int

    @property
    def number(self) -> int:
        """The block's number."""
        return self.header.number


def head_of(blocks: Blocks) -> Head:
    """The head that a store names."""
    block_hash = Hash32(blocks.meta(HEAD) or b"")
    return Head(block_hash, blocks.header(block_hash), blocks.total_difficulty(block_hash))
