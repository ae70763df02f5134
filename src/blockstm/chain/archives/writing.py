"""An archive written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from blockstm.chain.archives.accumulator import Record, accumulator_root, encode_difficulty
from blockstm.chain.archives.e2store import Entry, Kind, write_entry
from blockstm.chain.archives.frames import compress
from blockstm.chain.archives.layout import BLOCKS_MAX, Format, encode_index
from blockstm.chain.archives.receipts import encode_full, encode_slim
from blockstm.errors import InputError
from blockstm.ethereum import Block, Receipt
from blockstm.ethereum.codecs.rlp import Items, encode_list
from blockstm.kinds import path_of
from blockstm.types import Hash32
from blockstm.whole_files import replacing

__all__ = ["WrittenArchive", "write_archive"]

_SPOOLED_MAX: Final = 1 << 24
"""Bytes of a part that are kept in memory until they are written behind another part."""

Executed = tuple[Block, Iterable[Receipt], int]
"""A block, its receipts, and the total difficulty up to and with it."""


@dataclass(frozen=True, slots=True)
class WrittenArchive:
    """What an archive holds.

    Attributes:
        first, last: the numbers of its blocks.
        hash: of the last block.
        accumulator: the root over the headers before the merge; None where there are none.
    """

    first: int
    last: int
    hash: Hash32
    accumulator: Hash32 | None

    def name(self, network: str, kind: Format) -> str:
        """The name of the file by the convention of its kind."""
        era = f"{network}-{self.first // BLOCKS_MAX:05}"
        if kind is Format.ERA1:
            return f"{era}-{(self.accumulator or b'').hex()[:8]}.era1"
        return f"{era}-{self.hash.hex()[:8]}-noproofs.ere"


def write_archive(
    path: str | Path, blocks: Iterable[Executed], kind: Format | str
) -> WrittenArchive:
    """Write an archive of up to 8,192 blocks, each on top of the one before; no proofs.

    Raises:
        OSError: it cannot be written.
        MissingExtra: there is no library for Snappy: ``pip install 'blockstm[archives]'``.
        InputError: there is no block, there are more, one is not on top of the one before, or is
            after the merge, where era1 ends.

    The file is there when it is whole, and not before.
    """
    path, kind = path_of(path, "an archive"), Format(kind)
    with replacing(path) as unfinished, unfinished.open("wb") as file, ExitStack() as stack:
        writer = _Writer(file, kind, stack)
        for block, receipts, total in blocks:
            writer.add(block, tuple(receipts), total)
        return writer.finish()


class _Writer:
    """Collects the parts of blocks. Those of era1 are written at once, those of ere by kind."""

    def __init__(self, file: IO[bytes], kind: Format, stack: ExitStack) -> None:
        self._file = file
        self._kind = kind
        self._at = write_entry(file, Kind.VERSION, b"")
        self._parts: dict[Kind, list[Entry]] = {}
        self._spools: dict[Kind, IO[bytes]] = {}
        self._stack = stack
        self._records: list[Record] = []
        self._totals: list[int] = []
        self._first: Block | None = None
        self._last: Block | None = None

    def add(self, block: Block, receipts: tuple[Receipt, ...], total: int) -> None:
        self._check(block)
        self._first, self._last = self._first or block, block
        if block.header.difficulty:
            self._records.append((block.header.hash, total))
        header, body = _parts(block)
        self._put(Kind.HEADER, compress(header))
        self._put(Kind.BODY, compress(body))
        if self._kind is Format.ERA1:
            self._put(Kind.RECEIPTS, compress(encode_full(receipts)))
            self._put(Kind.TOTAL_DIFFICULTY, encode_difficulty(total))
        else:
            self._put(Kind.SLIM_RECEIPTS, compress(encode_slim(receipts)))
            self._totals.append(total)

    def finish(self) -> WrittenArchive:
        if self._first is None or self._last is None:
            raise InputError("an archive has one block at least")
        if self._kind is Format.ERE and self._records:
            for total in self._totals:
                self._put(Kind.TOTAL_DIFFICULTY, encode_difficulty(total))
        self._write_spools()
        root = accumulator_root(self._records) if self._records else None
        if root is not None:
            self._at += write_entry(self._file, Kind.ACCUMULATOR, root)
        first, last = self._first.header.number, self._last.header
        self._write_index(first)
        return WrittenArchive(first, last.number, last.hash, root)

    def _check(self, block: Block) -> None:
        header = block.header
        if self._last is None:
            before = None
        elif len(self._parts[Kind.HEADER]) == BLOCKS_MAX:
            raise InputError(f"an archive has {BLOCKS_MAX} blocks at most")
        else:
            before = self._last.header
        if before is not None and header.parent_hash != before.hash:
            raise InputError(
                f"block {header.number} does not stand on block {before.number}, which is the one "
                "before it in the archive"
            )
        if self._kind is Format.ERA1 and not header.difficulty:
            raise InputError(
                f"block {header.number} is after the merge, which era1 ends at: write ere, or the "
                "blocks before it alone"
            )

    def _put(self, kind: Kind, data: bytes) -> None:
        """Write a part, or keep it until those of the kinds before are written."""
        entries = self._parts.setdefault(kind, [])
        if self._kind is Format.ERA1:
            entries.append(Entry(kind, self._at, len(data)))
            self._at += write_entry(self._file, kind, data)
            return
        if kind not in self._spools:
            spool = tempfile.SpooledTemporaryFile(_SPOOLED_MAX)  # noqa: SIM115  # the stack closes it
            self._spools[kind] = self._stack.enter_context(spool)
        entries.append(Entry(kind, self._spools[kind].tell(), len(data)))
        write_entry(self._spools[kind], kind, data)

    def _write_spools(self) -> None:
        for kind, spool in self._spools.items():
            self._parts[kind] = [
                Entry(kind, self._at + each.at, each.size) for each in self._parts[kind]
            ]
            self._at += spool.tell()
            spool.seek(0)
            shutil.copyfileobj(spool, self._file)

    def _write_index(self, first: int) -> None:
        is_old = self._kind is Format.ERA1
        parts = [self._parts[Kind.HEADER]] if is_old else list(self._parts.values())
        data = encode_index(first, self._at, parts, has_width=not is_old)
        write_entry(self._file, Kind.BLOCK_INDEX if is_old else Kind.DYNAMIC_BLOCK_INDEX, data)


def _parts(block: Block) -> tuple[bytes, bytes]:
    """The encodings of a block's header and of its body."""
    header, *others = (each.encoding for each in Items(block.encode(), "block").rest())
    return header, encode_list(others)
