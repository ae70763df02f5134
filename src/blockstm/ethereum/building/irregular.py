"""Blocks that no chain but the builder's own takes: a fee or a gas limit that does not follow from
the parent's, transactions whose senders have not signed them.

For a chain that somebody develops on, see `blockstm.chain.DevChain`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from blockstm.config import Config
from blockstm.engine import POOL
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.building.attempts import Attempts
from blockstm.ethereum.building.attributes import BlockAttributes, header_after
from blockstm.ethereum.building.build import BuiltBlock, built, empty_block
from blockstm.ethereum.building.ordering import Order, by_price
from blockstm.ethereum.chains.chain import Chain
from blockstm.state.located import located
from blockstm.types import Address, Hash32

__all__ = ["Irregular", "build_irregular"]


@dataclass(frozen=True, slots=True)
class Irregular:
    """What a block has in place of what follows from its parent; None: that.

    Attributes:
        base_fee_per_gas: in wei, from London on.
        gas_limit: in gas.
    """

    base_fee_per_gas: int | None = None
    gas_limit: int | None = None


def build_irregular(
    parent: Header,
    transactions: Sequence[Transaction],
    senders: Sequence[Address],
    state: Any,
    *,
    attributes: BlockAttributes,
    irregular: Irregular,
    chain: Chain,
    block_hashes: Mapping[int, Hash32],
    total_difficulty: int | None = None,
    order: Order = by_price,
) -> BuiltBlock:
    """`build_block` with what is irregular.

    Args:
        senders: of the transactions, as they are to be taken, signed or not.
    """
    header, fork = header_after(parent, chain, attributes, total_difficulty)
    if irregular.gas_limit is not None:
        header = replace(header, gas_limit=irregular.gas_limit)
    if irregular.base_fee_per_gas is not None and header.base_fee_per_gas is not None:
        header = replace(header, base_fee_per_gas=irregular.base_fee_per_gas)
    hashes = {**block_hashes, parent.number: header.parent_hash}
    engine = POOL.take(Config())
    try:
        empty = empty_block(header, fork, attributes)
        attempts = Attempts(engine, empty, located(state), fork, chain, hashes)
        return built(engine, attempts, transactions, order, False, senders)
    finally:
        POOL.give_back(engine)
