"""Transactions: those of the chain, and those that wait for a block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blockstm.chain import FoundTransaction
from blockstm.errors import UnknownBlock
from blockstm.ethereum import Block
from blockstm.ethereum.codecs.fields import parse_address, shown
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.rpc.forms import mined_form, receipt_forms, transaction_form
from blockstm.rpc.node import Node
from blockstm.rpc.params import Params
from blockstm.rpc.pool import Pooled
from blockstm.types import Address, Hash32

__all__ = [
    "get_raw_by_block_hash",
    "get_raw_by_block_number",
    "get_raw_transaction",
    "get_transaction_by_block_hash",
    "get_transaction_by_block_number",
    "get_transaction_by_hash",
    "get_transaction_receipt",
    "pool_content",
    "pool_content_from",
    "pool_inspected",
    "pool_status",
    "send_raw_transaction",
]


def found(node: Node, transaction_hash: Hash32) -> FoundTransaction | None:
    """A transaction of the chain; None where there is none."""
    try:
        return node.chain.transaction(transaction_hash)
    except UnknownBlock:
        return None


def get_transaction_by_hash(node: Node, params: Params) -> Any:
    """``eth_getTransactionByHash``: of the chain, or of those that wait."""
    wanted = params.hash(0)
    mined = found(node, wanted)
    if mined is not None:
        return mined_form(node.chain.block(mined.block_hash), mined.index)
    pooled = node.pool.find(wanted)
    return None if pooled is None else transaction_form(pooled.transaction, pooled.sender)


def get_transaction_by_block_hash(node: Node, params: Params) -> Any:
    """``eth_getTransactionByBlockHashAndIndex``."""
    return _at(node.find(params.hash(0)), params.quantity(1))


def get_transaction_by_block_number(node: Node, params: Params) -> Any:
    """``eth_getTransactionByBlockNumberAndIndex``."""
    return _at(node.find(params.number(0)), params.quantity(1))


def _at(block: Block | None, index: int) -> Any:
    if block is None or index >= len(block.transactions):
        return None
    return mined_form(block, index)


def get_raw_transaction(node: Node, params: Params) -> Any:
    """``debug_getRawTransaction``, ``eth_getRawTransactionByHash``; null where it is unknown."""
    wanted = params.hash(0)
    mined = found(node, wanted)
    if mined is not None:
        return shown(mined.transaction.encode())
    pooled = node.pool.find(wanted)
    return None if pooled is None else shown(pooled.transaction.encode())


def get_raw_by_block_hash(node: Node, params: Params) -> Any:
    """``eth_getRawTransactionByBlockHashAndIndex``."""
    return _raw_at(node.find(params.hash(0)), params.quantity(1))


def get_raw_by_block_number(node: Node, params: Params) -> Any:
    """``eth_getRawTransactionByBlockNumberAndIndex``."""
    return _raw_at(node.find(params.number(0)), params.quantity(1))


def _raw_at(block: Block | None, index: int) -> Any:
    if block is None or index >= len(block.transactions):
        return None
    return shown(block.transactions[index].encode())


def get_transaction_receipt(node: Node, params: Params) -> Any:
    """``eth_getTransactionReceipt``."""
    mined = found(node, params.hash(0))
    if mined is None:
        return None
    block = node.chain.block(mined.block_hash)
    receipts = node.chain.receipts(mined.block_hash)
    return receipt_forms(block, receipts, node.fork_of(block.header))[mined.index]


# ---- those that wait


def send_raw_transaction(node: Node, params: Params) -> Any:
    """``eth_sendRawTransaction``."""
    transaction_hash = node.pool.send(params.data(0), node.next_fork())
    node.announce()
    return shown(transaction_hash)


def pool_content(node: Node, params: Params) -> Any:
    """``txpool_content``: by sender and nonce."""
    pending, queued = node.pool.content()
    return {"pending": _by_sender(pending), "queued": _by_sender(queued)}


def pool_content_from(node: Node, params: Params) -> Any:
    """``txpool_contentFrom``: one sender's, by nonce."""
    sender = params.address(0)
    pending, queued = node.pool.content()
    return {
        "pending": _by_nonce([each for each in pending if each.sender == sender]),
        "queued": _by_nonce([each for each in queued if each.sender == sender]),
    }


def pool_inspected(node: Node, params: Params) -> Any:
    """``txpool_inspect``: by sender and nonce, a line for each."""
    return {
        kind: {
            sender: {nonce: _line(form) for nonce, form in forms.items()}
            for sender, forms in senders.items()
        }
        for kind, senders in pool_content(node, params).items()
    }


def _line(form: Mapping[str, Any]) -> str:
    """What a transaction pays: a value, and gas at the most that it offers."""
    to = "contract creation" if form["to"] is None else checksummed(parse_address(form["to"], "to"))
    price = form.get("maxFeePerGas", form["gasPrice"])
    value, gas, fee = (int(each, 16) for each in (form["value"], form["gas"], price))
    return f"{to}: {value} wei + {gas} gas × {fee} wei"


def pool_status(node: Node, params: Params) -> Any:
    """``txpool_status``: how many wait."""
    pending, queued = node.pool.content()
    return {"pending": shown(len(pending)), "queued": shown(len(queued))}


def _by_sender(pooled: list[Pooled]) -> dict[str, Any]:
    senders = sorted({each.sender for each in pooled})
    return {
        checksummed(sender): _by_nonce([each for each in pooled if each.sender == sender])
        for sender in senders
    }


def _by_nonce(pooled: list[Pooled]) -> dict[str, Any]:
    return {
        str(each.transaction.nonce): transaction_form(each.transaction, each.sender)
        for each in pooled
    }


def checksummed(address: Address) -> str:
    """An address in the letters of its checksum (EIP-55)."""
    digits = address.hex()
    letters = keccak(digits.encode()).hex()
    pairs = zip(digits, letters, strict=False)
    return "0x" + "".join(digit.upper() if int(way, 16) >= 8 else digit for digit, way in pairs)
