"""Whether what a caller gives for an Ethereum block is of the right kind; see `execute_block`.

A rule that a block breaks is `InvalidBlock`. What stands here is the caller's mistake: an object of
another kind, or a member that no block can have. Every message says what was given, what is
expected and, where that is known, what to do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blockstm.errors import ConfigError, InputError
from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.transaction import Transaction, not_encoded
from blockstm.ethereum.blocks.withdrawal import Withdrawal
from blockstm.ethereum.chains.chain import MAINNET, Chain
from blockstm.ethereum.chains.forks import Fork
from blockstm.ethereum.codecs.members import (
    HEADER,
    WITHDRAWAL,
    check_members,
    check_one,
    hash32,
    sequence,
    uint64,
)
from blockstm.messages import brief, did_you_mean
from blockstm.types import Hash32

__all__ = ["Surroundings", "check_block_object", "surroundings_of", "unknown_vm"]

_VMS = ("evm", "py-evm")


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


def check_block_object(block: Any, state: Any, vm: Any) -> None:
    """Check a block, its state and the name of the VM.

    Raises:
        ConfigError: there is no such VM.
        InputError: the block or the state is something else, or a member of the block is.
    """
    if not isinstance(block, Block):
        kind = type(block).__name__
        raise InputError(f"with vm={brief(vm)} a block is a blockstm.ethereum.Block, not {kind}")
    if vm not in _VMS:
        raise unknown_vm(vm)
    if not callable(getattr(state, "get", None)):
        kind = type(state).__name__
        raise InputError(
            f"an Ethereum block starts from a blockstm.ethereum.AccountState, not {kind}"
        )
    _check_header(block.header, "block.header")
    _check_transactions(sequence(block.transactions, Transaction, "block.transactions"))
    if block.withdrawals is not None:
        withdrawals = sequence(block.withdrawals, Withdrawal, "block.withdrawals")
        for index, withdrawal in enumerate(withdrawals):
            check_members(withdrawal, WITHDRAWAL, f"block.withdrawals[{index}]")
    if block.access_list is not None:
        check_one(block.access_list, BlockAccessList, "block.access_list")
    if block.ommers is not None:
        for index, ommer in enumerate(sequence(block.ommers, Header, "block.ommers")):
            _check_header(ommer, f"block.ommers[{index}]")


def unknown_vm(vm: object) -> ConfigError:
    """The error for an unknown VM."""
    return ConfigError(
        f"the VMs for Ethereum blocks are 'evm' and 'py-evm', not {brief(vm)}"
        f"{did_you_mean(vm, _VMS)}"
    )


def surroundings_of(
    block: Block,
    vm: str,
    *,
    fork: Fork | str | None = None,
    chain: Chain | None = None,
    parent: Header | None = None,
    ancestors: Sequence[Block] | None = None,
    block_hashes: Mapping[int, Hash32] | None = None,
    total_difficulty: int | None = None,
) -> Surroundings:
    """The options of `blockstm.execute_block`, checked against each other and the block.

    Raises:
        ConfigError: an option has a value that it cannot have, or the VM lacks the fork.
        InputError: an option is of another kind, or contradicts another one or the header.
    """
    header = block.header
    chain = _chain(chain, fork)
    if ancestors is not None:
        ancestors = _ancestors(header, ancestors)
    parent = _parent(parent, ancestors)
    total_difficulty = _total_difficulty(chain, header, parent, total_difficulty)
    rules = chain.fork_at(header.number, header.timestamp, total_difficulty)
    _check_has(vm, rules)
    return Surroundings(
        chain,
        rules,
        parent,
        ancestors,
        _block_hashes(header, ancestors, block_hashes),
        total_difficulty,
    )


def _check_transactions(transactions: Sequence[Transaction]) -> None:
    """Have them encoded, which is needed in any case, and refuses a member that is no good."""
    for index in not_encoded(transactions):
        try:
            transactions[index].encode()
        except InputError as error:
            raise InputError(f"block.transactions[{index}]: {error}") from None


def _check_header(header: Any, place: str) -> None:
    check_one(header, Header, place)
    check_members(header, HEADER, place)


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
        _check_header(ancestor.header, f"ancestors[{index}].header")
        if index and ancestor.header.hash != hash_before:
            raise InputError(f"ancestors[{index}] is not the parent of ancestors[{index - 1}]")
        hash_before = ancestor.header.parent_hash
    return listed


def _parent(parent: Header | None, ancestors: Sequence[Block] | None) -> Header | None:
    if isinstance(parent, Block):
        raise InputError("parent is the header of the block before: pass parent.header")
    if parent is not None:
        _check_header(parent, "parent")
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


def _check_has(vm: str, fork: Fork) -> None:
    """A VM that lacks the fork is the caller's mistake, and comes before any of the block."""
    forks: Collection[str]
    if vm == "evm":
        from blockstm.vm import evm

        name, forks = fork.rules, evm.FORKS
    else:
        from blockstm.vm import pyevm

        name, forks = fork.name, pyevm.FORKS
    if name not in forks:
        raise ConfigError(f"{vm} has no fork {brief(name)}, only {', '.join(forks)}")
