"""e2store: entries one after another, each a type, a length and data.

An entry begins with 8 bytes: its type (2), the length of its data (4, little-endian), zeros (2).
Numbers are little-endian, types are named by the number that their two bytes are.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import IO, Final, NamedTuple

from blockstm.errors import DecodeError, InputError
from blockstm.messages import brief

__all__ = ["HEAD_SIZE", "Entry", "Kind", "read_entry", "walk", "write_entry"]

HEAD_SIZE: Final = 8
"""Bytes of an entry before its data."""


class Kind(IntEnum):
    """The types of entries that archives of blocks have."""

    HEADER = 0x03
    BODY = 0x04
    RECEIPTS = 0x05
    TOTAL_DIFFICULTY = 0x06
    ACCUMULATOR = 0x07
    SLIM_RECEIPTS = 0x0A
    PROOF = 0x0B
    VERSION = 0x3265
    BLOCK_INDEX = 0x3266
    DYNAMIC_BLOCK_INDEX = 0x3267

    def __str__(self) -> str:
        return self.name.replace("_", " ").lower()


_KNOWN: Final = frozenset(map(int, Kind))


class Entry(NamedTuple):
    """Where an entry stands.

    Attributes:
        kind: its type, one of `Kind` or another.
        at: the byte of the file that it begins at.
        size: bytes of its data.
    """

    kind: int
    at: int
    size: int

    @property
    def is_known(self) -> bool:
        """Whether its type is one of `Kind`."""
        return self.kind in _KNOWN

    @property
    def place(self) -> str:
        """The entry in words, for errors."""
        kind = Kind(self.kind) if self.is_known else f"entry of type 0x{self.kind:04x}"
        return f"{kind} at byte {self.at}"


def walk(file: IO[bytes]) -> Iterator[Entry]:
    """The entries of a file, in order, without their data.

    Raises:
        DecodeError: an entry is malformed, or ends behind the file.
    """
    if not (hasattr(file, "seek") and hasattr(file, "read")):
        raise InputError(f"an archive is a file opened to read bytes, not {brief(file)}")
    end = file.seek(0, 2)
    at = 0
    while at < end:
        file.seek(at)
        head = file.read(HEAD_SIZE)
        place = f"byte {at}"
        if len(head) < HEAD_SIZE:
            raise DecodeError(f"{place}: the file ends within the head of an entry", place)
        if head[6:] != bytes(2):
            raise DecodeError(f"{place}: no entry begins with 0x{head.hex()}", place)
        kind, size = int.from_bytes(head[:2], "little"), int.from_bytes(head[2:6], "little")
        entry = Entry(kind, at, size)
        at += HEAD_SIZE + size
        if at > end:
            raise DecodeError(
                f"{entry.place}: its {size} bytes end {at - end} bytes behind the file", place
            )
        yield entry


def read_entry(file: IO[bytes], entry: Entry) -> bytes:
    """The data of an entry that `walk` found."""
    file.seek(entry.at + HEAD_SIZE)
    data = file.read(entry.size)
    if len(data) < entry.size:
        raise DecodeError(f"{entry.place}: the file ends within it", f"byte {entry.at}")
    return data


def write_entry(file: IO[bytes], kind: Kind, data: bytes) -> int:
    """Write an entry; how many bytes it has."""
    file.write(kind.to_bytes(2, "little") + len(data).to_bytes(4, "little") + bytes(2))
    file.write(data)
    return HEAD_SIZE + len(data)
