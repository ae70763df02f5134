"""``blockstm rollback``: the head of a chain back to an earlier block, or to another branch."""

from __future__ import annotations

import argparse
from typing import Any

from blockstm.cli.chains.options import add_datadir, hexadecimal, opened, parse_block, show

__all__ = ["add_parser", "main"]


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``rollback`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "rollback",
        help="take the head of a chain on disk back to an earlier block",
        description="Makes a block the head: by its number, which is that of an ancestor of the "
        "head, by how far it is back (-10), or by its hash, which may be of a side branch. The "
        "blocks after it are kept; import them again to go forth.",
    )
    parser.add_argument("to", metavar="BLOCK", help="a number, a negative count, or a hash")
    add_datadir(parser)
    return parser


def main(args: argparse.Namespace) -> int:
    """Move the head; the exit status.

    Raises:
        ChainError, UsageError: the folder cannot be opened, or there is no way to the block.
    """
    to = parse_block(args.to)
    with opened(args) as chain:
        if isinstance(to, int) and to < 0:
            to += chain.head.number
        before = chain.head.number
        head = chain.set_head(chain.header(to).hash)
        show(args, {"from": before, "head": head.number, "hash": hexadecimal(head.hash)})
    return 0
