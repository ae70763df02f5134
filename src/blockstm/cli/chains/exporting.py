"""``blockstm export``: the blocks of a chain into a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from blockstm.cli.chains.options import add_datadir, opened, show
from blockstm.errors import ConfigError

__all__ = ["add_parser", "main"]


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``export`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "export",
        help="write the blocks of a chain on disk to a file",
        description="Writes the blocks up to the head as a stream of RLP, as geth does; a name "
        "that ends in .gz or .xz has it compressed.",
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    add_datadir(parser)
    parser.add_argument("--first", type=int, default=1, metavar="N", help="default: 1")
    parser.add_argument("--last", type=int, metavar="N", help="default: the head")
    return parser


def main(args: argparse.Namespace) -> int:
    """Write the file; the exit status.

    Raises:
        ChainError, UsageError: the folder cannot be read, or has no such blocks.
    """
    from blockstm.chain.files import write_blocks  # loads what only these commands need

    with opened(args, read_only=True) as chain:
        last = chain.head.number if args.last is None else args.last
        if not 0 <= args.first <= last + 1 or last > chain.head.number:
            raise ConfigError(
                f"blocks {args.first} to {last} are not all there: the head is block "
                f"{chain.head.number}"
            )
        blocks = (chain.block(number) for number in range(args.first, last + 1))
        count = write_blocks(args.file, blocks)
        show(args, {"exported": count, "first": args.first, "last": last, "file": str(args.file)})
    return 0
