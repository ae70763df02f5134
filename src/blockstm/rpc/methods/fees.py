"""What gas and blobs cost: now, lately, and what is suggested."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blockstm.ethereum import Block, Header
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.rules.fees import (
    GAS_PER_BLOB,
    base_fee_on,
    blob_base_fee,
    excess_blob_gas_after,
)
from blockstm.messages import brief
from blockstm.rpc.forms import effective_gas_price
from blockstm.rpc.node import Node
from blockstm.rpc.params import Params, quantity, refuse
from blockstm.values import is_int
from blockstm.vm.forks import LONDON, Fork

__all__ = ["base_fee", "blob_fee", "fee_history", "gas_price", "max_priority_fee", "suggested_tip"]

_SAMPLED_BLOCKS = 20
_SAMPLED_TIPS = 3
_SAMPLED_PERCENTILE = 60
_TIP_MIN = 2  # what is offered less is no sign of the market, as go-ethereum holds
_TIP_DEFAULT = 10**9
_PERCENTILES_MAX = 100


def base_fee(node: Node, params: Params) -> Any:
    """``eth_baseFee``: of the block after the head."""
    return shown(_fee_after(node, node.chain.head.header, node.next_fork()))


def blob_fee(node: Node, params: Params) -> Any:
    """``eth_blobBaseFee``: of the block after the head."""
    return shown(_blob_fee_after(node.chain.head.header, node.next_fork()))


def max_priority_fee(node: Node, params: Params) -> Any:
    """``eth_maxPriorityFeePerGas``."""
    return shown(suggested_tip(node))


def gas_price(node: Node, params: Params) -> Any:
    """``eth_gasPrice``: the suggested tip on top of the head's base fee."""
    return shown(suggested_tip(node) + (node.chain.head.header.base_fee_per_gas or 0))


def suggested_tip(node: Node) -> int:
    """The 60th percentile of the three least tips of each of the last 20 blocks."""
    head, sampled = node.chain.head.number, []
    for number in range(head, max(head - _SAMPLED_BLOCKS, -1), -1):
        block = node.chain.block(number)
        tips = sorted(tip for tip in _tips(block) if tip >= _TIP_MIN)
        sampled.extend(tips[:_SAMPLED_TIPS])
    if not sampled:
        return _TIP_DEFAULT
    return sorted(sampled)[(len(sampled) - 1) * _SAMPLED_PERCENTILE // 100]


def _tips(block: Block) -> list[int]:
    fee = block.header.base_fee_per_gas or 0
    # One that was paid for elsewhere offers nothing.
    return [max(effective_gas_price(each, fee) - fee, 0) for each in block.transactions]


def _fee_after(node: Node, header: Header, fork: Fork) -> int:
    return base_fee_on(node.chain.spec, header) if fork >= LONDON else 0


def _blob_fee_after(header: Header, fork: Fork) -> int:
    if fork.blobs is None:
        return 0
    return blob_base_fee(excess_blob_gas_after(header, fork), fork.blobs)


def fee_history(node: Node, params: Params) -> Any:
    """``eth_feeHistory``: fees and fullness of blocks, oldest first, and of the one after them."""
    count = min(_count(params.raw(0)), node.limits.fee_blocks)
    last = params.number(1)
    if last > params.latest:
        raise refuse("request beyond head block")
    percentiles = _percentiles(params.listed(2))
    first = max(last - count + 1, 0)
    blocks = [node.chain.block(number) for number in range(first, last + 1)] if count else []
    members: dict[str, Any] = {
        "oldestBlock": shown(first if count else 0),
        "gasUsedRatio": [each.header.gas_used / each.header.gas_limit for each in blocks],
    }
    if not blocks:
        return members
    headers = [each.header for each in blocks]
    members |= _fees_of(node, headers)
    if percentiles:
        members["reward"] = [_rewards(node, block, percentiles) for block in blocks]
    return members


def _fees_of(node: Node, headers: Sequence[Header]) -> dict[str, Any]:
    forks = [node.fork_of(header) for header in headers]
    last = headers[-1]
    following = node.next_fork()
    if last.number < node.chain.head.number:
        following = node.fork_of(node.chain.header(last.number + 1))
    blobs, ratios = [], []
    for header, fork in zip(headers, forks, strict=True):
        schedule = fork.blobs
        blobs.append(blob_base_fee(header.excess_blob_gas or 0, schedule) if schedule else 0)
        room = GAS_PER_BLOB * schedule.max if schedule else 1
        ratios.append((header.blob_gas_used or 0) / room)
    fees = [header.base_fee_per_gas or 0 for header in headers]
    return {
        "baseFeePerGas": [*map(shown, [*fees, _fee_after(node, last, following)])],
        "baseFeePerBlobGas": [*map(shown, [*blobs, _blob_fee_after(last, following)])],
        "blobGasUsedRatio": ratios,
    }


def _rewards(node: Node, block: Block, percentiles: Sequence[float]) -> list[str]:
    """The tip of the transaction at each percentile of the gas used, the least tips first."""
    if not block.transactions:
        return [shown(0)] * len(percentiles)
    before, paid = 0, []
    for tip, receipt in zip(_tips(block), node.chain.receipts(block.hash), strict=True):
        paid.append((tip, receipt.cumulative_gas_used - before))
        before = receipt.cumulative_gas_used
    paid.sort()
    found, place, reached = [], 0, paid[0][1]
    for percentile in percentiles:
        while reached < int(before * percentile / 100) and place < len(paid) - 1:
            place += 1
            reached += paid[place][1]
        found.append(shown(paid[place][0]))
    return found


def _count(value: object) -> int:
    """How many blocks: a quantity, or a number as older clients send it."""
    place = "invalid argument 0"
    if is_int(value) and isinstance(value, int) and value >= 0:
        return value
    return quantity(value, place)


def _percentiles(listed: Sequence[Any]) -> list[float]:
    if len(listed) > _PERCENTILES_MAX:
        raise refuse(f"more than {_PERCENTILES_MAX} percentiles")
    for each in listed:
        if isinstance(each, bool) or not isinstance(each, int | float) or not 0 <= each <= 100:
            raise refuse(f"invalid reward percentile: {brief(each)}")
    if list(listed) != sorted(listed):
        raise refuse("invalid reward percentile: they must ascend")
    return list(listed)
