"""The witness of a block of a chain: what a stateless client needs beside the block."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from blockstm.chain.blocks import Blocks
from blockstm.chain.nodes import node_of
from blockstm.chain.states import ChainState
from blockstm.errors import UnknownBlock
from blockstm.ethereum import Block, ExecutedBlock, Header, Witness
from blockstm.ethereum import Chain as Spec
from blockstm.ethereum.witnesses import make_witness
from blockstm.ethereum.witnesses.unknown_codes import no_code_known, on_fresh_thread
from blockstm.executor import execute_block
from blockstm.types import Hash32

__all__ = ["check_has_parent", "witness_of"]


def witness_of(block: Block, state: ChainState, spec: Spec, blocks: Blocks) -> Witness:
    """The witness of a block, whose parent's state is at hand.

    Raises:
        BlockError: the block is invalid, or the state cannot be read.
        StoreError: see `Chain.witness`.
    """
    total_difficulty = blocks.total_difficulty(state.hash)

    def run(on: Any, block_hashes: Mapping[int, Hash32], /) -> ExecutedBlock:
        return on_fresh_thread(
            execute_block,
            block,
            on,
            "evm",
            workers=1,
            chain=spec,
            parent=state.header,
            block_hashes=block_hashes,
            total_difficulty=total_difficulty,
        )

    def header_before(header: Header) -> Header:
        return blocks.header(header.parent_hash)

    with no_code_known():
        return make_witness(block, state, state.trie, run, header_before, partial(node_of, blocks))


def check_has_parent(header: Header) -> None:
    """Refuse the first block of a chain.

    Raises:
        UnknownBlock: it is the first.
    """
    if not header.number:
        raise UnknownBlock("the first block of a chain is executed on no state: it has no witness")
