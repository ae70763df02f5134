"""The header of a simulated block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.receipt import Receipt, receipts_bloom, receipts_root
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT
from blockstm.ethereum.rules.empty_header import ZERO_HASH, empty_header
from blockstm.ethereum.rules.fees import GAS_PER_BLOB, base_fee_on
from blockstm.ethereum.rules.requests import requests_hash
from blockstm.ethereum.simulation.requested import NumberedBlock
from blockstm.ethereum.tries.list_root import list_root
from blockstm.types import Hash32
from blockstm.vm.forks import LONDON, Fork

__all__ = ["final_header", "first_header"]

Value = TypeVar("Value")


def first_header(
    block: NumberedBlock, parent: Header, chain: Chain, fork: Fork, *, is_validated: bool
) -> Header:
    """The header before the calls: what they see of their block.

    What is not overridden is the parent's; the base fee follows from it where calls are validated,
    and is zero where they are not.
    """
    fields = block.fields
    return empty_header(
        parent,
        fork,
        number=block.number,
        timestamp=block.timestamp,
        coinbase=_or(fields.coinbase, parent.coinbase),
        difficulty=_or(fields.difficulty, parent.difficulty),
        gas_limit=_or(fields.gas_limit, parent.gas_limit),
        extra_data=b"",
        mix_hash=_or(fields.mix_hash, ZERO_HASH),
        base_fee_per_gas=_base_fee(block, parent, chain, is_validated) if fork >= LONDON else 0,
        withdrawals_root=EMPTY_TRIE_ROOT,
        parent_beacon_block_root=fields.parent_beacon_block_root,
        slot_number=None,
    )


def final_header(
    first: Header,
    block: NumberedBlock,
    transactions: Sequence[Transaction],
    receipts: Sequence[Receipt],
    gas_used: int,
    state_root: Hash32,
    requests: Sequence[bytes] | None,
    access_list: BlockAccessList | None,
) -> Header:
    """The header after the calls."""
    blob_gas = GAS_PER_BLOB * sum(len(each.blob_hashes) for each in transactions)
    withdrawals = [each.encode() for each in block.fields.withdrawals or ()]
    return replace(
        first,
        gas_used=gas_used,
        state_root=state_root,
        transactions_root=list_root([each.encode() for each in transactions]),
        receipts_root=receipts_root(receipts),
        logs_bloom=receipts_bloom(receipts),
        withdrawals_root=None if first.withdrawals_root is None else list_root(withdrawals),
        blob_gas_used=None if first.blob_gas_used is None else blob_gas,
        requests_hash=None if requests is None else requests_hash(requests),
        block_access_list_hash=None if access_list is None else access_list.hash,
    )


def _or(given: Value | None, otherwise: Value) -> Value:
    return otherwise if given is None else given


def _base_fee(block: NumberedBlock, parent: Header, chain: Chain, is_validated: bool) -> int:
    if block.fields.base_fee_per_gas is not None:
        return block.fields.base_fee_per_gas
    return base_fee_on(chain, parent) if is_validated else 0
