"""Access lists in files (EIP-7928): RLP in bytes or hex, JSON, or within a block or a payload."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.access_list import BlockAccessList, read_access_list
from blockstm.ethereum.codecs.fields import Fields, parse_data
from blockstm.ethereum.codecs.json_files import SIZE_MAX, parse_json, read_json
from blockstm.kinds import path_of

__all__ = ["access_list_of", "read_access_list_file"]

_MEMBER: Final = "blockAccessList"
_JSON_SUFFIXES: Final = (".json", ".json.gz", ".json.xz")
# Where a document may have its block: a block file, an answer, a request of the engine API.
_WRAPPERS: Final = ("block", "result", "executionPayload", "params")


def read_access_list_file(path: str | Path) -> BlockAccessList:
    """The list that a file has, in canonical form or not.

    A file whose name ends in .json, .json.gz or .json.xz is JSON; another is JSON, hex digits
    behind 0x, or RLP, by how it begins.

    Raises:
        OSError: the file cannot be read.
        DecodeError: there is no list in it, or a malformed one.
    """
    path = path_of(path, "an access list's file")
    if path.name.endswith(_JSON_SUFFIXES):
        return access_list_of(read_json(path, "block access list"))
    if path.stat().st_size > SIZE_MAX:
        raise DecodeError(f"more than {SIZE_MAX} bytes")
    content = path.read_bytes()
    text = content.strip()
    if text[:1] in (b"{", b"[", b'"'):
        return access_list_of(parse_json(text, "block access list"))
    if text[:2] == b"0x":
        content = parse_data(text.decode("ascii", "replace"), _MEMBER)
    return BlockAccessList.decode(content, canonical=False)


def access_list_of(document: Any) -> BlockAccessList:
    """The list of a JSON document: the list itself, its RLP as data, or a block or a payload with
    it, be it wrapped in an answer or a request.

    Raises:
        DecodeError: there is none, or it is malformed.
    """
    for found in _candidates(document):
        listed = read_access_list(Fields(found, ""))
        if listed is not None:
            return listed
    raise DecodeError(f"no {_MEMBER} in it")


def _candidates(document: Any) -> Iterator[Mapping[str, Any]]:
    """The objects that may have the list as a member, the outermost first."""
    if isinstance(document, Mapping):
        yield document
        for name in _WRAPPERS:
            if name in document:
                yield from _candidates(document[name])
    elif isinstance(document, str):
        yield {_MEMBER: document}
    elif isinstance(document, list):
        if document and _is_wrapped(document[0]):
            yield from _candidates(document[0])
        else:
            yield {_MEMBER: document}


def _is_wrapped(value: Any) -> bool:
    """Whether the first of several parameters is a payload, and not the first account of a list."""
    return isinstance(value, Mapping) and _MEMBER in value
