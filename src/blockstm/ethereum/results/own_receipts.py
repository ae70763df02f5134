"""Receipts of a block with transactions of a type of its chain's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.own_transaction import OwnTransaction
from blockstm.ethereum.blocks.receipt import Receipt, contract_address
from blockstm.ethereum.chains.rules import Rules
from blockstm.ethereum.results.flat_receipts import FlatReceipts
from blockstm.types import Address, Outcome

__all__ = ["with_own_members"]


def with_own_members(
    receipts: FlatReceipts,
    outcomes: Sequence[Outcome],
    block: Block,
    senders: Sequence[Address],
    rules: Rules,
) -> Sequence[Receipt]:
    """The receipts with what those of the chain's own types have beside the usual.

    Raises:
        ConfigError: a type's ``receipt`` gives something else.
    """
    types = rules.types
    if not types or not any(isinstance(each, OwnTransaction) for each in block.transactions):
        return receipts
    listed = list(receipts)
    for place, transaction in enumerate(block.transactions):
        if not isinstance(transaction, OwnTransaction):
            continue
        told = outcomes[place].value.nonce
        nonce = transaction.nonce if told is None else told
        extra = types[transaction.type].receipt_members(transaction, nonce, block.header)
        listed[place] = replace(
            listed[place],
            contract_address=contract_address(transaction, senders[place], nonce),
            extra=tuple(extra.items()),
        )
    return tuple(listed)
