"""The bundle of a block of a chain: all that another party checks the block by, under one hash."""

from __future__ import annotations

from blockstm import __version__
from blockstm.chain.chain import Chain
from blockstm.ethereum import Bundle, WitnessState
from blockstm.executor import execute_block
from blockstm.kinds import check_kind

__all__ = ["prove_block"]


def prove_block(chain: Chain, which: int | bytes) -> Bundle:
    """The block, its witness, and its access list, receipts, hints and changes as they come to on
    that.

    The same block gives the same bundle.

    Raises:
        UnknownBlock, PrunedState, StateError, StoreError: see `Chain.witness`.
    """
    check_kind(chain, Chain, "chain")
    block, witness = chain.block(which), chain.witness(which)
    parent, hashes = witness.ancestry(block)
    difficulty = chain.total_difficulty(block.header.parent_hash)
    executed = execute_block(
        block,
        WitnessState(witness),
        "evm",
        chain=chain.spec,
        parent=parent,
        block_hashes=hashes,
        total_difficulty=difficulty,
        accesses=True,
    )
    return Bundle.of(
        block,
        witness,
        executed,
        engine=f"blockstm {__version__}",
        chain_id=int(chain.spec.chain_id),
        difficulty=difficulty,
    )
