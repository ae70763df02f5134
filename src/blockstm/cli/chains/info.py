"""``blockstm chain info``: what the folder of a chain holds, and how much room it takes."""

from __future__ import annotations

import argparse
from typing import Any

from blockstm.cli.chains.options import add_datadir, hexadecimal, opened, show

__all__ = ["add_parser", "main"]


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``chain`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "chain", help="what a chain on disk holds", description="About a chain on disk."
    )
    commands = parser.add_subparsers(dest="about", required=True, metavar="COMMAND")
    info = commands.add_parser(
        "info",
        help="head, window and sizes",
        description="Shows the head, its state root, the oldest state that can be had, how far the "
        "file is filled and what of it is free, and the bytes on disk of each table, by entry.",
    )
    add_datadir(info)
    return parser


def main(args: argparse.Namespace) -> int:
    """Show it; the exit status.

    Raises:
        ChainError, UsageError: the folder cannot be read.
    """
    with opened(args, read_only=True) as chain:
        head, sizes, file_size = chain.head, chain.sizes(), chain.file_size()
        tables = {
            str(table): {
                "entries": size.entries,
                "bytes": size.bytes,
                "bytes/entry": round(size.bytes / size.entries, 1) if size.entries else 0.0,
            }
            for table, size in sizes.items()
        }
        members: dict[str, Any] = {
            "head": head.number,
            "hash": hexadecimal(head.hash),
            "stateRoot": hexadecimal(head.header.state_root),
            "totalDifficulty": head.total_difficulty,
            "genesis": hexadecimal(chain.block_hash(0)),
            "chainId": chain.spec.chain_id,
            "oldestState": chain.oldest_state,
            "window": head.number - chain.oldest_state,
            "bytes": sum(size.bytes for size in sizes.values()),
            "fileBytes": file_size.bytes,
            "freeBytes": file_size.free_bytes,
            "tables": tables if args.json else _lines(tables),
        }
        show(args, members)
    return 0


def _lines(tables: dict[str, dict[str, Any]]) -> dict[str, str]:
    width = max(map(len, tables))
    return {
        f"{name:<{width}}": f"{each['entries']:>12,} entries  {each['bytes']:>14,} bytes  "
        f"{each['bytes/entry']:>10,.1f} each"
        for name, each in tables.items()
    }
