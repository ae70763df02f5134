"""Where the parts of each block of an archive stand.

======== =======================================================================================
era1     version, then of each block header, body, receipts, total difficulty; accumulator, index
ere      version, then all headers, all bodies, all receipts, all proofs, all total difficulties;
         accumulator, index; receipts, proofs, difficulties and accumulator may be left out
======== =======================================================================================

The order of the entries says it, and the index says it again: the number of the first block, where
each part stands relative to the index, and how many blocks there are. They are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import IO, Final

from blockstm.chain.archives.e2store import Entry, Kind, read_entry, walk
from blockstm.errors import DecodeError

__all__ = ["BLOCKS_MAX", "Format", "Layout", "encode_index", "find_layout"]

BLOCKS_MAX: Final = 8192
"""Blocks of an archive, at most."""

_TUPLE: Final = (Kind.HEADER, Kind.BODY, Kind.RECEIPTS, Kind.TOTAL_DIFFICULTY)
_SECTIONS: Final = (
    *(Kind.HEADER, Kind.BODY, Kind.SLIM_RECEIPTS),
    *(Kind.PROOF, Kind.TOTAL_DIFFICULTY),
)
_INDEXED: Final = (
    *(Kind.HEADER, Kind.BODY, Kind.SLIM_RECEIPTS),
    *(Kind.TOTAL_DIFFICULTY, Kind.PROOF),
)
_OTHERS_MAX: Final = 1024
_ENTRIES_MAX: Final = BLOCKS_MAX * len(_SECTIONS) + _OTHERS_MAX
_WORD: Final = 8


class Format(StrEnum):
    """The kinds of archives; each is the ending of its files' names."""

    ERA1 = "era1"
    ERE = "ere"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of an archive stand.

    Attributes:
        format: which kind it is.
        first: the number of the first block.
        parts: kind → the entries of that kind, one of each block, by number.
        accumulator: the entry of it; None where there is none.
    """

    format: Format
    first: int
    parts: dict[Kind, list[Entry]]
    accumulator: Entry | None

    def __len__(self) -> int:
        return len(self.parts[Kind.HEADER])


def find_layout(file: IO[bytes]) -> Layout:
    """The layout of a file.

    Raises:
        DecodeError: an entry is malformed or out of its place, or the index says otherwise.
    """
    entries = list(islice(walk(file), _ENTRIES_MAX + 1))
    if len(entries) > _ENTRIES_MAX:
        raise _refusal(entries[-1], f"an archive has {_ENTRIES_MAX} entries at most")
    if not entries or entries[0].kind != Kind.VERSION or entries[0].size:
        raise DecodeError("byte 0: an archive begins with its version", "byte 0")
    index = entries[-1]
    reader = _Reader(entries[1:-1])
    if index.kind == Kind.BLOCK_INDEX:
        parts, indexed = reader.tuples(), [Kind.HEADER]
    elif index.kind == Kind.DYNAMIC_BLOCK_INDEX:
        parts = reader.sections()
        indexed = [kind for kind in _INDEXED if kind in parts]
    else:
        raise _refusal(index, "the file ends with it, and an archive with an index of its blocks")
    is_old = index.kind == Kind.BLOCK_INDEX
    accumulator = reader.accumulator(is_needed=is_old)
    words = _words(file, index)
    offsets = [parts[kind] for kind in indexed]
    wanted = _index(words[0], index.at, offsets, has_width=not is_old)
    if words != wanted:
        raise _misindexed(index, words, wanted, len(indexed))
    return Layout(Format.ERA1 if is_old else Format.ERE, words[0], parts, accumulator)


def encode_index(
    first: int, at: int, parts: Sequence[Sequence[Entry]], *, has_width: bool
) -> bytes:
    """The data of an index.

    Args:
        first: number of the first block.
        at: the byte of the file that the index begins at.
        parts: of each kind that is indexed the entries, one of each block.
        has_width: whether it says how many kinds there are, as that of ere does.
    """
    words = _index(first, at, parts, has_width=has_width)
    return b"".join(word.to_bytes(_WORD, "little") for word in words)


def _index(first: int, at: int, parts: Sequence[Sequence[Entry]], *, has_width: bool) -> list[int]:
    # They point back: negative, in two's complement.
    places = [(part.at - at) % 2**64 for block in zip(*parts, strict=True) for part in block]
    width = [len(parts)] if has_width else []
    return [first, *places, *width, len(parts[0])]


def _words(file: IO[bytes], index: Entry) -> list[int]:
    if (
        index.size > _WORD * (BLOCKS_MAX * len(_INDEXED) + 3)
        or index.size % _WORD
        or not index.size
    ):
        raise _refusal(index, f"no index has {index.size} bytes")
    data = read_entry(file, index)
    return [int.from_bytes(data[at : at + _WORD], "little") for at in range(0, index.size, _WORD)]


def _misindexed(index: Entry, words: list[int], wanted: list[int], width: int) -> DecodeError:
    """The error about the first word of an index that is not what the entries say."""
    if len(words) != len(wanted):
        return _refusal(index, f"it is of {len(words)} words, and the blocks need {len(wanted)}")
    place = next(
        n for n, (one, other) in enumerate(zip(words, wanted, strict=True)) if one != other
    )
    block = words[0] + (place - 1) // width
    what = f"block {block}" if place <= len(words) - 2 else "the number of blocks or parts"
    return _refusal(index, f"of {what} it says {words[place]}, the entries say {wanted[place]}")


class _Reader:
    """The entries between version and index, taken in order."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._left: Iterator[Entry] = iter(entries)
        self._next: Entry | None = next(self._left, None)

    def tuples(self) -> dict[Kind, list[Entry]]:
        """The parts of block after block, as era1 has them."""
        parts: dict[Kind, list[Entry]] = {kind: [] for kind in _TUPLE}
        while self._is(Kind.HEADER):
            for kind in _TUPLE:
                parts[kind].append(self._take(kind, f"block {len(parts[kind])} of the archive"))
        self._check(parts)
        return parts

    def sections(self) -> dict[Kind, list[Entry]]:
        """All parts of one kind after all of another, as ere has them."""
        parts: dict[Kind, list[Entry]] = {}
        for kind in _SECTIONS:
            found = parts[kind] = []
            while self._is(kind):
                found.append(self._take(kind, ""))
        for kind in _SECTIONS[2:]:
            if not parts[kind]:
                del parts[kind]
        self._check(parts)
        return parts

    def accumulator(self, *, is_needed: bool) -> Entry | None:
        """The accumulator, behind whatever else stands there."""
        while self._next is not None and not self._next.is_known:
            self._next = next(self._left, None)
        found = None
        if is_needed or self._is(Kind.ACCUMULATOR):
            found = self._take(Kind.ACCUMULATOR, "the blocks")
        if self._next is not None:
            raise _refusal(self._next, "it stands where an archive has no such entry")
        return found

    def _check(self, parts: dict[Kind, list[Entry]]) -> None:
        count = len(parts[Kind.HEADER])
        if not 0 < count <= BLOCKS_MAX:
            raise DecodeError(f"an archive has 1 to {BLOCKS_MAX} blocks, not {count}", "byte 8")
        for kind, found in parts.items():
            if len(found) != count:
                at = self._next if self._next is not None else parts[Kind.HEADER][-1]
                raise _refusal(at, f"before it are {count} headers and {len(found)} of {kind}")

    def _is(self, kind: Kind) -> bool:
        return self._next is not None and self._next.kind == kind

    def _take(self, kind: Kind, of: str) -> Entry:
        found = self._next
        if found is None or found.kind != kind:
            where = "the index" if found is None else found.place
            raise DecodeError(f"{where}: {kind} of {of} belongs here", where)
        self._next = next(self._left, None)
        return found


def _refusal(entry: Entry, what: str) -> DecodeError:
    return DecodeError(f"{entry.place}: {what}", entry.place)
