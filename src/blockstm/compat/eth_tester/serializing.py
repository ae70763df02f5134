"""Blocks, transactions and receipts in eth-tester's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blockstm.ethereum import Block, Receipt
from blockstm.ethereum.rules.fees import GAS_PER_BLOB, blob_base_fee
from blockstm.rpc.forms import effective_gas_price
from blockstm.types import Address
from blockstm.vm.forks import Fork

__all__ = ["block_members", "receipt_members", "transaction_members"]


def block_members(block: Block, *, full: bool, pending: bool) -> dict[str, Any]:
    """A block; ``full``: with its transactions and not only their hashes."""
    header = block.header
    members: dict[str, Any] = {
        "number": header.number,
        "hash": block.hash,
        "parent_hash": header.parent_hash,
        "nonce": header.nonce,
        "sha3_uncles": header.ommers_hash,
        "logs_bloom": int.from_bytes(header.logs_bloom, "big"),
        "transactions_root": header.transactions_root,
        "receipts_root": header.receipts_root,
        "state_root": header.state_root,
        "coinbase": header.coinbase,
        "difficulty": header.difficulty,
        "total_difficulty": header.difficulty,
        "mix_hash": header.mix_hash,
        "size": block.encoded_size,
        "extra_data": header.extra_data.rjust(32, b"\0"),
        "gas_limit": header.gas_limit,
        "gas_used": header.gas_used,
        "timestamp": header.timestamp,
        "transactions": [
            transaction_members(block, index, pending=pending) if full else each.hash
            for index, each in enumerate(block.transactions)
        ],
        "uncles": [each.hash for each in block.ommers or ()],
    }
    later = {
        "base_fee_per_gas": header.base_fee_per_gas,
        "withdrawals_root": header.withdrawals_root,
        "parent_beacon_block_root": header.parent_beacon_block_root,
        "blob_gas_used": header.blob_gas_used,
        "excess_blob_gas": header.excess_blob_gas,
        "requests_hash": header.requests_hash,
    }
    if block.withdrawals is not None:
        members["withdrawals"] = [
            {
                "index": each.index,
                "validator_index": each.validator_index,
                "address": each.address,
                "amount": each.amount_gwei,
            }
            for each in block.withdrawals
        ]
    return members | {name: value for name, value in later.items() if value is not None}


def _place(block: Block, index: int, pending: bool) -> dict[str, Any]:
    return {
        "block_hash": None if pending else block.hash,
        "block_number": None if pending else block.header.number,
        "transaction_index": None if pending else index,
    }


def _sender(block: Block, index: int) -> Address:
    sender = block.senders[index]
    assert sender is not None  # the chain keeps them all
    return sender


def transaction_members(block: Block, index: int, *, pending: bool) -> dict[str, Any]:
    """A transaction of a block."""
    transaction = block.transactions[index]
    members: dict[str, Any] = {
        "type": transaction.type,
        "hash": transaction.hash,
        "nonce": transaction.nonce,
        **_place(block, index, pending),
        "from": _sender(block, index),
        "to": transaction.to or b"",
        "value": transaction.value,
        "gas": transaction.gas,
        "data": transaction.data,
        "gas_price": transaction.gas_price,
        "v": transaction.v,
        "r": transaction.r,
        "s": transaction.s,
    }
    if transaction.type >= 1:
        members["y_parity"] = transaction.v
        members["chain_id"] = transaction.chain_id
        members["access_list"] = transaction.access_list
    if transaction.type >= 2:
        price = effective_gas_price(transaction, block.header.base_fee_per_gas)
        members["max_fee_per_gas"] = transaction.max_fee_per_gas
        members["max_priority_fee_per_gas"] = transaction.max_priority_fee_per_gas
        members["gas_price"] = transaction.max_fee_per_gas if pending else price
    if transaction.type == 3:
        members["max_fee_per_blob_gas"] = transaction.max_fee_per_blob_gas
        members["blob_versioned_hashes"] = transaction.blob_hashes
    if transaction.type == 4:
        names = ("chain_id", "address", "nonce", "y_parity", "r", "s")
        members["authorization_list"] = [
            {name: getattr(each, name) for name in names} for each in transaction.authorizations
        ]
    return members


def receipt_members(
    block: Block, receipts: Sequence[Receipt], index: int, fork: Fork, *, pending: bool
) -> dict[str, Any]:
    """The receipt of a transaction of a block."""
    receipt, transaction = receipts[index], block.transactions[index]
    before = receipts[index - 1].cumulative_gas_used if index else 0
    status = int(bool(receipt.succeeded)) if receipt.state_root is None else 1
    members: dict[str, Any] = {
        "transaction_hash": transaction.hash,
        **_place(block, index, pending),
        "contract_address": receipt.contract_address,
        "cumulative_gas_used": receipt.cumulative_gas_used,
        "effective_gas_price": effective_gas_price(transaction, block.header.base_fee_per_gas),
        "from": _sender(block, index),
        "gas_used": receipt.cumulative_gas_used - before,
        "logs": [
            {
                "type": "pending" if pending else "mined",
                "log_index": number,
                "transaction_hash": transaction.hash,
                **_place(block, index, pending),
                "address": address,
                "data": data,
                "topics": list(topics),
            }
            for number, (address, topics, data) in enumerate(receipt.logs)
        ],
        "state_root": receipt.state_root or status.to_bytes(status, "big"),
        "status": status,
        "to": transaction.to or b"",
        "type": transaction.type,
    }
    if transaction.type == 3 and fork.blobs is not None:
        gas = GAS_PER_BLOB * len(transaction.blob_hashes)
        fee = blob_base_fee(block.header.excess_blob_gas or 0, fork.blobs)
        members |= {"blob_gas_used": gas, "blob_gas_price": fee * gas}
    return members
