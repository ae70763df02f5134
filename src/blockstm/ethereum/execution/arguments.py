"""Whether a block is of the right kind; see `blockstm.execute_block`.

A rule that a block breaks is `InvalidBlock`. What stands here is the caller's mistake: an object of
another kind, or a member that no block can have. Every message says what was given, what is
expected and, where that is known, what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blockstm.errors import InputError
from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.transaction import Transaction, not_encoded
from blockstm.ethereum.blocks.withdrawal import Withdrawal
from blockstm.ethereum.codecs.members import HEADER, WITHDRAWAL, check_members, sequence
from blockstm.ethereum.execution.vms import check_vm
from blockstm.kinds import check_kind
from blockstm.messages import brief

__all__ = ["check_block_object", "check_header"]


def check_block_object(block: Any, vm: Any) -> None:
    """Check a block, for the VM of this name.

    Raises:
        ConfigError: there is no such VM.
        InputError: the block is something else, or a member of it is.
    """
    if not isinstance(block, Block):
        kind = type(block).__name__
        raise InputError(f"with vm={brief(vm)} a block is a blockstm.ethereum.Block, not {kind}")
    check_vm(vm)
    check_header(block.header, "block.header")
    if not block.has_unread_transactions:
        _check_transactions(sequence(block.transactions, Transaction, "block.transactions"))
    if block.withdrawals is not None:
        withdrawals = sequence(block.withdrawals, Withdrawal, "block.withdrawals")
        for index, withdrawal in enumerate(withdrawals):
            check_members(withdrawal, WITHDRAWAL, f"block.withdrawals[{index}]")
    if block.access_list is not None:
        check_kind(block.access_list, BlockAccessList, "block.access_list")
    if block.ommers is not None:
        for index, ommer in enumerate(sequence(block.ommers, Header, "block.ommers")):
            check_header(ommer, f"block.ommers[{index}]")


def check_header(header: Any, place: str) -> None:
    check_kind(header, Header, place)
    check_members(header, HEADER, place)


def _check_transactions(transactions: Sequence[Transaction]) -> None:
    """Have them encoded, which is needed in any case, and refuses a member that is no good."""
    for index in not_encoded(transactions):
        try:
            transactions[index].encode()
        except InputError as error:
            raise InputError(f"block.transactions[{index}]: {error}") from None
