"""JSON documents in files, plain or compressed, whoever wrote them."""

from __future__ import annotations

import gzip
import json
import lzma
import re
import zlib
from pathlib import Path
from typing import Any

from blockstm.errors import DecodeError
from blockstm.messages import brief

__all__ = ["read_json"]

_DEPTH_MAX = 64
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def read_json(path: str | Path, what: str) -> Any:
    """What a ``.json``, ``.json.gz`` or ``.json.xz`` file holds; ``what`` it is meant to be.

    Raises:
        OSError: the file cannot be opened or read.
        DecodeError: it is not the JSON or compressed JSON that its name says, or nested deeper
            than any document of Ethereum.
    """
    raw = _decompress(Path(path), what)
    _check_depth(raw, what)
    try:
        return json.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"not JSON: {error}") from error


def _decompress(path: Path, what: str) -> bytes:
    raw = path.read_bytes()
    try:
        if path.suffix == ".gz":
            return gzip.decompress(raw)
        if path.suffix == ".xz":
            return lzma.decompress(raw)
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise DecodeError(f"not a {path.suffix[1:]} file: {error}") from error
    if path.suffix != ".json":
        raise DecodeError(f"a {what} ends in .json, .json.gz or .json.xz, not {brief(path.suffix)}")
    return raw


def _check_depth(raw: bytes, what: str) -> None:
    """Refuse what is nested deeply.

    py-evm raises the interpreter's recursion limit so far that the JSON parser would overflow
    the stack, and crash, before it reached it.
    """
    depth = 0
    for bracket in _STRING.sub(b"", raw).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > _DEPTH_MAX:
            raise DecodeError(f"not a {what}: nested deeper than {_DEPTH_MAX}")
