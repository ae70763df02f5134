"""The block that calls run in: its fields, its fork, what is overridden of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from blockstm.errors import ConfigError, InputError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.calls.overrides import BlockOverrides, check_block_overrides
from blockstm.ethereum.chains.chain import MAINNET, Chain
from blockstm.ethereum.execution.arguments import check_header
from blockstm.ethereum.execution.preparation import context_of
from blockstm.ethereum.execution.vms import check_fork
from blockstm.messages import brief
from blockstm.types import Address, BlockNumber, Hash32
from blockstm.vm.context import BlockContext
from blockstm.vm.forks import LONDON, Fork

__all__ = ["Environment", "environment_of"]

_NO_BLOCK_GAS_LIMIT = 30_000_000
_NOBODY = Address(bytes(20))


@dataclass(frozen=True, slots=True)
class Environment:
    """Where calls run.

    Attributes:
        chain: whose block it is.
        fork: whose rules hold.
        context: the fields of the block.
        header: of the block; None of one that is nobody's.
    """

    chain: Chain
    fork: Fork
    context: BlockContext
    header: Header | None = None

    def for_free(self, *, gas: bool, blobs: bool) -> BlockContext:
        """The block as a message sees it that pays nothing for its gas, or for its blobs.

        As in go-ethereum, so that no price is below a base fee.
        """
        context = self.context
        if gas and context.base_fee_per_gas:
            context = replace(context, base_fee_per_gas=0)
        if blobs and context.blob_base_fee:
            context = replace(context, blob_base_fee=0)
        return context


def environment_of(
    block: Any,
    chain: Any = MAINNET,
    fork: Fork | str | None = None,
    block_hashes: Mapping[int, Hash32] | None = None,
    overrides: BlockOverrides | None = None,
) -> Environment:
    """The environment of calls in a block.

    Raises:
        ConfigError: there is no such fork, or the EVM lacks it.
        InputError: an argument is of another kind.
    """
    chain = MAINNET if chain is None else chain
    if not isinstance(chain, Chain):
        raise ConfigError(f"chain is a blockstm.ethereum.Chain, not {brief(chain)}")
    chain = chain if fork is None else chain.under(fork)
    if overrides is not None:
        check_block_overrides(overrides)
        if overrides.withdrawals is not None or overrides.parent_beacon_block_root is not None:
            raise InputError("a call has neither withdrawals nor a beacon root: simulate a block")
    if block_hashes is not None and not isinstance(block_hashes, Mapping):
        raise InputError(f"block_hashes map numbers to hashes, and are not {brief(block_hashes)}")
    if block is None:
        around = _without_block(chain, block_hashes or {})
        if overrides is None:
            return around
        return replace(around, context=overrides.applied_to(around.context))
    header = block.header if isinstance(block, Block) else block
    check_header(header, "block")
    return _in_block(header, chain, overrides, block_hashes or {})


def _in_block(
    header: Header,
    chain: Chain,
    overrides: BlockOverrides | None,
    block_hashes: Mapping[int, Hash32],
) -> Environment:
    total = None
    if chain.needs_total_difficulty:
        total = chain.total_difficulty_before(header.difficulty)
    given = {} if overrides is None else overrides.given()
    number, timestamp = given.get("number"), given.get("timestamp")
    fork = chain.fork_at(
        header.number if number is None else number,
        header.timestamp if timestamp is None else timestamp,
        total,
    )
    check_fork("evm", fork)
    hashes = dict(block_hashes)
    if header.number:
        hashes[header.number - 1] = header.parent_hash
    context = context_of(header, fork, chain.chain_id, hashes)
    if overrides is not None:
        context = overrides.applied_to(context)
    return Environment(chain, fork, replace(context, has_access_list=True), header)


def _without_block(chain: Chain, block_hashes: Mapping[int, Hash32]) -> Environment:
    """An empty block under the newest fork of the chain, or that which the caller has named."""
    fork = chain.fork or chain.activations[-1].fork
    check_fork("evm", fork)
    context = BlockContext(
        number=BlockNumber(0),
        timestamp=0,
        coinbase=_NOBODY,
        gas_limit=_NO_BLOCK_GAS_LIMIT,
        base_fee_per_gas=0 if fork >= LONDON else None,
        blob_base_fee=None if fork.blobs is None else 1,
        blobs_max=None if fork.blobs is None else fork.blobs.max,
        chain_id=chain.chain_id,
        block_hashes=block_hashes,
        has_access_list=True,
    )
    return Environment(chain, fork, context)
