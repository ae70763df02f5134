"""``blockstm witness``: what a stateless client needs to verify a block of a chain."""

from __future__ import annotations

import argparse
import json
from typing import Any

from blockstm.cli.chains.options import add_datadir, opened, parse_block

__all__ = ["add_parser", "main"]


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``witness`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "witness",
        help="write the witness of a block of a chain on disk",
        description="Runs a block once more on the state of its parent, and prints the nodes, "
        "codes and headers that it needs, as debug_executionWitness does: sorted, and no more.",
    )
    parser.add_argument("block", metavar="BLOCK", help="a number, a negative count, or a hash")
    add_datadir(parser)
    return parser


def main(args: argparse.Namespace) -> int:
    """Print the witness; the exit status.

    Raises:
        ChainError, UsageError: the folder cannot be read, or the chain lacks the block or a state.
    """
    which = parse_block(args.block)
    with opened(args, read_only=True) as chain:
        if isinstance(which, int) and which < 0:
            which += chain.head.number
        print(json.dumps(chain.witness(which).to_json(), indent=None if args.json else 1))
    return 0
