"""Blocks, transactions, receipts and logs as JSON-RPC shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blockstm.ethereum import Block, Header, Receipt, Transaction
from blockstm.ethereum.blocks.receipt import Log
from blockstm.ethereum.blocks.transaction import TransactionType
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.rules.fees import GAS_PER_BLOB, blob_base_fee
from blockstm.types import Address, Hash32
from blockstm.vm.forks import Fork

__all__ = [
    "block_form",
    "effective_gas_price",
    "header_form",
    "log_form",
    "mined_form",
    "receipt_forms",
    "transaction_form",
    "word",
]


def word(number: int) -> str:
    """A number as 32 bytes."""
    return "0x" + number.to_bytes(32, "big").hex()


def header_form(header: Header, block_hash: Hash32) -> dict[str, Any]:
    """A header, with the hash of its block."""
    return header.to_json() | {"hash": shown(block_hash)}


def block_form(block: Block, *, full: bool) -> dict[str, Any]:
    """A block; ``full``: with its transactions and not only their hashes."""
    members = header_form(block.header, block.hash)
    members["size"] = shown(block.encoded_size)
    members["uncles"] = [shown(ommer.hash) for ommer in block.ommers or ()]
    if block.withdrawals is not None:
        members["withdrawals"] = [each.to_json() for each in block.withdrawals]
    members["transactions"] = [
        mined_form(block, index) if full else shown(each.hash)
        for index, each in enumerate(block.transactions)
    ]
    return members


def effective_gas_price(transaction: Transaction, base_fee: int | None) -> int:
    """What a transaction pays in a block, in wei per gas (EIP-1559)."""
    if transaction.type <= TransactionType.ACCESS_LIST:
        return transaction.gas_price
    offered = (base_fee or 0) + transaction.max_priority_fee_per_gas
    return min(transaction.max_fee_per_gas, offered)


def transaction_form(transaction: Transaction, sender: Address) -> dict[str, Any]:
    """A transaction that is in no block."""
    members = transaction.to_json()
    if "yParity" in members:
        members["v"] = members["yParity"]
    members.setdefault("gasPrice", shown(transaction.max_fee_per_gas))
    return members | {
        "blockHash": None,
        "blockNumber": None,
        "blockTimestamp": None,
        "from": shown(sender),
        "hash": shown(transaction.hash),
        "transactionIndex": None,
    }


def mined_form(block: Block, index: int, sender: Address | None = None) -> dict[str, Any]:
    """A transaction of a block, by its place in it."""
    transaction, header = block.transactions[index], block.header
    signer = sender or block.senders[index]
    assert signer is not None  # a chain keeps them all
    price = effective_gas_price(transaction, header.base_fee_per_gas)
    return transaction_form(transaction, signer) | {
        "blockHash": shown(block.hash),
        "blockNumber": shown(header.number),
        "blockTimestamp": shown(header.timestamp),
        "gasPrice": shown(price),
        "transactionIndex": shown(index),
    }


def log_form(block: Block, index: int, log: Log, number: int) -> dict[str, Any]:
    """A log of the transaction at ``index``; ``number`` is the log's place in the block."""
    address, topics, payload = log
    return {
        "address": shown(address),
        "topics": [shown(topic) for topic in topics],
        "data": shown(payload),
        "blockNumber": shown(block.header.number),
        "transactionHash": shown(block.transactions[index].hash),
        "transactionIndex": shown(index),
        "blockHash": shown(block.hash),
        "blockTimestamp": shown(block.header.timestamp),
        "logIndex": shown(number),
        "removed": False,
    }


def receipt_forms(block: Block, receipts: Sequence[Receipt], fork: Fork) -> list[dict[str, Any]]:
    """The receipts of a block that is under ``fork``."""
    found, first_log, gas_before = [], 0, 0
    for index, receipt in enumerate(receipts):
        members = _receipt_form(block, index, receipt, first_log)
        members["gasUsed"] = shown(receipt.cumulative_gas_used - gas_before)
        members |= _blob_members(block, index, fork)
        found.append(members)
        first_log += len(receipt.logs)
        gas_before = receipt.cumulative_gas_used
    return found


def _receipt_form(block: Block, index: int, receipt: Receipt, first_log: int) -> dict[str, Any]:
    transaction, sender = block.transactions[index], block.senders[index]
    assert sender is not None  # a chain keeps them all
    return (
        {"contractAddress": None}
        | receipt.to_json()
        | {
            "blockHash": shown(block.hash),
            "blockNumber": shown(block.header.number),
            "effectiveGasPrice": shown(
                effective_gas_price(transaction, block.header.base_fee_per_gas)
            ),
            "from": shown(sender),
            "logs": [
                log_form(block, index, log, number)
                for number, log in enumerate(receipt.logs, first_log)
            ],
            "to": None if transaction.to is None else shown(transaction.to),
            "transactionHash": shown(transaction.hash),
            "transactionIndex": shown(index),
        }
    )


def _blob_members(block: Block, index: int, fork: Fork) -> dict[str, Any]:
    transaction = block.transactions[index]
    if transaction.type != TransactionType.BLOB or fork.blobs is None:
        return {}
    fee = blob_base_fee(block.header.excess_blob_gas or 0, fork.blobs)
    return {
        "blobGasUsed": shown(GAS_PER_BLOB * len(transaction.blob_hashes)),
        "blobGasPrice": shown(fee),
    }
