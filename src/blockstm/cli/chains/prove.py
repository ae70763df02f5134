"""``blockstm prove``: the bundle of a block of a chain, which ``blockstm verify`` checks alone."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from blockstm.cli.chains.options import add_datadir, hexadecimal, opened, parse_block, show

__all__ = ["add_parser", "main"]


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``prove`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "prove",
        help="write a bundle by which another party checks a block of a chain on disk",
        description="Writes the block, its witness, its access list, receipts and changes of "
        "accounts to a file, under one hash. `blockstm verify FILE` executes the block on that "
        "alone, and compares all of it.",
    )
    parser.add_argument("block", metavar="BLOCK", help="a number, a negative count, or a hash")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: NUMBER.bundle")
    add_datadir(parser)
    return parser


def main(args: argparse.Namespace) -> int:
    """Write the bundle; the exit status.

    Raises:
        ChainError, UsageError: the folder cannot be read, or the chain lacks the block or a state.
        OSError: the file cannot be written.
    """
    from blockstm.chain.proving import prove_block  # loads what only this command needs

    which = parse_block(args.block)
    with opened(args, read_only=True) as chain:
        if isinstance(which, int) and which < 0:
            which += chain.head.number
        bundle = prove_block(chain, which)
    number = int(bundle.block.header.number)
    path = args.output or Path(f"{number}.bundle")
    data = bundle.encode()
    path.write_bytes(data)
    show(
        args,
        {
            "block": number,
            "hash": hexadecimal(bundle.block.hash),
            "parentStateRoot": hexadecimal(bundle.witness.parent_state_root),
            "bundle": hexadecimal(bundle.hash),
            "bytes": len(data),
            "file": str(path),
        },
        written=path,
    )
    return 0
