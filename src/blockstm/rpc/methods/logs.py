"""``eth_getLogs``: blocks passed over by their Bloom filters, or their receipts looked through."""

from __future__ import annotations

from typing import Any

from blockstm.ethereum.codecs.fields import parse_hash
from blockstm.rpc.errors import LIMIT_EXCEEDED, RpcError
from blockstm.rpc.log_filter import filter_of, logs_of
from blockstm.rpc.node import Node
from blockstm.rpc.params import Params, refuse

__all__ = ["get_logs"]


def get_logs(node: Node, params: Params) -> Any:
    """``eth_getLogs``."""
    wanted = filter_of(params.members(0))
    blooms = wanted.blooms()
    found: list[dict[str, Any]] = []
    for which in _blocks(node, params):
        if not wanted.may_be_in(blooms, node.chain.header(which).logs_bloom):
            continue
        found.extend(logs_of(node, node.chain.block(which), wanted))
        if len(found) > node.limits.logs:
            raise RpcError(LIMIT_EXCEEDED, f"more than {node.limits.logs} logs: ask for less")
    return found


def _blocks(node: Node, params: Params) -> list[Any] | range:
    asked = params.members(0)
    ends = [asked.get("fromBlock"), asked.get("toBlock")]
    if asked.get("blockHash") is not None:
        if ends != [None, None]:
            raise refuse(
                "invalid argument 0: cannot specify both BlockHash and FromBlock/ToBlock, "
                "choose one or the other"
            )
        return [parse_hash(asked["blockHash"], "invalid argument 0.blockHash")]
    first, last = (
        params.latest if each is None else params.number_of(each, "invalid argument 0")
        for each in ends
    )
    if first > last:
        raise refuse("invalid block range params")
    if last > params.latest:
        raise refuse("block range extends beyond current head block")
    if last - first >= node.limits.log_blocks:
        raise RpcError(LIMIT_EXCEEDED, f"more than {node.limits.log_blocks} blocks: ask for less")
    return range(first, last + 1)
