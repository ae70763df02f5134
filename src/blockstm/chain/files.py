"""Files of blocks: read one block at a time, written one after another.

A file is a stream of RLP, each block behind the one before, as ``geth export`` writes it; or JSON:
a block as nodes answer, a list of them, or one on each line; or an archive, ``.era1`` or ``.ere``.
What it is, its first byte says. ``.gz`` and ``.xz`` are compressed.
"""

from __future__ import annotations

import gzip
import lzma
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self, cast

from blockstm.chain.archives import (
    BLOCKS_MAX,
    Format,
    WrittenArchive,
    archived_blocks,
    find_layout,
    write_archive,
)
from blockstm.errors import DecodeError, InputError
from blockstm.ethereum import Block
from blockstm.ethereum.codecs.fields import Fields
from blockstm.ethereum.codecs.json_files import parse_json
from blockstm.kinds import check_kind, iterated, path_of
from blockstm.messages import brief
from blockstm.values import is_int
from blockstm.whole_files import replacing

if TYPE_CHECKING:
    from blockstm.chain.chain import Chain

__all__ = [
    "BlockFile",
    "export_archive",
    "export_archives",
    "read_blocks",
    "split_blocks",
    "write_blocks",
]

_BLOCK_SIZE_MAX: Final = 1 << 28
"""No block is larger, in bytes: what announces more is none."""
_LIST: Final = 0xC0
_LONG_LIST: Final = 0xF7
_JSON: Final = (b"{", b"[")
_ARCHIVE: Final = b"e"
_WHAT: Final = "file of blocks"


class BlockFile:
    """A file of blocks that is read from its beginning, and how much of it has been read.

    For one thread. Use it as a context manager; iterate once.

    Args:
        path: the file; it is opened at once.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path_of(path, "a file of blocks")
        self._raw = self._path.open("rb")
        self._blocks: tuple[int, int] | None = None
        self.size = os.fstat(self._raw.fileno()).st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    @property
    def fraction(self) -> float:
        """How much of the file has been read, from 0 to 1; of a pipe, always 0."""
        if self._blocks is not None:
            done, all_of_them = self._blocks
            return done / all_of_them
        if not self.size or self._raw.closed:
            return 0.0
        return min(self._raw.tell() / self.size, 1.0)

    def __iter__(self) -> Iterator[Block | bytes]:
        """The blocks, in order: RLP, or decoded where the file is JSON or an archive.

        Raises:
            OSError: it cannot be read.
            MissingExtra: it is an archive, and there is no library for Snappy.
            DecodeError: it is no file of blocks, or ends within one; the message says where.
        """
        opens: dict[str, Any] = {".gz": gzip.open, ".xz": lzma.open}
        opened = opens.get(self._path.suffix)
        file: IO[bytes] = self._raw if opened is None else opened(self._raw, "rb")
        try:
            first = file.read(1)
            if not first:
                raise DecodeError("the file is empty")
            if first == _ARCHIVE:
                yield from self._archived(file)
            elif first in _JSON or first.isspace():
                yield from _json_blocks(first + file.read())
            else:
                yield from _encoded_blocks(file, first)
        except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
            message = f"the file is not compressed as its name says: {error}"
            raise DecodeError(message) from error

    def _archived(self, file: IO[bytes]) -> Iterator[Block]:
        layout = find_layout(file)
        for index, each in enumerate(archived_blocks(file, layout)):
            self._blocks = index + 1, len(layout)
            yield each.block


def read_blocks(path: str | Path) -> Iterator[Block | bytes]:
    """The blocks of a file, in order: RLP, or decoded where the file is JSON or an archive.

    Raises:
        OSError: it cannot be opened or read.
        MissingExtra, DecodeError: see `BlockFile`.
    """
    with BlockFile(path) as file:
        yield from file


def split_blocks(file: IO[bytes]) -> Iterator[bytes]:
    """The blocks of an open stream of RLP, in order, encoded as they stand there.

    Raises:
        DecodeError: it is no such stream, or ends within a block; the message says where.
    """
    if not hasattr(file, "read"):
        raise InputError(f"a stream is a file opened to read bytes, not {brief(file)}")
    yield from _encoded_blocks(file, file.read(1))


def write_blocks(path: str | Path, blocks: Iterable[Block]) -> int:
    """Write blocks as a stream of RLP, whole or not at all; how many they were.

    Raises:
        OSError: it cannot be written.
    """
    count = 0
    path = path_of(path, "a file of blocks")
    with (
        replacing(path) as unfinished,
        unfinished.open("wb") as raw,
        _packing(raw, path.suffix) as file,
    ):
        for block in iterated(blocks, "blocks"):
            check_kind(block, Block, "a block")
            file.write(block.encode())
            count += 1
    return count


def _packing(raw: IO[bytes], suffix: str) -> IO[bytes]:
    """What compresses as a file's name says."""
    if suffix == ".gz":
        return cast(IO[bytes], gzip.GzipFile("", "wb", fileobj=raw))  # which remembers no name
    return cast(IO[bytes], lzma.open(raw, "wb")) if suffix == ".xz" else raw


def export_archive(
    path: str | Path, chain: Chain, first: int, last: int, kind: Format | str
) -> WrittenArchive:
    """Write the blocks of a chain from one number to another to an archive.

    Raises:
        UnknownBlock, StoreError, PrunedState: see `Chain.block`.
        OSError, MissingExtra, InputError: see `blockstm.chain.archives.write_archive`.
    """
    _check_span(chain, first, last)
    numbers = range(first, last + 1)
    blocks = ((chain.block(n), chain.receipts(n), chain.total_difficulty(n)) for n in numbers)
    return write_archive(path, blocks, kind)


def export_archives(
    folder: str | Path, chain: Chain, first: int, last: int, kind: Format | str, network: str
) -> list[Path]:
    """Write the blocks of a chain to archives, named as the convention has it; their paths.

    Each has the blocks of one era: numbers with the same quotient by 8,192. An archive has its name
    when it is whole.

    Raises:
        OSError, MissingExtra, InputError, UnknownBlock, StoreError: see `export_archive`; or the
            network is no name that a file can begin with.
    """
    _check_span(chain, first, last)
    if (
        not isinstance(network, str)
        or not network
        or Path(network).name != network
        or "\0" in network
    ):
        raise InputError(f"a network's name begins a file's name, not {brief(network)}")
    folder, kind, paths = path_of(folder, "a folder"), Format(kind), []
    folder.mkdir(parents=True, exist_ok=True)
    while first <= last:
        end = min(last, first // BLOCKS_MAX * BLOCKS_MAX + BLOCKS_MAX - 1)
        nameless = folder / f"{network}-{first // BLOCKS_MAX:05}.{kind}"
        written = export_archive(nameless, chain, first, end, kind)
        paths.append(nameless.replace(folder / written.name(network, kind)))
        first = end + 1
    return paths


def _check_span(chain: Chain, first: int, last: int) -> None:
    from blockstm.chain.chain import Chain  # to read and write files of blocks needs none

    check_kind(chain, Chain, "a chain")
    for number in (first, last):
        if not is_int(number):
            raise InputError(f"the number of a block is an int, not {brief(number)}")


def _encoded_blocks(file: IO[bytes], first: bytes) -> Iterator[bytes]:
    at = 0
    while first:
        block = first + _rest(file, first[0], at)
        yield block
        at += len(block)
        first = file.read(1)


def _rest(file: IO[bytes], first: int, at: int) -> bytes:
    """A block behind its first byte."""
    if first < _LIST:
        raise DecodeError(f"at byte {at} of the file: no block begins with 0x{first:02x}")
    if first <= _LONG_LIST:
        return _read(file, first - _LIST, at)
    digits = _read(file, first - _LONG_LIST, at)
    size = int.from_bytes(digits, "big")
    if size > _BLOCK_SIZE_MAX:
        raise DecodeError(f"at byte {at} of the file: a block of {size} bytes is announced")
    return digits + _read(file, size, at)


def _read(file: IO[bytes], size: int, at: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise DecodeError(f"the file ends within the block that begins at byte {at}")
    return data


def _json_blocks(data: bytes) -> Iterator[Block]:
    try:
        documents = [parse_json(data, _WHAT)]
    except DecodeError as whole:
        try:
            documents = [parse_json(line, _WHAT) for line in data.splitlines() if line.strip()]
        except DecodeError:
            raise DecodeError(f"the file is {whole}") from whole
    for document in documents:
        for index, each in enumerate(document if isinstance(document, list) else [document]):
            place = f"[{index}]" if isinstance(document, list) else ""
            yield Block.from_fields(Fields(each, place))
