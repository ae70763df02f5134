"""An archive read and checked, block by block.

Before the first block is given, the whole file is walked: the order of its entries, the index, all
headers (numbers, parents, difficulties) and the accumulator. Then each block is compared with its
header, and its receipts. Proofs, which lead to headers of the beacon chain, are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from blockstm.chain.archives.accumulator import Record, accumulator_root
from blockstm.chain.archives.e2store import Entry, Kind, read_entry
from blockstm.chain.archives.frames import decompress
from blockstm.chain.archives.layout import Format, Layout, find_layout
from blockstm.chain.archives.receipts import decode_full, decode_slim
from blockstm.errors import DecodeError
from blockstm.ethereum import Block, Header
from blockstm.ethereum.codecs.rlp import Items, encode_list
from blockstm.ethereum.tries.list_root import list_root
from blockstm.kinds import path_of

__all__ = ["ArchivedBlock", "archived_blocks", "read_archive"]

_HASH_SIZE = 32


@dataclass(frozen=True, slots=True)
class ArchivedBlock:
    """A block of an archive, compared with its header.

    Attributes:
        block: itself.
        receipts: as the receipts trie holds each; None where the archive leaves them out.
        total_difficulty: up to and with the block; None where the archive does not say.
    """

    block: Block
    receipts: tuple[bytes, ...] | None
    total_difficulty: int | None


def read_archive(path: str | Path) -> Iterator[ArchivedBlock]:
    """The blocks of an ``.era1`` or ``.ere`` file, in order.

    Thread-safety: each iterator is for one thread.

    Raises:
        OSError: it cannot be opened or read.
        MissingExtra: there is no library for Snappy: ``pip install 'blockstm[archives]'``.
        DecodeError: it is no such file, ends early, is damaged or out of order; ``place`` says
            where. Blocks that were given before that are as their headers say.
    """
    with path_of(path, "an archive").open("rb") as file:
        yield from archived_blocks(file, find_layout(file))


def archived_blocks(file: IO[bytes], layout: Layout) -> Iterator[ArchivedBlock]:
    """The blocks of an open file that can be sought in, and of its layout; see `read_archive`."""
    difficulties = _difficulties(file, layout)
    _check_headers(file, layout, difficulties)
    for index in range(len(layout)):
        block = _block(file, layout, index)
        receipts = _receipts(file, layout, index, block.header)
        total = difficulties[index] if difficulties else None
        yield ArchivedBlock(block, receipts, total)


def _difficulties(file: IO[bytes], layout: Layout) -> list[int]:
    """The total difficulties; none where the archive does not say."""
    found = []
    for entry in layout.parts.get(Kind.TOTAL_DIFFICULTY, ()):
        if entry.size != _HASH_SIZE:
            raise DecodeError(f"{entry.place}: expected 32 bytes, not {entry.size}", entry.place)
        found.append(int.from_bytes(read_entry(file, entry), "little"))
    return found


def _check_headers(file: IO[bytes], layout: Layout, difficulties: list[int]) -> None:
    """Compare each header with the one before it, and all with the accumulator."""
    records: list[Record] = []
    before: Header | None = None
    sum_before = 0 if layout.first == 0 or not difficulties else None
    for index, entry in enumerate(layout.parts[Kind.HEADER]):
        header = _header(file, entry)
        _check_order(entry, header, before, layout.first + index, layout.format)
        if sum_before is None:
            sum_before = difficulties[0] - header.difficulty
        total = sum_before = sum_before + header.difficulty
        if difficulties and difficulties[index] != total:
            place = layout.parts[Kind.TOTAL_DIFFICULTY][index].place
            raise DecodeError(
                f"{place}: it says {difficulties[index]}, and the headers come to {total}", place
            )
        if header.difficulty:
            records.append((header.hash, total))
        before = header
    _check_accumulator(file, layout, records, is_known=bool(difficulties) or layout.first == 0)


def _check_order(
    entry: Entry, header: Header, before: Header | None, number: int, kind: Format
) -> None:
    if header.number != number:
        what = f"the header of block {header.number}, where {number} belongs"
    elif before is not None and header.parent_hash != before.hash:
        what = f"the parent of block {number} is not the block before it"
    elif kind is Format.ERA1 and not header.difficulty:
        what = f"block {number} is after the merge, which era1 ends at"
    else:
        return
    raise DecodeError(f"{entry.place}: {what}", entry.place)


def _check_accumulator(
    file: IO[bytes], layout: Layout, records: list[Record], *, is_known: bool
) -> None:
    entry = layout.accumulator
    if entry is None:
        return
    said = read_entry(file, entry)
    if not records:
        raise DecodeError(f"{entry.place}: no block is before the merge", entry.place)
    if len(said) != _HASH_SIZE or (is_known and said != accumulator_root(records)):
        found = accumulator_root(records).hex()
        raise DecodeError(
            f"{entry.place}: it says 0x{said.hex()}, and the headers come to 0x{found}", entry.place
        )


def _header(file: IO[bytes], entry: Entry) -> Header:
    encoding = decompress(read_entry(file, entry), entry.place)
    return Header.decode(encoding, entry.place)


def _block(file: IO[bytes], layout: Layout, index: int) -> Block:
    header_at, body_at = layout.parts[Kind.HEADER][index], layout.parts[Kind.BODY][index]
    header = decompress(read_entry(file, header_at), header_at.place)
    body = Items(decompress(read_entry(file, body_at), body_at.place), body_at.place)
    parts = [each.encoding for each in body.rest()]
    block = Block.decode(encode_list([header, *parts]), body_at.place)
    found = block.transactions_root, block.ommers_hash, block.withdrawals_root
    wanted = block.header
    if found != (wanted.transactions_root, wanted.ommers_hash, wanted.withdrawals_root):
        raise DecodeError(
            f"{body_at.place}: it is not the body of block {wanted.number}", body_at.place
        )
    return block


def _receipts(
    file: IO[bytes], layout: Layout, index: int, header: Header
) -> tuple[bytes, ...] | None:
    kind = Kind.RECEIPTS if layout.format is Format.ERA1 else Kind.SLIM_RECEIPTS
    if kind not in layout.parts:
        return None
    entry = layout.parts[kind][index]
    data = decompress(read_entry(file, entry), entry.place)
    decode = decode_full if layout.format is Format.ERA1 else decode_slim
    receipts = decode(data, entry.place)
    if list_root(receipts) != header.receipts_root:
        raise DecodeError(
            f"{entry.place}: they are not the receipts of block {header.number}", entry.place
        )
    return tuple(receipts)
