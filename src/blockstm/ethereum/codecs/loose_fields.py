"""Loose reading of the files that clients are configured with: one value, several spellings.

Clients read names of members in any case, numbers as JSON numbers, in decimal or in hexadecimal,
and bytes with or without ``0x``. All of that is read here; a member that no client reads, that is
there twice or has an unknown name is a `DecodeError` that names the place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, TypeVar

from blockstm.errors import DecodeError
from blockstm.ethereum.codecs.fields import Fields
from blockstm.messages import brief
from blockstm.types import Address, Hash32

__all__ = ["LooseFields", "loose_bytes", "loose_number", "loose_word", "names"]

_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
_HEX: Final = re.compile(r"(?:0[xX])?([0-9a-fA-F]*)")
_DIGITS_MAX: Final = 80  # of a word in decimal there are 78
_WORD_DIGITS: Final = 64

_T = TypeVar("_T")


def names(listed: str) -> frozenset[str]:
    """The names in a list of words, as `LooseFields.unknown` compares them."""
    return frozenset(listed.lower().split())


def loose_number(value: object, place: str, bits: int = 256) -> int:
    """A number below ``2**bits``: a JSON number, or a string in decimal or, behind ``0x``, hex."""
    number = value
    if isinstance(value, str) and len(value) <= _DIGITS_MAX and _NUMBER.fullmatch(value):
        number = int(value[2:] or "0", 16) if value[:2].lower() == "0x" else int(value)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 1 << bits:
        raise _refuse(place, f"a number below 2**{bits}", value)
    return number


def loose_bytes(value: object, place: str, size: int | None = None) -> bytes:
    """Bytes in hex, with or without ``0x``; exactly ``size`` of them if given."""
    digits = _HEX.fullmatch(value) if isinstance(value, str) else None
    if digits is None or len(digits[1]) % 2:
        raise _refuse(place, "bytes (two hex digits each, 0x in front or not)", value)
    data = bytes.fromhex(digits[1])
    if size is not None and len(data) != size:
        raise _refuse(place, f"{size} bytes", value)
    return data


def loose_word(value: object, place: str) -> int:
    """A slot or what it holds: up to 64 hex digits, with or without ``0x``, or a JSON number."""
    digits = _HEX.fullmatch(value) if isinstance(value, str) else None
    if digits is not None and 0 < len(digits[1]) <= _WORD_DIGITS:
        return int(digits[1], 16)
    if isinstance(value, str):
        raise _refuse(place, "up to 64 hex digits, 0x in front or not", value)
    return loose_number(value, place)


class LooseFields(Fields):
    """A JSON object whose members are found in whatever case they are written.

    Raises:
        DecodeError: a member is there twice, with two values.
    """

    def __init__(self, value: object, place: str) -> None:
        super().__init__(value, place)
        self._spelled: dict[str, str] = {}
        for name in self._members:
            if not isinstance(name, str):
                where = super().place_of(brief(name))
                raise DecodeError(f"{where}: the name of a member is text", where)
            before = self._spelled.setdefault(name.lower(), name)
            if self._members[before] != self._members[name]:
                where = super().place_of(name)
                raise DecodeError(f"{where}: also there as {brief(before)}, and not equal", where)

    def __contains__(self, name: str) -> bool:
        return super().__contains__(self._as_written(name))

    def place_of(self, name: str) -> str:
        return super().place_of(self._as_written(name))

    def member(self, name: str) -> object:
        return super().member(self._as_written(name))

    def _as_written(self, name: str) -> str:
        return self._spelled.get(name.lower(), name)

    def written_names(self) -> Iterator[str]:
        """The names of the members that are there and not null, as they are written."""
        return (name for name, value in self._members.items() if value is not None)

    def unknown(self, known: Collection[str]) -> Iterator[str]:
        """The names that are not among ``known``, which are in lower case.

        Names that begin with an underscore or are ``comment`` are remarks, for people.
        """
        for name in self.written_names():
            if name.lower() not in known and name[:1] != "_" and name.lower() != "comment":
                yield name

    def refuse_unknown(self, known: Collection[str], what: str) -> None:
        """See `unknown`.

        Raises:
            DecodeError: there is such a member.
        """
        for name in self.unknown(known):
            where = self.place_of(name)
            raise DecodeError(f"{where}: no member of {what} has this name", where)

    # ---- by kind

    def number(self, name: str, default: int = 0, bits: int = 256) -> int:
        """The number ``name``, see `loose_number`; ``default`` where it is missing or null."""
        if name not in self:
            return default
        return loose_number(self.member(name), self.place_of(name), bits)

    def loose_bytes(self, name: str, size: int | None = None) -> bytes:
        """The bytes ``name``, see `loose_bytes`; zeros or nothing where it is missing or null."""
        if name not in self:
            return bytes(size or 0)
        return loose_bytes(self.member(name), self.place_of(name), size)

    def loose_hash(self, name: str) -> Hash32:
        """The 32 bytes ``name``, zeros where it is missing or null."""
        return Hash32(self.loose_bytes(name, 32))

    def loose_address(self, name: str) -> Address:
        """The address ``name``, zeros where it is missing or null."""
        return Address(self.loose_bytes(name, 20))

    def loose(self, name: str) -> LooseFields:
        """The object ``name``; one without members where it is missing or null."""
        return LooseFields(self.member(name) if name in self else {}, self.place_of(name))

    def by_key(self, key: Callable[[object, str], _T], what: str) -> Iterator[tuple[_T, Any, str]]:
        """Each member: its name read by ``key``, its value and place.

        Raises:
            DecodeError: a name is malformed, or two are of one ``what``.
        """
        seen = set()
        for name, value, place in self.items():
            found = key(name, place)
            if found in seen:
                raise DecodeError(f"{place}: this {what} is there twice", place)
            seen.add(found)
            yield found, value, place


def _refuse(place: str, expected: str, value: object) -> DecodeError:
    return DecodeError(f"{place}: expected {expected}, not {brief(value, 60)}", place)
