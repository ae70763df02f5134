"""Receipts as archives have them.

======== =======================================================================================
era1     RLP list of the receipts as nodes exchange them: a list each, or bytes with a type first
ere      RLP list of ``[type, post-state or status, cumulative gas, logs]``: what the rest follows
         from
======== =======================================================================================

Both are made of, and give, the encodings that the receipts trie holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from blockstm.errors import DecodeError
from blockstm.ethereum import Receipt
from blockstm.ethereum.codecs.rlp import Item, Items, encode, encode_list
from blockstm.types import Address, Hash32

__all__ = ["decode_full", "decode_slim", "encode_full", "encode_slim"]

_HASH_SIZE: Final = 32
_STATUSES: Final = (b"", b"\x01")
_TYPE_BITS: Final = 7


def encode_full(receipts: Sequence[Receipt]) -> bytes:
    """As era1 has them."""
    encodings = [(each.type, each.encode()) for each in receipts]
    return encode_list([encode(data) if kind else data for kind, data in encodings])


def encode_slim(receipts: Sequence[Receipt]) -> bytes:
    """As ere has them."""
    return encode([_slim(each) for each in receipts])


def decode_full(data: bytes, place: str) -> list[bytes]:
    """The encodings of era1's receipts.

    Raises:
        DecodeError: it is no list of them.
    """
    items = Items(data, place)
    found: list[bytes] = []
    while items:
        name = f"[{len(found)}]"
        found.append(items.items(name).encoding if items.next_is_list() else items.data(name))
    return found


def decode_slim(data: bytes, place: str) -> list[bytes]:
    """The encodings of ere's receipts.

    Raises:
        DecodeError: it is no list of them.
    """
    items = Items(data, place)
    return [_decode_one(each) for each in items.rest()]


def _slim(receipt: Receipt) -> Item:
    logs: list[Item] = [[address, topics, data] for address, topics, data in receipt.logs]
    outcome = int(receipt.succeeded) if receipt.state_root is None else receipt.state_root
    return [receipt.type, outcome, receipt.cumulative_gas_used, logs]


def _decode_one(items: Items) -> bytes:
    kind = items.quantity("type", _TYPE_BITS)
    outcome = items.data("status")
    if outcome not in _STATUSES and len(outcome) != _HASH_SIZE:
        place = items.place_of("status")
        raise DecodeError(f"{place}: expected a status or a state root", place)
    root = Hash32(outcome) if len(outcome) == _HASH_SIZE else None
    gas_used = items.quantity("cumulativeGasUsed", 64)
    logs = tuple(map(_log, items.lists("logs")))
    items.end()
    return Receipt(kind, outcome != b"", gas_used, logs, root).encode()


def _log(items: Items) -> tuple[Address, tuple[bytes, ...], bytes]:
    log = items.address("address"), tuple(items.items("topics").hashes()), items.data("data")
    items.end()
    return log
