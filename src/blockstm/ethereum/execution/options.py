"""The options of `blockstm.execute_block` for an Ethereum block: named once, checked here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from blockstm.errors import ConfigError, InputError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.chains.chain import MAINNET, Chain
from blockstm.ethereum.codecs.members import hash32, sequence, uint64
from blockstm.ethereum.execution.arguments import check_header
from blockstm.ethereum.execution.vms import VMName, check_fork
from blockstm.ethereum.tracing.tracer import Tracer
from blockstm.hints.options import BlockHints
from blockstm.messages import brief
from blockstm.types import Hash32
from blockstm.vm.forks import Fork

__all__ = ["BlockOptions", "Surroundings", "surroundings_of"]


class BlockOptions(TypedDict, total=False):
    """What a caller may say of an Ethereum block; `blockstm.execute_block` documents each."""

    fork: Fork | str | None
    chain: Chain | None
    parent: Header | None
    ancestors: Sequence[Block] | None
    block_hashes: Mapping[int, Hash32] | None
    total_difficulty: int | None
    inspector: Any
    tracer: Tracer | None
    hints: BlockHints | None
    accesses: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The parent, chain and ancestors of a block, checked.

    Attributes:
        chain: whose block it is, under the fork that the caller asked for.
        fork: whose rules hold.
        parent: the header of the block before it; None where it is not known.
        ancestors: the blocks before it, its parent first; None where they are not known.
        block_hashes: number → hash of the blocks before it, as far as they are known.
        total_difficulty: of the parent, or one that fits the headers; see
            `Chain.total_difficulty_before`.
    """

    chain: Chain
    fork: Fork
    parent: Header | None
    ancestors: Sequence[Block] | None
    block_hashes: Mapping[int, Hash32]
    total_difficulty: int | None


def surroundings_of(block: Block, vm: VMName, options: BlockOptions) -> Surroundings:
    """The options of a block, checked against each other and the block.

    Raises:
        ConfigError: an option has a value that it cannot have, or the VM lacks the fork.
        InputError: an option is of another kind, or contradicts another one or the header.
    """
    header = block.header
    chain = _chain(options.get("chain"), options.get("fork"))
    ancestors = options.get("ancestors")
    if ancestors is not None:
        ancestors = _ancestors(header, ancestors)
    parent = _parent(options.get("parent"), ancestors)
    total_difficulty = _total_difficulty(chain, header, parent, options.get("total_difficulty"))
    rules = chain.fork_at(header.number, header.timestamp, total_difficulty)
    check_fork(vm, rules)
    return Surroundings(
        chain,
        rules,
        parent,
        ancestors,
        _block_hashes(header, ancestors, options.get("block_hashes")),
        total_difficulty,
    )


def _chain(chain: Any, fork: Any) -> Chain:
    chain = MAINNET if chain is None else chain
    if not isinstance(chain, Chain):
        raise ConfigError(f"chain is a blockstm.ethereum.Chain, not {brief(chain)}")
    return chain if fork is None else chain.under(fork)


def _ancestors(header: Header, ancestors: Any) -> Sequence[Block]:
    """They lead back from the block, one after another."""
    listed = sequence(ancestors, Block, "ancestors")
    hash_before = header.parent_hash
    for index, ancestor in enumerate(listed):
        check_header(ancestor.header, f"ancestors[{index}].header")
        if index and ancestor.header.hash != hash_before:
            raise InputError(f"ancestors[{index}] is not the parent of ancestors[{index - 1}]")
        hash_before = ancestor.header.parent_hash
    return listed


def _parent(parent: Header | None, ancestors: Sequence[Block] | None) -> Header | None:
    if isinstance(parent, Block):
        raise InputError("parent is the header of the block before: pass parent.header")
    if parent is not None:
        check_header(parent, "parent")
    if not ancestors:
        return parent
    first = ancestors[0].header
    if parent is not None and parent != first:
        raise InputError("ancestors begin with the parent, and parent is another header")
    return first


def _block_hashes(
    header: Header, ancestors: Sequence[Block] | None, given: Any
) -> Mapping[int, Hash32]:
    """The given hashes, and those of the ancestors."""
    if given is not None and not isinstance(given, Mapping):
        raise InputError(f"block_hashes map numbers to hashes, and are not {brief(given)}")
    headers = [each.header for each in ancestors or ()]
    hashes = {each.number - 1: each.parent_hash for each in headers if each.number}
    for number, block_hash in (given or {}).items():
        if uint64(number) or hash32(block_hash):
            raise InputError(
                f"block_hashes map a block's number to 32 bytes, not {brief(number)} to "
                f"{brief(block_hash)}"
            )
        if hashes.setdefault(number, block_hash) != block_hash:
            raise InputError(f"block_hashes and ancestors have two hashes of block {brief(number)}")
    return hashes


def _total_difficulty(
    chain: Chain, header: Header, parent: Header | None, given: Any
) -> int | None:
    if given is not None:
        if not isinstance(given, int) or isinstance(given, bool) or given < 0:
            raise ConfigError(f"total_difficulty is an int of 0 or more, not {brief(given)}")
        return given
    if not chain.needs_total_difficulty:
        return None
    if parent is None:
        return chain.total_difficulty_before(header.difficulty)
    return chain.total_difficulty_before(header.difficulty, parent.number, parent.difficulty)
