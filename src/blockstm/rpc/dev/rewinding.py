"""``anvil_rollback``, ``anvil_reorg``: the last blocks are gone, or others are in their place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.messages import brief
from blockstm.rpc.dev.node import DevNode
from blockstm.rpc.dev.sending import pooled_message, pooled_raw
from blockstm.rpc.dev.stepping import check_count, number
from blockstm.rpc.errors import SERVER_ERROR, RpcError
from blockstm.rpc.messages import message_of_json
from blockstm.rpc.params import Params, data, refuse
from blockstm.types import Hash32

__all__ = ["reorganize", "roll_back"]


def roll_back(node: DevNode, params: Params) -> Any:
    """``anvil_rollback``: so many blocks back, by default one; their transactions are gone."""
    depth = number(params.raw(0), "invalid argument 0") if 0 in params else 1
    with node.miner.turn:
        _go_back(node, depth)
    node.announce()
    return None


def reorganize(node: DevNode, params: Params) -> Any:
    """``anvil_reorg``: as many blocks of other transactions in the place of the last ones.

    Given the depth and pairs of a transaction (signed, or as of ``eth_sendTransaction``) and the
    place among the new blocks where it goes.
    """
    depth, listed = _wanted(params)
    with node.miner.all_or_nothing():
        check_count(node, depth)
        before = _go_back(node, depth)
        waiting = node.pool.waiting()
        for place in range(depth):
            _mine_one(node, listed[place], before)
        node.pool.replace_all(waiting)
    node.announce()
    return None


def _wanted(params: Params) -> tuple[int, Mapping[int, list[Any]]]:
    given: Any = params.raw(0)
    pairs = params.raw(1)
    if isinstance(given, Mapping):
        given, pairs = given.get("depth"), given.get("tx_block_pairs", given.get("txBlockPairs"))
    depth = number(given, "invalid argument 0.depth")
    if not isinstance(pairs, list | None):
        raise refuse(f"tx_block_pairs: expected a list, not {brief(pairs)}")
    listed: defaultdict[int, list[Any]] = defaultdict(list)
    for pair in pairs or ():
        if not isinstance(pair, list) or len(pair) != 2:
            raise refuse(f"tx_block_pairs: expected a transaction and a place, not {brief(pair)}")
        place = number(pair[1], "tx_block_pairs: a place")
        if place >= depth:
            raise refuse(f"tx_block_pairs: place {place} of {depth} blocks")
        listed[place].append(pair[0])
    return depth, listed


def _go_back(node: DevNode, depth: int) -> Hash32:
    """To the block so many before the head; the hash of what was the head."""
    head = node.chain.head
    if depth > head.number:
        raise RpcError(SERVER_ERROR, f"the chain has {head.number} blocks after its first")
    node.pool.content()  # what is mined waits no longer, nor will it on the way back
    node.chain.set_head(node.chain.block_hash(head.number - depth))
    return head.hash


def _mine_one(node: DevNode, transactions: list[Any], other: Hash32) -> None:
    node.pool.replace_all(())
    for each in transactions:
        if isinstance(each, str):
            node.pool.add(pooled_raw(node, data(each, "tx_block_pairs")))
        else:
            node.pool.add(pooled_message(node, message_of_json(each, "tx_block_pairs")))
    # By this no block is one of those that were there, be it as empty.
    node.miner.want_random(Hash32(keccak(other + node.chain.head.hash)))
    listed = node.pool.waiting()
    mined = node.miner.mine()
    if mined.rejected:
        raise RpcError(SERVER_ERROR, next(iter(mined.rejected.values())))
    there = {each.hash for each in mined.imported.block.transactions}
    for pooled in listed:
        transaction = pooled.transaction
        if transaction.hash not in there:
            raise RpcError(
                SERVER_ERROR,
                f"tx_block_pairs: {shown(transaction.hash)} is in no block: nonce "
                f"{transaction.nonce} is not the next of {shown(pooled.sender)}",
            )
