"""The header of a block with all that executing it gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blockstm.errors import InputError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.receipt import Receipt, receipts_bloom, receipts_root
from blockstm.ethereum.execution.executed import ExecutedBlock
from blockstm.ethereum.execution.prepared import ExecuteBlock, PreparedBlock
from blockstm.ethereum.execution.state_roots import roots_after_transactions, state_root_after
from blockstm.ethereum.results.flat_receipts import FlatReceipts
from blockstm.ethereum.rules.fees import GAS_PER_BLOB
from blockstm.ethereum.rules.requests import requests_hash
from blockstm.vm.forks import BYZANTIUM

__all__ = ["sealed", "with_body"]


def with_body(block: Block) -> Block:
    """A block whose header says what is true of its body."""
    header = replace(block.header, transactions_root=block.transactions_root)
    if header.blob_gas_used is not None:
        blobs = sum(len(each.blob_hashes) for each in block.transactions)
        header = replace(header, blob_gas_used=GAS_PER_BLOB * blobs)
    return replace(block, header=header, hash=header.hash)


def sealed(
    prepared: PreparedBlock,
    executed: ExecutedBlock,
    execute_block: ExecuteBlock,
    workers: int | None,
) -> tuple[Block, ExecutedBlock]:
    """A block whose header says what executing it gave, and that with the roots there are.

    Raises:
        InputError: the state does not know its root.
    """
    state_root = state_root_after(prepared.state, executed.writes, workers)
    if state_root is None:
        raise InputError(
            "a block is built on a state that knows its root: an AccountState that is not partial, "
            "or one with root_after(writes)"
        )
    receipts: Sequence[Receipt] = executed.receipts
    if prepared.fork < BYZANTIUM and len(receipts):
        roots = roots_after_transactions(prepared, execute_block, workers) or []
        assert isinstance(receipts, FlatReceipts), "the native EVM leaves flat receipts"
        receipts = receipts.with_state_roots(roots)
    header = replace(
        prepared.block.header,
        state_root=state_root,
        receipts_root=receipts_root(receipts),
        logs_bloom=receipts_bloom(receipts),
        gas_used=executed.gas_used,
        requests_hash=None if executed.requests is None else requests_hash(executed.requests),
        block_access_list_hash=None if executed.access_list is None else executed.access_list.hash,
    )
    block = replace(
        prepared.block, header=header, hash=header.hash, access_list=executed.access_list
    )
    return block, replace(executed, receipts=receipts, state_root=state_root)
