"""Recorded exchanges with a node, run against ours and compared (ethereum/execution-apis).

An archive has the genesis and the blocks of a chain, and files of exchanges: lines that begin with
``>>`` are requests, those with ``<<`` the answers that are expected. Results are compared exactly,
and of errors the code; where a file says ``speconly``, only the shape of the answer.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from blockstm.chain import Chain
from blockstm.chain.files import split_blocks
from blockstm.errors import ConfigError, DecodeError
from blockstm.ethereum.codecs.json_files import parse_json
from blockstm.rpc.dispatch import dispatch
from blockstm.rpc.node import Node

__all__ = ["Archive", "Exchange", "differences", "read_archive", "run"]

_ENDING: Final = ".io"
_FILES: Final = ("genesis.json", "chain.rlp")
_SHOWN_MAX: Final = 120
_DEPTH_MAX: Final = 4096  # two for each of 1,024 calls in one another, and more


@dataclass(frozen=True, slots=True)
class Exchange:
    """The requests of a file, and the answers that are expected.

    Attributes:
        name: of the file, with its folder: "eth_call/call-callenv".
        steps: each request with its answer.
        is_shape_only: whether values may differ from the answer's.
    """

    name: str
    steps: tuple[tuple[dict[str, Any], dict[str, Any]], ...]
    is_shape_only: bool


@dataclass(frozen=True, slots=True)
class Archive:
    """A chain and the exchanges about it, sorted by their files' names."""

    genesis: dict[str, Any]
    blocks: bytes
    exchanges: list[Exchange] = field(default_factory=list)

    def chain(self) -> Chain:
        """The chain, imported into memory; all its states can be had."""
        chain = Chain.in_memory(self.genesis, window=None)
        for _ in chain.import_blocks(split_blocks(io.BytesIO(self.blocks))):
            pass
        return chain


def read_archive(path: Path) -> Archive:
    """Read a tar archive, compressed or not.

    Raises:
        ConfigError: it is not there, or no such archive.
        DecodeError: a file in it is not what it should be.
    """
    members = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is not None:
                    members[member.name] = file.read()
    except (OSError, tarfile.TarError, EOFError) as error:
        raise ConfigError(f"{path} is no archive of exchanges: {error}") from error
    roots = {name.rsplit("/", 1)[-1]: name for name in members}
    if missing := [name for name in _FILES if name not in roots]:
        raise ConfigError(f"{path} has no {' and no '.join(missing)}")
    genesis = _parsed(members[roots["genesis.json"]], "genesis.json")
    found = [
        _read(name, _text(members[name], name))
        for name in sorted(members)
        if name.endswith(_ENDING)
    ]
    return Archive(genesis, members[roots["chain.rlp"]], found)


def _read(name: str, text: str) -> Exchange:
    short = "/".join(name.removesuffix(_ENDING).rsplit("/", 2)[-2:])
    is_shape_only = bool(re.search(r"^// *speconly", text, re.MULTILINE))
    return Exchange(short, tuple(_steps(name, text)), is_shape_only)


def _steps(name: str, text: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    request: dict[str, Any] | None = None
    for line in text.splitlines():
        if line.startswith(">>"):
            request = _parsed(line[2:], name)
        elif line.startswith("<<"):
            if request is None:
                raise DecodeError(f"{name}: an answer without a request", name)
            yield request, _parsed(line[2:], name)


def _text(encoded: bytes, name: str) -> str:
    try:
        return encoded.decode()
    except UnicodeDecodeError as error:
        raise DecodeError(f"{name}: not JSON: {error}", name) from error


def _parsed(text: str | bytes, name: str) -> Any:
    try:
        encoded = text if isinstance(text, bytes) else text.encode()
        return parse_json(encoded, name, depth_max=_DEPTH_MAX)
    except DecodeError as error:
        raise DecodeError(f"{name}: {error}", name) from error


def run(node: Node, exchange: Exchange) -> list[str]:
    """Where the node's answers differ, each in words; none where it passes."""
    return [
        difference
        for request, expected in exchange.steps
        for difference in differences(
            dispatch(node, request), expected, shape_only=exchange.is_shape_only
        )
    ]


def differences(answer: Any, expected: Any, *, shape_only: bool) -> Iterator[str]:
    """Where a whole answer differs from the one expected."""
    if "error" in expected:
        code = answer.get("error", {}).get("code")
        if code != expected["error"]["code"]:
            yield f"error: {expected['error']} expected, not {_brief(answer)}"
        return
    if "error" in answer:
        yield f"result expected, not {answer['error']}"
        return
    yield from _differences(answer["result"], expected["result"], "result", shape_only)


def _differences(ours: Any, theirs: Any, place: str, shape_only: bool) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if shape_only and ours.get("type") != theirs.get("type"):
            return  # two alternatives of a schema, which have members of their own
        for name in [*theirs, *(name for name in ours if name not in theirs)]:
            where = f"{place}.{name}"
            if name in ours and name in theirs:
                yield from _differences(ours[name], theirs[name], where, shape_only)
            elif name in theirs or not shape_only:
                kind = "missing" if name in theirs else "not expected"
                yield f"{where}: {kind}: {_brief(theirs.get(name, ours.get(name)))}"
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs) and not shape_only:
            yield f"{place}: {len(theirs)} elements expected, not {len(ours)}"
        for index, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            yield from _differences(one, other, f"{place}[{index}]", shape_only)
    elif shape_only:
        if _kind(ours) != _kind(theirs):
            yield f"{place}: {_kind(theirs)} expected, not {_brief(ours)}"
    elif not _same(ours, theirs):
        yield f"{place}: {_brief(theirs)} expected, not {_brief(ours)}"


def _same(ours: Any, theirs: Any) -> bool:
    return bool(ours == theirs) and isinstance(ours, bool) == isinstance(theirs, bool)


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool | str | list | dict):
        return type(value).__name__
    return "number"


def _brief(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[: _SHOWN_MAX - 3]}..."
