"""Transactions of the node's own accounts, and of any that are impersonated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from blockstm.ethereum import Message, Transaction, estimate_gas
from blockstm.ethereum.blocks.transaction import TransactionType
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.codecs.json_files import parse_json
from blockstm.ethereum.rules.fees import base_fee_on
from blockstm.ethereum.rules.transaction_rules import transaction_violation
from blockstm.rpc.dev.node import DevNode
from blockstm.rpc.dev.typed_data import typed_data_hash
from blockstm.rpc.errors import SERVER_ERROR, RpcError
from blockstm.rpc.forms import transaction_form
from blockstm.rpc.messages import message_of_json
from blockstm.rpc.methods.fees import suggested_tip
from blockstm.rpc.params import Params, refuse
from blockstm.rpc.pool import Pooled, check_in_state
from blockstm.types import Address
from blockstm.vm.forks import LONDON, SPURIOUS_DRAGON

__all__ = [
    "accounts",
    "coinbase",
    "hash_rate",
    "impersonate",
    "impersonate_all",
    "is_mining",
    "pooled_message",
    "pooled_raw",
    "send_raw",
    "send_transaction",
    "send_unsigned",
    "sign_message",
    "sign_personal",
    "sign_transaction",
    "sign_typed",
    "stop_impersonating",
]


def accounts(node: DevNode, params: Params) -> Any:
    """``eth_accounts``: those whose keys the node has."""
    return [shown(each) for each in node.wallet.addresses]


def coinbase(node: DevNode, params: Params) -> Any:
    """``eth_coinbase``: who gets the fees."""
    return shown(node.miner.coinbase)


def is_mining(node: DevNode, params: Params) -> Any:
    """``eth_mining``: whether there are blocks without being asked for."""
    return node.miner.is_automatic or node.interval > 0


def hash_rate(node: DevNode, params: Params) -> Any:
    """``eth_hashrate``: no work is done for blocks."""
    return shown(0)


# ---- transactions


def send_raw(node: DevNode, params: Params) -> Any:
    """``eth_sendRawTransaction``."""
    encoding = params.data(0)
    with node.miner.turn:
        pooled = pooled_raw(node, encoding)
        node.pool.add(pooled)
        node.mine_sent(pooled.transaction.hash)
    return shown(pooled.transaction.hash)


def pooled_raw(node: DevNode, encoding: bytes) -> Pooled:
    """A signed transaction that may become valid in the next block.

    Raises:
        DecodeError, RpcError: see `Pool.send`.
    """
    pooled = node.pool.checked(encoding, node.next_fork())
    _check_price(node, pooled.transaction)
    return pooled


def send_transaction(node: DevNode, params: Params) -> Any:
    """``eth_sendTransaction``: from an account of the node's, or one that is impersonated."""
    return _sent(node, message_of_json(params.raw(0), "invalid argument 0"))


def send_unsigned(node: DevNode, params: Params) -> Any:
    """``eth_sendUnsignedTransaction``: from anybody, as though impersonated."""
    message = message_of_json(params.raw(0), "invalid argument 0")
    wallet = node.wallet
    with node.miner.turn:
        before = wallet.impersonates_all
        wallet.impersonates_all = True
        try:
            return _sent(node, message)
        finally:
            wallet.impersonates_all = before


def _sent(node: DevNode, message: Message) -> str:
    with node.miner.turn:
        pooled = pooled_message(node, message)
        node.pool.add(pooled)
        node.mine_sent(pooled.transaction.hash)
    return shown(pooled.transaction.hash)


def pooled_message(node: DevNode, message: Message) -> Pooled:
    """The transaction of a message, signed, that may become valid in the next block.

    Raises:
        RpcError: it breaks a rule, or the node has no key for it.
        CallError: it would not succeed.
    """
    sender = message.sender
    transaction = _signed(node, message)
    violation = transaction_violation(
        transaction, node.next_fork(), node.chain.spec.chain_id, sender
    )
    if violation is not None:
        raise RpcError(SERVER_ERROR, f"{violation.reason}: {violation.detail}")
    _check_price(node, transaction)
    check_in_state(transaction, sender, node.state(node.chain.head.hash))
    return Pooled(transaction, sender, None)


def _check_price(node: DevNode, transaction: Transaction) -> None:
    price = max(transaction.gas_price, transaction.max_fee_per_gas)
    if price < node.miner.price_min:
        raise RpcError(
            SERVER_ERROR, f"a gas price is at least {node.miner.price_min} wei here, not {price}"
        )


def sign_transaction(node: DevNode, params: Params) -> Any:
    """``eth_signTransaction``."""
    message = message_of_json(params.raw(0), "invalid argument 0")
    with node.miner.turn:
        transaction = _signed(node, message)
    return {
        "raw": shown(transaction.encode()),
        "tx": transaction_form(transaction, message.sender),
    }


def _signed(node: DevNode, message: Message) -> Transaction:
    """The transaction of a message, with all that it leaves open, signed."""
    if message.blob_hashes is not None:
        raise refuse("a transaction with blobs is sent signed, by eth_sendRawTransaction")
    message = _priced(node, message)
    nonce = message.nonce
    if nonce is None:
        nonce = node.pool.next_nonce(message.sender)
    chain_id = node.chain.spec.chain_id
    transaction = _transaction(message, nonce, _gas(node, message), chain_id)
    protected = node.next_fork() >= SPURIOUS_DRAGON
    return node.wallet.signed(transaction, message.sender, chain_id, protected=protected)


def _priced(node: DevNode, message: Message) -> Message:
    """With a price; by default one that will do for some blocks."""
    if message.gas_price is not None or message.max_fee_per_gas:
        return message
    tip = message.max_priority_fee_per_gas or suggested_tip(node)
    if node.next_fork() < LONDON:
        return replace(message, gas_price=max(tip, node.miner.price_min))
    fee = node.miner.wanted.base_fee_per_gas
    if fee is None:
        fee = base_fee_on(node.chain.spec, node.chain.head.header)
    return replace(message, max_fee_per_gas=2 * fee + tip, max_priority_fee_per_gas=tip)


def _gas(node: DevNode, message: Message) -> int:
    """What it says, or what is estimated.

    Raises:
        CallError: it would not succeed.
    """
    if message.gas is not None:
        return message.gas
    state = node.state(node.chain.head.hash)
    free = replace(
        message, gas_price=None, max_fee_per_gas=0, max_priority_fee_per_gas=0, nonce=None
    )
    return estimate_gas(state, free, **node.call_options(state))


def _transaction(message: Message, nonce: int, gas: int, chain_id: int) -> Transaction:
    members: dict[str, Any] = {
        "nonce": nonce,
        "gas": gas,
        "to": message.to,
        "value": message.value,
        "data": message.data,
        "chain_id": chain_id,
        "v": 0,
        "r": 0,
        "s": 0,
    }
    if message.gas_price is not None:
        kind = TransactionType.ACCESS_LIST if message.access_list else TransactionType.LEGACY
        members["access_list"] = message.access_list
        return Transaction(type=kind, gas_price=message.gas_price, **members)
    kind = TransactionType.SET_CODE if message.authorizations else TransactionType.DYNAMIC_FEE
    return Transaction(
        type=kind,
        max_fee_per_gas=message.max_fee_per_gas,
        max_priority_fee_per_gas=message.max_priority_fee_per_gas,
        access_list=message.access_list,
        authorizations=message.authorizations or (),
        **members,
    )


# ---- keys


def sign_message(node: DevNode, params: Params) -> Any:
    """``eth_sign``: of an address, a message (EIP-191)."""
    return shown(node.wallet.signed_message(params.data(1), params.address(0)))


def sign_personal(node: DevNode, params: Params) -> Any:
    """``personal_sign``: of a message, an address."""
    return shown(node.wallet.signed_message(params.data(0), params.address(1)))


def sign_typed(node: DevNode, params: Params) -> Any:
    """``eth_signTypedData_v4``: of an address, a document (EIP-712) or its JSON as text."""
    document = params.raw(1)
    if isinstance(document, str):
        document = parse_json(document.encode(), "invalid argument 1")
    return shown(node.wallet.signed_hash(typed_data_hash(document), params.address(0)))


def impersonate(node: DevNode, params: Params) -> Any:
    """``hardhat_impersonateAccount``: send what says it is from there."""
    node.wallet.impersonated.add(params.address(0))
    return True


def stop_impersonating(node: DevNode, params: Params) -> Any:
    """``hardhat_stopImpersonatingAccount``: whether it was impersonated."""
    address: Address = params.address(0)
    found = address in node.wallet.impersonated
    node.wallet.impersonated.discard(address)
    return found


def impersonate_all(node: DevNode, params: Params) -> Any:
    """``anvil_autoImpersonateAccount``: send what says it is from anywhere."""
    node.wallet.impersonates_all = params.flag(0)
    return None
