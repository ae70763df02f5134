"""Where the input of a tool comes from, and where its output goes: files and streams."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from blockstm.cli.transitions.failures import IO, JSON, TransitionFailure
from blockstm.errors import DecodeError
from blockstm.ethereum.codecs.json_files import SIZE_MAX, parse_json

__all__ = [
    "STDERR",
    "STDIN",
    "STDOUT",
    "Outputs",
    "add_file_options",
    "read_document",
    "read_stdin",
]

STDIN, STDOUT, STDERR = "stdin", "stdout", "stderr"


def add_file_options(
    parser: argparse.ArgumentParser, options: Iterable[tuple[str, str, str, str]]
) -> None:
    """Add options that name a file or a stream: each its flag, destination, default and help."""
    for flag, destination, default, text in options:
        parser.add_argument(
            flag,
            dest=destination,
            default=default,
            metavar="FILE",
            help=f"{text}; default: {default or 'none'}",
        )


def read_stdin() -> dict[str, Any]:
    """The object on standard input.

    Raises:
        TransitionFailure: it is none.
    """
    document = _parsed(sys.stdin.buffer.read(SIZE_MAX + 1), "stdin")
    if not isinstance(document, dict):
        raise TransitionFailure(JSON, "failed unmarshalling stdin: expected an object")
    return document


def read_document(path: str, what: str) -> Any:
    """The document in a file.

    Raises:
        TransitionFailure: it cannot be read, or is no JSON.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(SIZE_MAX + 1)
    except OSError as error:
        raise TransitionFailure(IO, f"failed reading {what} file: {error}") from error
    return _parsed(data, f"{what} file")


def _parsed(data: bytes, what: str) -> Any:
    if len(data) > SIZE_MAX:
        raise TransitionFailure(JSON, f"failed unmarshalling {what}: over {SIZE_MAX:,} bytes")
    try:
        return parse_json(data, what)
    except DecodeError as error:
        raise TransitionFailure(JSON, f"failed unmarshalling {what}: {error}") from error


class Outputs:
    """Documents on their way: to files below a folder, or together to a stream at the end."""

    def __init__(self, basedir: str) -> None:
        self._folder = Path(basedir or ".")
        self._streams: dict[str, dict[str, Any]] = {STDOUT: {}, STDERR: {}}
        if basedir:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                message = f"failed creating output basedir: {error}"
                raise TransitionFailure(IO, message) from error

    def put(self, target: str, name: str, document: Any) -> None:
        """Send a document to a file or stream; nowhere where ``target`` is empty.

        Raises:
            TransitionFailure: it cannot be written.
        """
        if target in self._streams:
            self._streams[target][name] = document
        elif target:
            self.write(target, json.dumps(document, indent=1))

    def write(self, name: str, text: str) -> None:
        """Write a file.

        Raises:
            TransitionFailure: it cannot be written.
        """
        try:
            (self._folder / name).write_text(text)
        except OSError as error:
            raise TransitionFailure(IO, f"failed writing output: {error}") from error

    def finish(self) -> None:
        """Print what goes to streams."""
        for name, stream in ((STDOUT, sys.stdout), (STDERR, sys.stderr)):
            if self._streams[name]:
                print(json.dumps(self._streams[name], indent=2), file=stream)
