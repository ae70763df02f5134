"""Hints of any block that brings some along, each a `blockstm.hints.HintSource`.

What they read was written by others. What cannot be read gives no hints, and no error: whether it
may be as it is, a block's rules say.
"""

from __future__ import annotations

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.hints.bor import dependencies_in_extra_data
from blockstm.ethereum.hints.listed import from_access_list, from_transactions
from blockstm.hints.hints import Hints
from blockstm.hints.sources import from_dependencies

__all__ = ["AccessLists", "BorHeaders", "TransactionLists"]


class AccessLists:
    """From the access list that travels beside a block (EIP-7928)."""

    def for_block(self, block: Block) -> Hints | None:
        """The hints of a block; None where no list came with it."""
        if block.access_list is None:
            return None
        return from_access_list(block.access_list, block.transactions)


class TransactionLists:
    """From the access lists of a block's transactions (EIP-2930)."""

    def for_block(self, block: Block) -> Hints | None:
        """The hints of a block; None where no transaction lists a slot."""
        if not any(slots for each in block.transactions for _, slots in each.access_list):
            return None
        return from_transactions(block.transactions)


class BorHeaders:
    """From the dependencies in the extra data of Bor's headers."""

    def for_block(self, block: Block) -> Hints | None:
        """The hints of a block; None where its extra data name no dependencies."""
        try:
            found = dependencies_in_extra_data(block.header.extra_data)
        except DecodeError:
            return None
        return from_dependencies(found) if found else None
