"""The rewards of a block to its beneficiary and those of its ommers (Yellow Paper 11.3)."""

from __future__ import annotations

from typing import Final

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.block import Block
from blockstm.types import Address
from blockstm.vm.forks import Fork

__all__ = ["rewards"]

_NEPHEW: Final = 32  # a block has this part of the reward for each ommer that it names
_OMMER: Final = 8  # an ommer loses this part of its own for each block that it is late


def rewards(block: Block, fork: Fork) -> tuple[tuple[Address, int], ...]:
    """Recipients and amounts in wei: the beneficiary, then each ommer's; none from Paris on.

    Raises:
        DecodeError: what the block was read from has only the hashes of its ommers.
    """
    reward = fork.block_reward
    if not reward:
        return ()
    if block.ommers is None:
        raise DecodeError("ommers: rewards need the headers of the ommers", "ommers")
    own = reward + reward // _NEPHEW * len(block.ommers)
    late = [block.header.number - ommer.number for ommer in block.ommers]
    return (
        (block.header.coinbase, own),
        *(
            (ommer.coinbase, reward * (_OMMER - blocks) // _OMMER)
            for ommer, blocks in zip(block.ommers, late, strict=True)
        ),
    )
