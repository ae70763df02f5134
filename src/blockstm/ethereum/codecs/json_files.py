"""JSON documents in files, plain or compressed, hostile ones included.

Whatever the bytes are, reading takes a time in proportion to their number, memory that is bounded
by `SIZE_MAX`, and ends with a document or a `DecodeError`.
"""

from __future__ import annotations

import gzip
import json
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from blockstm.errors import ConfigError, DecodeError
from blockstm.kinds import path_of
from blockstm.messages import brief
from blockstm.whole_files import replacing

__all__ = ["SIZE_MAX", "parse_json", "read_json", "write_json"]

SIZE_MAX: Final = 1 << 28
"""Bytes of the largest document that is read, once decompressed: a block with all that it reads
has a hundredth of it. What is longer is refused before it is in memory."""

_DICTIONARY_MAX: Final = 1 << 28  # bytes that decompressing may take beside what comes out
_CHUNK: Final = 1 << 16
_DEPTH_MAX: Final = 64
_DIGITS_MAX: Final = 4300  # of a number: Python reads more in quadratic time only
# A string that nobody closes reaches to the end: else each of its quotes would be tried again.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_BROKEN: Final = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError)


def read_json(path: str | Path, what: str) -> Any:
    """The document in a ``.json``, ``.json.gz`` or ``.json.xz`` file; ``what`` names its kind.

    Raises:
        OSError: the file cannot be opened or read.
        DecodeError: it is not the JSON or compressed JSON that its name says, or longer than
            `SIZE_MAX`, or as `parse_json` says.
    """
    return parse_json(_bytes_of(path_of(path, f"a {what}"), what), what)


def write_json(document: Any, path: str | Path) -> None:
    """Write a ``.json``, ``.json.gz`` or ``.json.xz`` file, whole or not at all.

    Raises:
        OSError: it cannot be written.
        ConfigError: its name ends in none of these.
    """
    target = path_of(path, "a file")
    if target.suffix not in (".json", ".gz", ".xz"):
        raise ConfigError(f"a file ends in .json, .json.gz or .json.xz, not {brief(target.suffix)}")
    data = json.dumps(document, separators=(",", ":")).encode()
    if target.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    elif target.suffix == ".xz":
        data = lzma.compress(data)
    with replacing(target) as unfinished:
        unfinished.write_bytes(data)


def parse_json(raw: bytes, what: str, *, depth_max: int = _DEPTH_MAX) -> Any:
    """The document that bytes are, in UTF-8, with a byte order mark or without.

    Raises:
        DecodeError: it is not JSON, or nested deeper than documents of Ethereum, or has a
            number that is none or of thousands of digits, or a member twice.
    """
    _check_depth(raw, what, depth_max)
    try:
        return json.loads(
            raw.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_constant=_no_number,
        )
    except DecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"not JSON: {error}") from error


def _bytes_of(path: Path, what: str) -> bytes:
    if path.suffix not in (".json", ".gz", ".xz"):
        raise DecodeError(f"a {what} ends in .json, .json.gz or .json.xz, not {brief(path.suffix)}")
    with path.open("rb") as file:
        try:
            raw = _decompressed(file, path.suffix)
        except _BROKEN as error:
            raise DecodeError(f"not a {path.suffix[1:]} file: {error}") from error
    if len(raw) > SIZE_MAX:
        raise DecodeError(f"not a {what}: longer than {SIZE_MAX:,} bytes")
    return raw


def _decompressed(file: IO[bytes], suffix: str) -> bytes:
    """The content, or its first ``SIZE_MAX + 1`` bytes."""
    if suffix == ".gz":
        with gzip.GzipFile(fileobj=file) as unzipped:
            return unzipped.read(SIZE_MAX + 1)
    return b"".join(_unxz(file)) if suffix == ".xz" else file.read(SIZE_MAX + 1)


def _unxz(file: IO[bytes]) -> Iterator[bytes]:
    """The streams of an xz file, which may stand one behind another, with zeros between them."""
    size = 0
    stream = lzma.LZMADecompressor(memlimit=_DICTIONARY_MAX)
    chunk = file.read(_CHUNK)
    while True:
        part = stream.decompress(chunk, SIZE_MAX + 1 - size)
        size += len(part)
        yield part
        if size > SIZE_MAX:
            return
        chunk = stream.unused_data.lstrip(b"\0")
        while not chunk and (read := file.read(_CHUNK)):
            chunk = read.lstrip(b"\0") if stream.eof else read
        if stream.eof and not chunk:
            return
        if not chunk:
            raise EOFError("it ends within a stream")
        if stream.eof:
            stream = lzma.LZMADecompressor(memlimit=_DICTIONARY_MAX)


def _check_depth(raw: bytes, what: str, depth_max: int) -> None:
    """Refuse what is nested deeply.

    py-evm raises the interpreter's recursion limit so far that the JSON parser would overflow
    the stack, and crash, before it reached it.
    """
    depth = 0
    for bracket in _STRING.sub(b"", raw).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > depth_max:
            raise DecodeError(f"not a {what}: nested deeper than {depth_max}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise DecodeError(f"not JSON that has one meaning: {brief(twice)} is there twice")
    return members


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS_MAX:
        raise DecodeError(f"not a number of Ethereum: one of {len(digits):,} digits")
    return int(digits)


def _no_number(name: str) -> NoReturn:
    raise DecodeError(f"not JSON: {name} is no number")
