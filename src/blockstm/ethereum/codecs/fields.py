"""Strict reading of JSON-RPC objects: every error names the place of the offending value.

The encodings are those of the Ethereum JSON-RPC specification: a *quantity* is ``0x`` and hex
digits without leading zeros, *data* is ``0x`` and two hex digits a byte. What web3.py makes of them
is read too: numbers as ints, data as `bytes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from blockstm.errors import DecodeError
from blockstm.messages import brief
from blockstm.types import Address, Hash32
from blockstm.values import is_int

__all__ = [
    "Fields",
    "answer_in",
    "parse_address",
    "parse_data",
    "parse_hash",
    "parse_quantity",
    "parse_word",
    "shown",
]

_QUANTITY = re.compile(r"0x(0|[1-9a-fA-F][0-9a-fA-F]*)")
_DATA = re.compile(r"0x[0-9a-fA-F]*")  # and an even number of digits
_HEX = re.compile(r"0x[0-9a-fA-F]{1,64}")
_SHOWN_LENGTH_MAX = 60
_NAME_LENGTH_MAX = 80


def _refuse(place: str, expected: str, value: object) -> DecodeError:
    return DecodeError(
        f"{place}: expected {expected}, not {brief(value, _SHOWN_LENGTH_MAX)}", place
    )


def _spoken(name: object) -> str:
    """A member's name within a place: as it is, unless that cannot be shown."""
    if isinstance(name, str) and len(name) <= _NAME_LENGTH_MAX and name.isprintable():
        return name
    return brief(name, _NAME_LENGTH_MAX)


def shown(value: int | bytes) -> str:
    """A number as a quantity, bytes as data: what `parse_quantity` and `parse_data` read."""
    return hex(value) if isinstance(value, int) else "0x" + value.hex()


def parse_quantity(value: object, place: str, bits: int = 256) -> int:
    """A quantity below ``2**bits``."""
    if is_int(value):
        number = value
    elif isinstance(value, str) and _QUANTITY.fullmatch(value):
        number = int(value, 16)
    else:
        raise _refuse(place, "a quantity (0x and hex digits, no leading zero)", value)
    if number >> bits:  # a negative number has a sign to the left of all bits
        raise _refuse(place, f"a quantity below 2**{bits}", value)
    return number


def parse_word(value: object, place: str) -> int:
    """A number of up to 32 bytes; leading zeros are allowed, as in storage keys."""
    if isinstance(value, bytes) and len(value) <= 32:
        return int.from_bytes(value, "big")
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise _refuse(place, "up to 64 hex digits after 0x", value)
    return int(value, 16)


def parse_data(value: object, place: str, size: int | None = None) -> bytes:
    """Bytes, exactly ``size`` of them if given."""
    if isinstance(value, bytes):
        data = bytes(value)
    elif isinstance(value, str) and not len(value) % 2 and _DATA.fullmatch(value):
        data = bytes.fromhex(value[2:])
    else:
        raise _refuse(place, "data (0x and two hex digits a byte)", value)
    if size is not None and len(data) != size:
        raise _refuse(place, f"{size} bytes", value)
    return data


def parse_address(value: object, place: str) -> Address:
    """An address, 20 bytes."""
    return Address(parse_data(value, place, 20))


def parse_hash(value: object, place: str) -> Hash32:
    """A hash, 32 bytes."""
    return Hash32(parse_data(value, place, 32))


def answer_in(value: object, place: str) -> object:
    """The ``result`` of a node's whole answer; what is no such answer, as it is.

    Raises:
        DecodeError: the node answered with an error, or with nothing.
    """
    if not isinstance(value, Mapping) or "jsonrpc" not in value:
        return value
    if value.get("error") is not None:
        raise DecodeError(f"{place or 'answer'}: the node says {brief(value['error'])}", place)
    if value.get("result") is None:
        raise DecodeError(f"{place or 'answer'}: the node found nothing: no result", place)
    return value["result"]


def _equal(left: object, right: object) -> bool:
    """Whether two values are the same to those who read hex in either case."""
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    return left == right


class Fields:
    """A JSON object at a place, whose members are read by kind.

    Every method raises `DecodeError` naming the member's place if it is missing or malformed;
    those with ``optional`` give None for a member that is missing or null.
    """

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, Mapping):
            raise _refuse(place, "an object", value)
        self._members = value
        self.place = place

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def place_of(self, name: str) -> str:
        """The place of a member, from the root of the file."""
        spoken = _spoken(name)
        return f"{self.place}.{spoken}" if self.place else spoken

    def member(self, name: str) -> object:
        """The value of ``name``, whatever it is."""
        if name not in self._members:
            raise DecodeError(f"{self.place_of(name)}: missing", self.place_of(name))
        return self._members[name]

    def named(self, *names: str) -> str:
        """Which of its names a member is there under; of none of them, the first.

        Raises:
            DecodeError: it is there twice, with two values.
        """
        there = [name for name in names if name in self]
        for name in there[1:]:
            if not _equal(self._members[there[0]], self._members[name]):
                place = self.place_of(name)
                raise DecodeError(f"{place}: not equal to {there[0]}, its other name", place)
        return there[0] if there else names[0]

    def answer(self) -> Fields:
        """The object itself, or, where it is a whole answer of a node, its ``result``.

        Raises:
            DecodeError: the node answered with an error, or with nothing.
        """
        if "jsonrpc" not in self._members:
            return self
        return Fields(answer_in(self._members, self.place), self.place_of("result"))

    def quantity(self, name: str, bits: int = 256) -> int:
        """The quantity ``name``, below ``2**bits``."""
        value = self._members.get(name)
        # Places are for errors: where there is none, none is put together.
        if isinstance(value, str) and _QUANTITY.fullmatch(value):
            number = int(value, 16)
            if not number >> bits:
                return number
        return parse_quantity(self.member(name), self.place_of(name), bits)

    def quantity_or_none(self, name: str, bits: int = 256) -> int | None:
        """The quantity ``name``, if it is there."""
        return self.quantity(name, bits) if name in self else None

    def word(self, name: str) -> int:
        """The number ``name`` of up to 32 bytes, with leading zeros or without."""
        value = self.member(name)
        if is_int(value):
            return parse_quantity(value, self.place_of(name))
        return parse_word(value, self.place_of(name))

    def quantities(self, name: str) -> list[int]:
        """The list ``name`` of quantities."""
        return [parse_quantity(value, place) for value, place in self.elements(name)]

    def data(self, name: str, size: int | None = None) -> bytes:
        """The bytes ``name``."""
        value = self._members.get(name)
        if isinstance(value, str) and not len(value) % 2 and _DATA.fullmatch(value):
            data = bytes.fromhex(value[2:])
            if size is None or len(data) == size:
                return data
        return parse_data(self.member(name), self.place_of(name), size)

    def hash(self, name: str) -> Hash32:
        """The 32 bytes ``name``."""
        return Hash32(self.data(name, 32))

    def hash_or_none(self, name: str) -> Hash32 | None:
        """The 32 bytes ``name``, if they are there."""
        return self.hash(name) if name in self else None

    def address(self, name: str) -> Address:
        """The address ``name``."""
        return Address(self.data(name, 20))

    def address_or_none(self, name: str) -> Address | None:
        """The address ``name``, if it is there."""
        return self.address(name) if name in self else None

    def fields(self, name: str) -> Fields:
        """The object ``name``."""
        return Fields(self.member(name), self.place_of(name))

    def items(self) -> Iterator[tuple[str, Any, str]]:
        """Each member: name, value and place."""
        for name, value in self._members.items():
            yield name, value, f"{self.place}[{_spoken(name)}]"

    def elements(self, name: str) -> list[tuple[object, str]]:
        """The elements of the list ``name``, each with its place."""
        value = self.member(name)
        place = self.place_of(name)
        if not isinstance(value, list | tuple):
            raise _refuse(place, "a list", value)
        return [(element, f"{place}[{i}]") for i, element in enumerate(value)]

    def elements_or_none(self, name: str) -> list[tuple[object, str]] | None:
        """The elements of the list ``name``, if it is there."""
        return self.elements(name) if name in self else None
