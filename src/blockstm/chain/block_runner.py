"""A block run on the state after its parent, with what the chain has of the blocks before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from blockstm.chain.blocks import Blocks
from blockstm.chain.states import HASHES, BlockHashes
from blockstm.errors import UnknownBlock, UnknownParent
from blockstm.ethereum import Block, ExecutedBlock, Header, Reason
from blockstm.ethereum import Chain as Spec
from blockstm.ethereum.execution.senders import find_senders
from blockstm.ethereum.rules.reasons import Violation
from blockstm.executor import Executor
from blockstm.hints import LearningSource
from blockstm.hints.options import BlockHints
from blockstm.types import Address, Hash32
from blockstm.vm.forks import HOMESTEAD, Fork

__all__ = ["BlockRunner", "checked_hash", "parent_of"]

_OMMER_DEPTH: Final = 7


class BlockRunner:
    """Runs blocks of a chain, most of them one after another. For one thread at a time."""

    def __init__(self, spec: Spec, executor: Executor) -> None:
        self._spec = spec
        self._executor = executor
        self._hashes: tuple[Hash32, dict[int, Hash32]] = (Hash32(b""), {})

    def run(
        self, block: Block, blocks: Blocks, state: Any, hints: BlockHints | None
    ) -> tuple[ExecutedBlock, int]:
        """What a block does on the state of its parent, and its total difficulty.

        Raises:
            UnknownParent: the chain does not have its parent.
            BlockError: it is invalid, or the state cannot be read.
        """
        parent_hash, parent = block.header.parent_hash, parent_of(block, blocks)
        total_difficulty = blocks.total_difficulty(parent_hash)
        executed = self._executor.execute_block(
            block,
            state,
            "evm",
            chain=self._spec,
            parent=parent,
            ancestors=_ancestors(blocks, parent_hash) if block.ommers else None,
            block_hashes=self._hashes_up_to(blocks, parent_hash, parent),
            total_difficulty=total_difficulty,
            hints=hints,
            accesses=isinstance(hints, LearningSource),
        )
        return executed, total_difficulty + block.header.difficulty

    def _hashes_up_to(
        self, blocks: Blocks, block_hash: Hash32, header: Header
    ) -> Mapping[int, Hash32]:
        """The hashes of a block and of 255 before it; those of the last block's are at hand."""
        known_hash, known = self._hashes
        if known_hash != block_hash:
            if known_hash == header.parent_hash:
                known = {**known, int(header.number): block_hash}
                known.pop(int(header.number) - HASHES, None)
            else:
                known = dict(BlockHashes(blocks, block_hash, header))
            self._hashes = block_hash, known
        return known

    def senders(self, block: Block, total_difficulty: int) -> list[Address]:
        """Who sent a block's transactions, which are known; total difficulty before it."""
        fork = self.fork(block, total_difficulty)
        known = find_senders(block.transaction_list, 1, high_s_allowed=fork < HOMESTEAD)
        return [sender for sender in known if sender is not None]

    def fork(self, block: Block, total_difficulty: int) -> Fork:
        """The fork that a block is under; total difficulty before it."""
        header = block.header
        return self._spec.fork_at(header.number, header.timestamp, total_difficulty)


def parent_of(block: Block, blocks: Blocks) -> Header:
    """The header that a block stands on.

    Raises:
        UnknownParent: the chain does not have it.
    """
    parent_hash = block.header.parent_hash
    try:
        return blocks.header(parent_hash)
    except UnknownBlock:
        if not block.header.number:
            raise UnknownParent(
                f"the genesis 0x{block.header.hash.hex()} is of another chain: this one begins "
                f"with 0x{(blocks.canonical(0) or b'').hex()}",
                parent_hash,
            ) from None
        raise UnknownParent(
            f"block {block.header.number} stands on 0x{parent_hash.hex()}, which the chain "
            "does not have: import that first",
            parent_hash,
        ) from None


def checked_hash(block: Block) -> Hash32:
    """The hash of a block, which it has to name itself.

    Raises:
        InvalidBlock: it names another.
    """
    block_hash = block.header.hash
    if block.hash != block_hash:
        detail = f"its hash is 0x{block_hash.hex()}, and 0x{block.hash.hex()} is said to be"
        raise Violation(Reason.BLOCK_HASH, detail).error()
    return block_hash


def _ancestors(blocks: Blocks, block_hash: Hash32) -> list[Block]:
    """The blocks before one that has ommers, its parent first."""
    found: list[Block] = []
    while len(found) < _OMMER_DEPTH:
        found.append(blocks.block(block_hash))
        if not found[-1].header.number:
            break
        block_hash = found[-1].header.parent_hash
    return found
