"""What came of a transition, as go-ethereum's ``evm t8n`` writes it: result, accounts, body."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from blockstm.ethereum.blocks.receipt import Receipt
from blockstm.ethereum.blocks.transaction import Transaction, TransactionType
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import Item, encode, encode_list
from blockstm.ethereum.rules.fees import GAS_PER_BLOB, blob_base_fee
from blockstm.ethereum.rules.requests import requests_hash
from blockstm.ethereum.transition.transition import Transition
from blockstm.state.accounts import Account
from blockstm.types import Address

__all__ = ["accounts_to_json", "body_of", "result_to_json"]

_BLOCK_HASH: Final = "0x1337" + "00" * 30
"""What go-ethereum writes in logs and receipts of a block whose hash is not known yet."""
_NO_ADDRESS: Final = "0x" + "00" * 20


def result_to_json(made: Transition) -> dict[str, Any]:
    """The ``result`` of a transition."""
    executed, environment = made.executed, made.environment
    result: dict[str, Any] = {
        "stateRoot": shown(made.state_root),
        "txRoot": shown(made.block.transactions_root),
        "receiptsRoot": shown(executed.receipts_root),
        "logsHash": shown(_logs_hash(executed.receipts)),
        "logsBloom": shown(executed.logs_bloom),
        "receipts": list(_receipts(made)),
    }
    if made.rejected:
        result["rejected"] = [{"index": each.index, "error": each.error} for each in made.rejected]
    difficulty = environment.difficulty
    result["currentDifficulty"] = None if difficulty is None else shown(difficulty)
    result["gasUsed"] = shown(executed.gas_used)
    if environment.base_fee is not None:
        result["currentBaseFee"] = shown(environment.base_fee)
    if environment.withdrawals is not None:
        result["withdrawalsRoot"] = shown(made.block.withdrawals_root or b"")
    if environment.excess_blob_gas is not None:
        result["currentExcessBlobGas"] = shown(environment.excess_blob_gas)
        result["blobGasUsed"] = shown(made.block.header.blob_gas_used or 0)
    result |= _requests(made)
    if executed.access_list is not None:
        result["blockAccessList"] = shown(executed.access_list.encode())
        result["blockAccessListHash"] = shown(executed.access_list.hash)
    if made.witness is not None:
        result["executionWitness"] = made.witness.to_json()
    if made.exception:
        result["blockException"] = made.exception
    return result


def accounts_to_json(accounts: Iterable[tuple[Address, Account]]) -> dict[str, Any]:
    """The ``alloc`` of a state; what is zero or empty is left out, but for the balance."""
    return {shown(address): _account(account) for address, account in accounts}


def body_of(transactions: Iterable[Transaction]) -> bytes:
    """The RLP of a block's list of transactions."""
    return encode_list(
        [
            each.encode() if each.type == TransactionType.LEGACY else encode(each.encode())
            for each in transactions
        ]
    )


def _account(account: Account) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if account.code:
        members["code"] = shown(account.code)
    if account.storage:
        members["storage"] = {
            f"0x{slot:064x}": f"0x{value:064x}" for slot, value in sorted(account.storage.items())
        }
    members["balance"] = shown(account.balance)
    if account.nonce:
        members["nonce"] = shown(account.nonce)
    return members


def _logs_hash(receipts: Iterable[Receipt]) -> bytes:
    logs: list[Item] = [
        [address, topics, data] for each in receipts for address, topics, data in each.logs
    ]
    return keccak(encode(logs))


def _requests(made: Transition) -> dict[str, Any]:
    requests = made.executed.requests
    if made.fork.newest_transaction_type < TransactionType.SET_CODE:  # before Prague
        return {"requests": None}
    listed = [] if requests is None else list(requests)
    return {"requestsHash": shown(requests_hash(listed)), "requests": [*map(shown, listed)]}


def _receipts(made: Transition) -> Iterator[dict[str, Any]]:
    first_log = 0
    number = shown(made.environment.number)
    for index, (receipt, transaction) in enumerate(
        zip(made.executed.receipts, made.block.transactions, strict=True)
    ):
        where = {
            "blockNumber": number,
            "transactionHash": shown(transaction.hash),
            "transactionIndex": shown(index),
            "blockHash": _BLOCK_HASH,
        }
        members = _receipt(receipt) | _blob_gas(made, transaction) | where
        members["logs"] = [
            {
                "address": shown(address),
                "topics": [*map(shown, topics)],
                "data": shown(data),
                **where,
                "blockTimestamp": shown(made.environment.timestamp),
                "logIndex": shown(first_log + place),
                "removed": False,
            }
            for place, (address, topics, data) in enumerate(receipt.logs)
        ]
        first_log += len(receipt.logs)
        yield members


def _blob_gas(made: Transition, transaction: Transaction) -> dict[str, Any]:
    blobs = made.fork.blobs
    if transaction.type != TransactionType.BLOB or blobs is None:
        return {}
    return {
        "blobGasUsed": shown(len(transaction.blob_hashes) * GAS_PER_BLOB),
        "blobGasPrice": shown(blob_base_fee(made.environment.excess_blob_gas or 0, blobs)),
    }


def _receipt(receipt: Receipt) -> dict[str, Any]:
    members: dict[str, Any] = {"type": shown(receipt.type)} if receipt.type else {}
    return members | {
        "root": "0x" if receipt.state_root is None else shown(receipt.state_root),
        "status": shown(int(receipt.succeeded)),
        "cumulativeGasUsed": shown(receipt.cumulative_gas_used),
        "logsBloom": shown(receipt.bloom),
        "contractAddress": (
            _NO_ADDRESS if receipt.contract_address is None else shown(receipt.contract_address)
        ),
        "gasUsed": shown(receipt.gas_used or 0),
        "effectiveGasPrice": None,
    }
