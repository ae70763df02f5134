"""Which logs somebody asks for, and the logs of a block that are among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from blockstm.types import Address

__all__ = ["LogFilter", "filter_of", "logs_of"]

_TOPICS_MAX: Final = 4
_ALTERNATIVES_MAX: Final = 1000
_BLOOM_BITS: Final = 2048


Blooms = list[list[int]]


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which logs are asked for; no addresses, or no topics at a place, are any."""

    addresses: frozenset[Address]
    topics: tuple[frozenset[bytes], ...]

    def takes(self, log: Log) -> bool:
        """Whether a log is asked for."""
        address, topics, _ = log
        if self.addresses and address not in self.addresses:
            return False
        if len(topics) < len(self.topics):
            return False
        pairs = zip(self.topics, topics, strict=False)
        return all(not wanted or topic in wanted for wanted, topic in pairs)

    def may_be_in(self, blooms: Blooms, logs_bloom: bytes) -> bool:
        """Whether a block with a Bloom filter may have such a log; ``blooms`` are `blooms`."""
        bloom = int.from_bytes(logs_bloom, "big")
        return all(any(bloom & each == each for each in one_of) for one_of in blooms)

    def blooms(self) -> Blooms:
        """For each thing that is asked for, the bits of what it can be."""
        all_of = [self.addresses, *self.topics]
        return [[_bits(each) for each in one_of] for one_of in all_of if one_of]


def _bits(value: bytes) -> int:
    """The three bits of a Bloom filter that an address or a topic sets (Yellow Paper 4.3.1)."""
    digest = keccak(value)
    places = (int.from_bytes(digest[at : at + 2], "big") for at in (0, 2, 4))
    return reduce(or_, (1 << place % _BLOOM_BITS for place in places))


def logs_of(node: Node, block: Block, wanted: LogFilter) -> Iterator[dict[str, Any]]:
    """The logs of a block that are asked for."""
    number = 0
    for index, receipt in enumerate(node.chain.receipts(block.hash)):
        for log in receipt.logs:
            if wanted.takes(log):
                yield log_form(block, index, log, number)
            number += 1


def filter_of(asked: Mapping[str, Any]) -> LogFilter:
    """The filter of a request's object.

    Raises:
        DecodeError, RpcError: a member is malformed, or there are too many.
    """
    return LogFilter(_addresses(asked.get("address")), _topics(asked.get("topics")))


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
