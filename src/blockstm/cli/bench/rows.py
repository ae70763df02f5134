"""What the benchmark commands share: block files and lists among arguments, rows printed as they
are measured.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from blockstm.bench.machine import machine
from blockstm.cli.blockpaths import block_files
from blockstm.errors import UsageError
from blockstm.messages import brief

if TYPE_CHECKING:
    from blockstm.ethereum.files.block_files import BlockFile

__all__ = [
    "PrintRow",
    "add_blocks",
    "at_most",
    "block_files_at",
    "numbers",
    "print_rows",
    "read_blocks",
    "words",
]


class PrintRow(Protocol):
    """Prints a row of a table; the first with the columns' titles above it."""

    def __call__(self, row: Any, /, *, heading: bool) -> None: ...


def words(text: str) -> list[str]:
    """The words between the commas of an argument."""
    return [word for word in text.split(",") if word]


def numbers(text: str, option: str) -> list[int]:
    """The numbers between the commas of an option's argument.

    Raises:
        UsageError: one is none.
    """
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"{option} is a list of numbers, not {brief(text)}") from None


def at_most(most: float, kind: Callable[[str], Any] = int) -> Callable[[str], Any]:
    """A parser of a number that refuses those with which a benchmark would not come to an end."""

    def parse(text: str) -> Any:
        number = kind(text)
        if not number <= most:  # nor is what is no number
            raise argparse.ArgumentTypeError(f"{brief(text)} is not at most {most:,.0f}")
        return number

    parse.__name__ = kind.__name__  # what argparse calls it in its messages
    return parse


def block_files_at(path: Path) -> list[Path]:
    """The block files that an argument names.

    Raises:
        UsageError: there is none; it says where.
    """
    try:
        return block_files(path)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def add_blocks(parser: argparse.ArgumentParser, *, nargs: str = "+") -> None:
    """Have a command take block files, for `read_blocks`; "*": or none."""
    parser.add_argument(
        "blocks",
        nargs=nargs,
        type=Path,
        metavar="BLOCK",
        help="a file (.json, .json.gz or .json.xz), or a folder of them",
    )


def read_blocks(named: Iterable[Path]) -> Iterator[BlockFile]:
    """The block files that arguments name, each read when it is asked for.

    Raises:
        UsageError: there is none, or one cannot be read.
    """
    # loads what only this needs
    from blockstm.ethereum.files.block_files import read_block_file

    for path in [file for each in named for file in block_files_at(each)]:
        try:
            yield read_block_file(path)
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error}") from error


def print_rows(
    rows: Iterable[dict[str, Any]], print_row: PrintRow, *, as_json: bool
) -> list[dict[str, Any]]:
    """Print the machine, and each row as soon as it is measured; all rows."""
    about = machine()
    if not as_json:
        print("  ".join(f"{name}: {value}" for name, value in about.items()), flush=True)
    printed: list[dict[str, Any]] = []
    for row in rows:
        printed.append(row)
        if as_json:
            print(json.dumps(row | {"machine": about}), flush=True)
        else:
            print_row(row, heading=len(printed) == 1)
    return printed
