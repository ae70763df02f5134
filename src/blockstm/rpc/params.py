"""The parameters of a request: read by kind, strictly, each mistake named by its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from blockstm.errors import DecodeError
from blockstm.ethereum.codecs.fields import parse_address, parse_data, parse_hash, parse_quantity
from blockstm.messages import brief
from blockstm.rpc.errors import INVALID_PARAMS, RpcError
from blockstm.types import Address, Hash32

__all__ = ["BlockName", "Params", "data", "quantity", "refuse", "slot_key"]

T = TypeVar("T")
BlockName = int | Hash32
"""The number of a block, or its hash."""

TAGS: Final = ("latest", "pending", "safe", "finalized", "earliest")
_SLOT_DIGITS_MAX: Final = 64
_HASH_LENGTH: Final = 66


def quantity(value: object, place: str, bits: int = 64) -> int:
    """A number as JSON-RPC writes it: ``0x`` and hex digits without leading zeros."""
    return parse_quantity(_text(value, place), place, bits)


def data(value: object, place: str, size: int | None = None) -> bytes:
    """Bytes as JSON-RPC writes them."""
    return parse_data(_text(value, place), place, size)


def slot_key(value: object, place: str) -> int:
    """A storage key: up to 32 bytes, with or without leading zeros."""
    text = _text(value, place)
    digits = text[2:] if text[:2] in ("0x", "0X") else text
    if not re.fullmatch(r"[0-9a-fA-F]+", digits):
        raise DecodeError(f"{place}: invalid hex in storage key: {brief(text)}", place)
    if len(digits) > _SLOT_DIGITS_MAX:
        raise DecodeError(f"{place}: storage key too long (at most 32 bytes): {brief(text)}", place)
    return int(digits, 16)


def _text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise DecodeError(f"{place}: expected a string, not {brief(value)}", place)
    if not value.startswith("0x"):
        raise DecodeError(f"{place}: hex string without 0x prefix: {brief(value)}", place)
    return value


class Params:
    """The ``params`` of a request, by their places.

    Every method raises `DecodeError` where a parameter is not what it should be. With ``default``
    it may be absent or null.
    """

    def __init__(self, given: Sequence[Any], latest: int) -> None:
        """``latest`` is the number of the head, which the names of blocks stand for."""
        self._given = given
        self.latest = latest

    def __len__(self) -> int:
        return len(self._given)

    def __contains__(self, place: int) -> bool:
        return self.raw(place) is not None

    def raw(self, place: int) -> Any:
        """A parameter as it came; None where there is none."""
        return self._given[place] if place < len(self._given) else None

    def _read(self, place: int, read: Callable[[Any, str], T]) -> T:
        value = self.raw(place)
        if value is None:
            raise DecodeError(f"missing value for required argument {place}", f"argument {place}")
        return read(value, f"invalid argument {place}")

    def quantity(self, place: int, bits: int = 64) -> int:
        """A number below ``2**bits``."""
        return self._read(place, lambda value, where: quantity(value, where, bits))

    def address(self, place: int) -> Address:
        """An address."""
        return self._read(place, lambda value, where: parse_address(_text(value, where), where))

    def hash(self, place: int) -> Hash32:
        """A hash, 32 bytes."""
        return self._read(place, lambda value, where: parse_hash(_text(value, where), where))

    def data(self, place: int, default: bytes | None = None) -> bytes:
        """Bytes."""
        if default is not None and place not in self:
            return default
        return self._read(place, data)

    def flag(self, place: int) -> bool:
        """True or false; false where there is none."""
        value = self.raw(place)
        if value is not None and not isinstance(value, bool):
            where = f"invalid argument {place}"
            raise DecodeError(f"{where}: expected true or false, not {brief(value)}", where)
        return bool(value)

    def members(self, place: int, *, optional: bool = False) -> Mapping[str, Any]:
        """An object."""
        value = self.raw(place)
        if value is None and optional:
            return {}
        if not isinstance(value, Mapping):
            where = f"invalid argument {place}"
            raise DecodeError(f"{where}: expected an object, not {brief(value)}", where)
        return value

    def listed(self, place: int) -> list[Any]:
        """A list; empty where there is none."""
        value = self.raw(place)
        if value is not None and not isinstance(value, list):
            where = f"invalid argument {place}"
            raise DecodeError(f"{where}: expected a list, not {brief(value)}", where)
        return value or []

    def number(self, place: int) -> int:
        """A block by its number or its tag; the head where there is none."""
        value = self.raw(place)
        return self.latest if value is None else self.number_of(value, f"invalid argument {place}")

    def number_of(self, value: object, where: str) -> int:
        """The number of a block that is given by its number or its tag."""
        if value == "earliest":
            return 0
        if isinstance(value, str) and value in TAGS:
            return self.latest
        return quantity(value, where)

    def block(self, place: int) -> BlockName:
        """A block by number, tag, hash, or EIP-1898's object; the head where there is none."""
        value, where = self.raw(place), f"invalid argument {place}"
        if isinstance(value, Mapping):
            return self._block_of_object(value, where)
        if isinstance(value, str) and len(value) == _HASH_LENGTH:
            return parse_hash(_text(value, where), where)
        return self.number(place)

    def _block_of_object(self, value: Mapping[str, Any], where: str) -> BlockName:
        if (value.get("blockHash") is None) == (value.get("blockNumber") is None):
            raise DecodeError(f"{where}: exactly one of blockHash and blockNumber", where)
        if value.get("blockHash") is None:
            return self.number_of(value["blockNumber"], f"{where}.blockNumber")
        return parse_hash(_text(value["blockHash"], where), f"{where}.blockHash")


def refuse(message: str) -> RpcError:
    """The error of parameters that are well formed and cannot be together."""
    return RpcError(INVALID_PARAMS, message)
