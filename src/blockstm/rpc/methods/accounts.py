"""Accounts and their storage: balances, code, nonces, slots, proofs."""

from __future__ import annotations

from typing import Any

from blockstm.ethereum.codecs.fields import parse_address, shown
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT
from blockstm.rpc.errors import LIMIT_EXCEEDED, RpcError
from blockstm.rpc.forms import word
from blockstm.rpc.node import Node
from blockstm.rpc.params import Params, refuse, slot_key
from blockstm.state.account import EMPTY_CODE_HASH

__all__ = [
    "get_account",
    "get_balance",
    "get_code",
    "get_proof",
    "get_storage_at",
    "get_storage_values",
    "get_transaction_count",
]

_HASH_LENGTH = 66


def get_account(node: Node, params: Params) -> Any:
    """``eth_getAccount``: the four members of an account; null where there is none."""
    account = node.state(params.block(1)).account(params.address(0))
    if account is None:
        return None
    return {
        "balance": shown(account.balance),
        "codeHash": shown(account.code_hash),
        "nonce": shown(account.nonce),
        "storageRoot": shown(account.storage_root),
    }


def get_balance(node: Node, params: Params) -> Any:
    """``eth_getBalance``."""
    account = node.state(params.block(1)).account(params.address(0))
    return shown(0 if account is None else account.balance)


def get_code(node: Node, params: Params) -> Any:
    """``eth_getCode``."""
    return shown(node.state(params.block(1)).code_at(params.address(0)))


def get_transaction_count(node: Node, params: Params) -> Any:
    """``eth_getTransactionCount``; of "pending", after the transactions that wait."""
    address = params.address(0)
    if params.raw(1) == "pending":
        return shown(node.pool.next_nonce(address))
    account = node.state(params.block(1)).account(address)
    return shown(0 if account is None else account.nonce)


def get_storage_at(node: Node, params: Params) -> Any:
    """``eth_getStorageAt``."""
    slot = slot_key(params.raw(1), "invalid argument 1")
    return word(node.state(params.block(2)).storage(params.address(0), slot))


def get_storage_values(node: Node, params: Params) -> Any:
    """``eth_getStorageValues``: slots of several accounts."""
    asked = params.members(0)
    if not any(asked.values()):
        raise refuse("empty request")
    slots = {
        address: [slot_key(key, f"invalid argument 0.{address}") for key in _keys(keys)]
        for address, keys in asked.items()
    }
    _check_count(node, sum(map(len, slots.values())))
    state = node.state(params.block(1))
    return {
        address: [word(state.storage(parse_address(address, "address"), slot)) for slot in keys]
        for address, keys in slots.items()
    }


def get_proof(node: Node, params: Params) -> Any:
    """``eth_getProof`` (EIP-1186)."""
    address, keys = params.address(0), params.listed(1)
    _check_count(node, len(keys))
    slots = [slot_key(key, "invalid argument 1") for key in keys]
    proof = node.state(params.block(2)).proof(address, slots)
    account = proof.account
    return {
        "address": shown(address),
        "accountProof": [shown(each) for each in proof.nodes],
        "balance": shown(0 if account is None else account.balance),
        "codeHash": shown(EMPTY_CODE_HASH if account is None else account.code_hash),
        "nonce": shown(0 if account is None else account.nonce),
        "storageHash": shown(EMPTY_TRIE_ROOT if account is None else account.storage_root),
        "storageProof": [
            {
                "key": word(slot) if len(key) == _HASH_LENGTH else shown(slot),
                "value": shown(proof.storage[slot][0]),
                "proof": [shown(each) for each in proof.storage[slot][1]],
            }
            for key, slot in zip(keys, slots, strict=True)
        ],
    }


def _keys(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise refuse("invalid argument 0: the slots of an account are a list")
    return value


def _check_count(node: Node, count: int) -> None:
    if count > node.limits.slots:
        raise RpcError(LIMIT_EXCEEDED, f"{count} slots are more than {node.limits.slots}")
