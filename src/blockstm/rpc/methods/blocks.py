"""Blocks and headers, as objects and as their encodings."""

from __future__ import annotations

from typing import Any

from blockstm.ethereum import Block
from blockstm.ethereum.codecs.fields import shown
from blockstm.rpc.errors import SERVER_ERROR, RpcError
from blockstm.rpc.forms import block_form, header_form, receipt_forms
from blockstm.rpc.node import Node
from blockstm.rpc.params import BlockName, Params

__all__ = [
    "block_number",
    "execution_witness",
    "get_block_by_hash",
    "get_block_by_number",
    "get_block_receipts",
    "get_header_by_hash",
    "get_header_by_number",
    "get_raw_block",
    "get_raw_header",
    "get_raw_receipts",
    "get_transaction_count_by_hash",
    "get_transaction_count_by_number",
    "get_uncle_by_hash",
    "get_uncle_by_number",
    "get_uncle_count_by_hash",
    "get_uncle_count_by_number",
]


def block_number(node: Node, params: Params) -> Any:
    """``eth_blockNumber``."""
    return shown(node.chain.head.number)


def get_block_by_hash(node: Node, params: Params) -> Any:
    """``eth_getBlockByHash``."""
    block = node.find(params.hash(0))
    return None if block is None else block_form(block, full=params.flag(1))


def get_block_by_number(node: Node, params: Params) -> Any:
    """``eth_getBlockByNumber``."""
    block = node.find(params.number(0))
    return None if block is None else block_form(block, full=params.flag(1))


def get_header_by_hash(node: Node, params: Params) -> Any:
    """``eth_getHeaderByHash``."""
    return _header(node, params.hash(0))


def get_header_by_number(node: Node, params: Params) -> Any:
    """``eth_getHeaderByNumber``."""
    return _header(node, params.number(0))


def _header(node: Node, which: BlockName) -> Any:
    block = node.find(which)
    return None if block is None else header_form(block.header, block.hash)


def get_block_receipts(node: Node, params: Params) -> Any:
    """``eth_getBlockReceipts``."""
    block = node.find(params.block(0))
    if block is None:
        return None
    receipts = node.chain.receipts(block.hash)
    return receipt_forms(block, receipts, node.fork_of(block.header))


def get_transaction_count_by_hash(node: Node, params: Params) -> Any:
    """``eth_getBlockTransactionCountByHash``."""
    block = node.find(params.hash(0))
    return None if block is None else shown(len(block.transactions))


def get_transaction_count_by_number(node: Node, params: Params) -> Any:
    """``eth_getBlockTransactionCountByNumber``."""
    block = node.find(params.number(0))
    return None if block is None else shown(len(block.transactions))


def get_uncle_count_by_hash(node: Node, params: Params) -> Any:
    """``eth_getUncleCountByBlockHash``."""
    block = node.find(params.hash(0))
    return None if block is None else shown(len(block.ommers or ()))


def get_uncle_count_by_number(node: Node, params: Params) -> Any:
    """``eth_getUncleCountByBlockNumber``."""
    block = node.find(params.number(0))
    return None if block is None else shown(len(block.ommers or ()))


def get_uncle_by_hash(node: Node, params: Params) -> Any:
    """``eth_getUncleByBlockHashAndIndex``."""
    return _uncle(node.find(params.hash(0)), params.quantity(1))


def get_uncle_by_number(node: Node, params: Params) -> Any:
    """``eth_getUncleByBlockNumberAndIndex``."""
    return _uncle(node.find(params.number(0)), params.quantity(1))


def _uncle(block: Block | None, index: int) -> Any:
    ommers = () if block is None else block.ommers or ()
    if index >= len(ommers):
        return None
    header = ommers[index]
    bare = Block(header.hash, header, ())
    members = block_form(bare, full=False)
    del members["transactions"]
    return members


def get_raw_block(node: Node, params: Params) -> Any:
    """``debug_getRawBlock``."""
    return shown(_known(node, params).encode())


def get_raw_header(node: Node, params: Params) -> Any:
    """``debug_getRawHeader``."""
    return shown(_known(node, params).header.encode())


def get_raw_receipts(node: Node, params: Params) -> Any:
    """``debug_getRawReceipts``."""
    block = _known(node, params)
    return [shown(each.encode()) for each in node.chain.receipts(block.hash)]


def _known(node: Node, params: Params) -> Block:
    which = params.block(0)
    block = node.find(which)
    if block is None:
        raise RpcError(SERVER_ERROR, f"block {shown(which)} not found")
    return block


def execution_witness(node: Node, params: Params) -> Any:
    """``debug_executionWitness``: what executing a block needs beside it, with its proof."""
    return node.chain.witness(params.block(0)).to_json()
