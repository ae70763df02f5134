"""SSZ, strictly: what has one encoding is read from that alone, and an error says where.

A type decodes bytes to plain values (a number, bytes, a list, a dictionary of members), and gives
the root of such a value. Only what execution has of SSZ is here: numbers, bytes, lists, containers,
each with a bound or progressive. Sources: consensus-specs ``ssz/simple-serialize.md``; EIP-7495 and
EIP-7916 for what is progressive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any, ClassVar, Final, Protocol

from blockstm.errors import DecodeError

__all__ = ["ByteList", "ByteVector", "Container", "List", "Number", "Type"]

_CHUNK: Final = 32
_OFFSET: Final = 4


class Type(Protocol):
    """A type of SSZ."""

    @property
    def size(self) -> int | None:
        """Bytes of each encoding; None where they vary."""

    def decode(self, data: bytes, place: str) -> Any:
        """The value of an encoding.

        Raises:
            DecodeError: it is none; the message begins with ``place``.
        """

    def root(self, value: Any) -> bytes:
        """``hash_tree_root`` of a value that `decode` gave, 32 bytes."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number of so many bytes, little-endian."""

    size: int

    def decode(self, data: bytes, place: str) -> int:
        return int.from_bytes(_sized(data, self.size, place), "little")

    def root(self, value: int) -> bytes:
        return value.to_bytes(_CHUNK, "little")


@dataclass(frozen=True, slots=True)
class ByteVector:
    """So many bytes."""

    size: int

    def decode(self, data: bytes, place: str) -> bytes:
        return _sized(data, self.size, place)

    def root(self, value: bytes) -> bytes:
        return _merkleize(_chunks(value), -(-self.size // _CHUNK))


@dataclass(frozen=True, slots=True)
class ByteList:
    """Up to ``limit`` bytes; None: any number, as a progressive list."""

    limit: int | None = None
    size: ClassVar[None] = None

    def decode(self, data: bytes, place: str) -> bytes:
        if self.limit is not None and len(data) > self.limit:
            raise _refusal(place, f"{len(data)} bytes, where {self.limit} are the most")
        return data

    def root(self, value: bytes) -> bytes:
        limit = None if self.limit is None else -(-self.limit // _CHUNK)
        return _list_root(_chunks(value), limit, len(value))


@dataclass(frozen=True, slots=True)
class List:
    """Up to ``limit`` elements, none of them a number; None: any number, progressive."""

    element: Type
    limit: int | None = None
    size: ClassVar[None] = None

    def decode(self, data: bytes, place: str) -> list[Any]:
        size = self.element.size
        if size is None:
            offsets = self._offsets(data, place)
        elif len(data) % size:
            raise _refusal(place, f"{len(data)} bytes, where each element has {size}")
        else:
            offsets = list(range(0, len(data) + 1, size))
        if self.limit is not None and len(offsets) - 1 > self.limit:
            raise _refusal(place, f"{len(offsets) - 1} elements, where {self.limit} are the most")
        return [
            self.element.decode(data[begin:end], f"{place}[{index}]")
            for index, (begin, end) in enumerate(pairwise(offsets))
        ]

    def _offsets(self, data: bytes, place: str) -> list[int]:
        """Where the elements begin, and where the last ends: the first offset says how many."""
        if not data:
            return [0]
        first = _offset(data, 0, place)
        if not first or first % _OFFSET or first > len(data):
            raise _refusal(place, f"its first offset is {first} of {len(data)} bytes")
        offsets = [_offset(data, at, place) for at in range(0, first, _OFFSET)]
        return _ascending([*offsets, len(data)], place)

    def root(self, value: Sequence[Any]) -> bytes:
        return _list_root([self.element.root(each) for each in value], self.limit, len(value))


@dataclass(frozen=True, slots=True)
class Container:
    """Members by name; progressive: with all its fields active (EIP-7495)."""

    members: Mapping[str, Type]
    is_progressive: bool = False

    @property
    def size(self) -> int | None:
        sizes = [each.size for each in self.members.values()]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    def decode(self, data: bytes, place: str) -> dict[str, Any]:
        sizes = {name: each.size for name, each in self.members.items()}
        fixed = sum(_OFFSET if size is None else size for size in sizes.values())
        if len(data) < fixed or (len(data) > fixed and None not in sizes.values()):
            raise _refusal(place, f"{len(data)} bytes, where its members begin with {fixed}")
        parts: dict[str, bytes] = {}
        offsets: dict[str, int] = {}
        at = 0
        for name, size in sizes.items():
            if size is None:
                offsets[name] = _offset(data, at, place)
            else:
                parts[name] = data[at : at + size]
            at += _OFFSET if size is None else size
        parts |= _parts(data, offsets, fixed, place)
        prefix = f"{place}." if place else ""
        return {
            name: kind.decode(parts[name], f"{prefix}{name}") for name, kind in self.members.items()
        }

    def root(self, value: Mapping[str, Any]) -> bytes:
        roots = [kind.root(value[name]) for name, kind in self.members.items()]
        if not self.is_progressive:
            return _merkleize(roots, len(roots))
        active = ((1 << len(roots)) - 1).to_bytes(_CHUNK, "little")
        return _hash(_progressive(roots), active)


def _parts(data: bytes, offsets: Mapping[str, int], fixed: int, place: str) -> dict[str, bytes]:
    """The encodings of the members that vary in size: from each offset to the next."""
    if not offsets:
        return {}
    if next(iter(offsets.values())) != fixed:
        raise _refusal(place, f"its first offset is not {fixed}")
    bounds = _ascending([*offsets.values(), len(data)], place)
    return {
        name: data[begin:end] for name, (begin, end) in zip(offsets, pairwise(bounds), strict=True)
    }


def _sized(data: bytes, size: int, place: str) -> bytes:
    if len(data) != size:
        raise _refusal(place, f"{len(data)} bytes, expected {size}")
    return data


def _offset(data: bytes, at: int, place: str) -> int:
    if at + _OFFSET > len(data):
        raise _refusal(place, "it ends within an offset")
    return int.from_bytes(data[at : at + _OFFSET], "little")


def _ascending(offsets: list[int], place: str) -> list[int]:
    for before, offset in pairwise(offsets):
        if offset < before:
            raise _refusal(place, f"offset or end {offset} behind offset {before}")
    return offsets


def _refusal(place: str, what: str) -> DecodeError:
    return DecodeError(f"{place or 'SSZ'}: {what}", place)


# ---- roots


def _hash(left: bytes, right: bytes) -> bytes:
    return sha256(left + right).digest()


def _chunks(data: bytes) -> list[bytes]:
    return [data[at : at + _CHUNK].ljust(_CHUNK, b"\0") for at in range(0, len(data), _CHUNK)]


def _list_root(chunks: list[bytes], limit: int | None, length: int) -> bytes:
    root = _progressive(chunks) if limit is None else _merkleize(chunks, limit)
    return _hash(root, length.to_bytes(_CHUNK, "little"))


def _merkleize(chunks: list[bytes], limit: int) -> bytes:
    """The root of a tree of so many leaves, rounded up to a power of two, zeros where none is."""
    zero, level = bytes(_CHUNK), chunks
    for _ in range(max(limit - 1, 0).bit_length()):
        if len(level) % 2:
            level = [*level, zero]
        level = [_hash(one, other) for one, other in zip(level[::2], level[1::2], strict=True)]
        zero = _hash(zero, zero)
    return level[0] if level else zero


def _progressive(chunks: list[bytes]) -> bytes:
    """Trees of 1, 4, 16 leaves and so on, each beside all that come behind it."""
    trees: list[bytes] = []
    at, leaves = 0, 1
    while at < len(chunks):
        trees.append(_merkleize(chunks[at : at + leaves], leaves))
        at, leaves = at + leaves, leaves * 4
    root = bytes(_CHUNK)
    for tree in reversed(trees):
        root = _hash(tree, root)
    return root
