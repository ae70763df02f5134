"""``eth_getLogs``: blocks passed over by their Bloom filters, or their receipts looked through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final

from blockstm.errors import DecodeError
from blockstm.ethereum import Block
from blockstm.ethereum.blocks.receipt import Log
from blockstm.ethereum.codecs.fields import parse_address, parse_hash
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.messages import brief
from blockstm.rpc.errors import LIMIT_EXCEEDED, RpcError
from blockstm.rpc.forms import log_form
from blockstm.rpc.node import Node
from blockstm.rpc.params import Params, refuse
from blockstm.types import Address

__all__ = ["get_logs"]

_TOPICS_MAX: Final = 4
_ALTERNATIVES_MAX: Final = 1000
_BLOOM_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class _Filter:
    """Which logs are asked for; no addresses, or no topics at a place, are any."""

    addresses: frozenset[Address]
    topics: tuple[frozenset[bytes], ...]

    def takes(self, log: Log) -> bool:
        address, topics, _ = log
        if self.addresses and address not in self.addresses:
            return False
        if len(topics) < len(self.topics):
            return False
        pairs = zip(self.topics, topics, strict=False)
        return all(not wanted or topic in wanted for wanted, topic in pairs)

    def blooms(self) -> list[list[int]]:
        """For each thing that is asked for, the bits of what it can be."""
        all_of = [self.addresses, *self.topics]
        return [[_bits(each) for each in one_of] for one_of in all_of if one_of]


def _bits(value: bytes) -> int:
    """The three bits of a Bloom filter that an address or a topic sets (Yellow Paper 4.3.1)."""
    digest = keccak(value)
    places = (int.from_bytes(digest[at : at + 2], "big") for at in (0, 2, 4))
    return reduce(or_, (1 << place % _BLOOM_BITS for place in places))


def get_logs(node: Node, params: Params) -> Any:
    """``eth_getLogs``."""
    asked = params.members(0)
    wanted = _Filter(_addresses(asked.get("address")), _topics(asked.get("topics")))
    blooms = wanted.blooms()
    found: list[dict[str, Any]] = []
    for which in _blocks(node, params):
        bloom = int.from_bytes(node.chain.header(which).logs_bloom, "big")
        if not all(any(bloom & each == each for each in one_of) for one_of in blooms):
            continue
        found.extend(_logs_of(node, node.chain.block(which), wanted))
        if len(found) > node.limits.logs:
            raise RpcError(LIMIT_EXCEEDED, f"more than {node.limits.logs} logs: ask for less")
    return found


def _logs_of(node: Node, block: Block, wanted: _Filter) -> Iterator[dict[str, Any]]:
    number = 0
    for index, receipt in enumerate(node.chain.receipts(block.hash)):
        for log in receipt.logs:
            if wanted.takes(log):
                yield log_form(block, index, log, number)
            number += 1


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


def _addresses(value: object) -> frozenset[Address]:
    return frozenset(
        parse_address(each, "invalid argument 0.address") for each in _alternatives(value)
    )


def _topics(value: object) -> tuple[frozenset[bytes], ...]:
    place = "invalid argument 0.topics"
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > _TOPICS_MAX:
        raise DecodeError(f"{place}: expected a list of up to 4, not {brief(value)}", place)
    return tuple(
        frozenset(parse_hash(each, place) for each in _alternatives(one_of)) for one_of in value
    )


def _alternatives(value: object) -> list[Any]:
    if value is None:
        return []
    listed = value if isinstance(value, list) else [value]
    if len(listed) > _ALTERNATIVES_MAX:
        raise RpcError(LIMIT_EXCEEDED, f"more than {_ALTERNATIVES_MAX} addresses or topics")
    return listed
