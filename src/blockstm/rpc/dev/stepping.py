"""Blocks, time and snapshots: as ``evm_*``, ``hardhat_*`` and ``anvil_*`` ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from blockstm.ethereum.codecs.fields import shown
from blockstm.messages import brief
from blockstm.rpc.dev.node import DevNode
from blockstm.rpc.errors import LIMIT_EXCEEDED, RpcError
from blockstm.rpc.forms import block_form
from blockstm.rpc.params import Params, quantity, refuse

__all__ = [
    "automine",
    "check_count",
    "increase_time",
    "interval_mine",
    "mine",
    "mine_blocks",
    "mine_detailed",
    "mining_interval",
    "mining_interval_ms",
    "mining_interval_s",
    "next_base_fee",
    "next_timestamp",
    "number",
    "prev_randao",
    "remove_spacing",
    "reset",
    "revert",
    "set_automine",
    "set_coinbase",
    "set_gas_limit",
    "set_spacing",
    "set_time",
    "snapshot",
]

_MS: Final = 1000
_INTERVAL_S_MAX: Final = 1 << 20
_NO_OTHER: Final = "this node stands on no other: it resets to its own first block"


def number(value: object, place: str, bits: int = 64) -> int:
    """A number as these clients send them: JSON's own, or a quantity."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < 1 << bits:
            raise refuse(f"{place}: a number from 0 below 2**{bits}, not {brief(value)}")
        return value
    return quantity(value, place, bits)


def _number(params: Params, place: int, bits: int = 64) -> int:
    return number(params.raw(place), f"invalid argument {place}", bits)


def _told(node: DevNode, answer: Any) -> Any:
    node.announce()
    return answer


# ---- blocks


def mine(node: DevNode, params: Params) -> Any:
    """``evm_mine``: a block, perhaps at a time; or ``{"timestamp", "blocks"}``."""
    wanted = params.raw(0)
    members = wanted if isinstance(wanted, Mapping) else {"timestamp": wanted}
    blocks, timestamp = members.get("blocks"), members.get("timestamp")
    count = 1 if blocks is None else number(blocks, "invalid argument 0.blocks")
    with node.miner.turn:
        check_count(node, count)
        if timestamp is not None:
            node.miner.want_time(number(timestamp, "invalid argument 0.timestamp"))
        for _ in range(count):
            node.miner.mine()
    return _told(node, shown(0))


def mine_blocks(node: DevNode, params: Params) -> Any:
    """``hardhat_mine``, ``anvil_mine``: so many blocks, and so many seconds between them."""
    count = _number(params, 0) if 0 in params else 1
    seconds = _number(params, 1, 32) if 1 in params else None
    with node.miner.turn:
        check_count(node, count)
        for index in range(count):
            if seconds and index:
                node.miner.want_time(node.chain.head.header.timestamp + seconds)
            node.miner.mine()
    return _told(node, True)


def check_count(node: DevNode, count: int) -> None:
    """Refuse what would mine more blocks than the limits allow."""
    if count > node.limits.mined:
        raise RpcError(LIMIT_EXCEEDED, f"more than {node.limits.mined} blocks")


def mine_detailed(node: DevNode, params: Params) -> Any:
    """``evm_mine_detailed``: as ``evm_mine``; the blocks, with their transactions."""
    with node.miner.turn:
        first = node.chain.head.number + 1
        mine(node, params)
        numbers = range(first, node.chain.head.number + 1)
        return [block_form(node.chain.block(each), full=True) for each in numbers]


def interval_mine(node: DevNode, params: Params) -> Any:
    """``hardhat_intervalMine``: the block that the next interval would bring."""
    node.miner.mine()
    return _told(node, True)


def set_automine(node: DevNode, params: Params) -> Any:
    """``evm_setAutomine``: whether a transaction is in a block at once."""
    node.miner.is_automatic = params.flag(0)
    return True


def automine(node: DevNode, params: Params) -> Any:
    """``hardhat_getAutomine``."""
    return node.miner.is_automatic


def mining_interval_ms(node: DevNode, params: Params) -> Any:
    """``evm_setIntervalMining``: in ms; 0: it mines none by itself."""
    value = params.raw(0)
    if isinstance(value, list):  # the least and the most
        value = value[0] if value else None
    return _set_interval(node, number(value, "invalid argument 0") / _MS)


def mining_interval_s(node: DevNode, params: Params) -> Any:
    """``anvil_setIntervalMining``: in s."""
    return _set_interval(node, _number(params, 0))


def mining_interval(node: DevNode, params: Params) -> Any:
    """``anvil_getIntervalMining``: in s; null where it mines none by itself."""
    return node.interval or None


def _set_interval(node: DevNode, seconds: float) -> bool:
    if seconds > _INTERVAL_S_MAX:
        raise refuse(f"an interval is at most {_INTERVAL_S_MAX} s")
    node.mine_every(seconds)
    return True


# ---- what blocks have


def next_timestamp(node: DevNode, params: Params) -> Any:
    """``evm_setNextBlockTimestamp``."""
    timestamp = _number(params, 0)
    node.miner.want_time(timestamp)
    return str(timestamp)


def increase_time(node: DevNode, params: Params) -> Any:
    """``evm_increaseTime``: by seconds; by how much the clock is ahead then."""
    seconds = _number(params, 0, 60)
    return str(node.miner.advance(seconds))


def set_time(node: DevNode, params: Params) -> Any:
    """``evm_setTime``, ``anvil_setTime``: the clock; by how much it is ahead then."""
    node.miner.set_now(_number(params, 0, 60))
    return node.miner.offset


def set_spacing(node: DevNode, params: Params) -> Any:
    """``anvil_setBlockTimestampInterval``: seconds between the times of blocks."""
    node.miner.spacing = max(_number(params, 0, 32), 1)
    return None


def remove_spacing(node: DevNode, params: Params) -> Any:
    """``anvil_removeBlockTimestampInterval``: whether there was one."""
    found, node.miner.spacing = node.miner.spacing, None
    return found is not None


def next_base_fee(node: DevNode, params: Params) -> Any:
    """``hardhat_setNextBlockBaseFeePerGas``: in wei."""
    fee = _number(params, 0, 128)
    with node.miner.turn:
        node.miner.wanted = replace(node.miner.wanted, base_fee_per_gas=fee)
    return True


def prev_randao(node: DevNode, params: Params) -> Any:
    """``hardhat_setPrevRandao``: of the next block."""
    node.miner.want_random(params.hash(0))
    return True


def set_coinbase(node: DevNode, params: Params) -> Any:
    """``hardhat_setCoinbase``: who gets the fees from now on."""
    node.miner.coinbase = params.address(0)
    return True


def set_gas_limit(node: DevNode, params: Params) -> Any:
    """``evm_setBlockGasLimit``: of blocks from now on, in gas."""
    limit = _number(params, 0, 62)
    if not limit:
        raise refuse("invalid argument 0: a block has some gas")
    node.miner.gas_limit = limit
    return True


# ---- going back


def snapshot(node: DevNode, params: Params) -> Any:
    """``evm_snapshot``: its number."""
    return shown(node.miner.snapshot())


def revert(node: DevNode, params: Params) -> Any:
    """``evm_revert``: whether there was such a snapshot."""
    return _told(node, node.miner.revert(_number(params, 0)))


def reset(node: DevNode, params: Params) -> Any:
    """``hardhat_reset``, ``anvil_reset``: back to the first block."""
    if params.raw(0):
        raise refuse(_NO_OTHER)
    node.miner.reset()
    return _told(node, True)
