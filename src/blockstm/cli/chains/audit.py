"""``blockstm audit``: whether what the folder of a chain holds fits together."""

from __future__ import annotations

import argparse
from typing import Any

from blockstm.cli.chains.options import FAILED, add_datadir, hexadecimal, opened, show

__all__ = ["add_parser", "main"]


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``audit`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "audit",
        help="check all that a chain on disk holds",
        description="Computes the state root anew from all accounts and slots and compares it with "
        "the tries and the head; goes back to the oldest state and forth again by the changes that "
        "are kept; compares each block with its header. Exit status: 0 all is well, 1 something "
        "is damaged, 2 wrong usage.",
    )
    add_datadir(parser)
    return parser


def main(args: argparse.Namespace) -> int:
    """Audit the chain; the exit status.

    Raises:
        ChainError, UsageError: the folder cannot be opened.
    """
    with opened(args) as chain:
        found = chain.audit()
        show(
            args,
            {
                "sound": found.is_sound,
                "head": found.number,
                "hash": hexadecimal(found.head),
                "blocks": found.blocks,
                "states": found.states,
                "findings": list(found.findings),
            },
        )
    return 0 if found.is_sound else FAILED
