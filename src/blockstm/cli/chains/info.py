"""``blockstm chain info``: what the folder of a chain holds, and how much room it takes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from blockstm.cli.chains.options import add_datadir, hexadecimal, opened, show

if TYPE_CHECKING:
    from blockstm.chain.store import TableSize

__all__ = ["add_parser", "main"]

_KEPT: Final = {
    "account": ("accounts", "account_nodes"),
    "slot": ("slots", "storage_nodes"),
    "block": (
        "headers",
        "bodies",
        "receipts",
        "senders",
        "difficulties",
        "known",
        "canonical",
        "transactions",
        "before",
        "after",
    ),
}
"""The tables with what is kept for one; the first has an entry for each."""


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
        "file is filled and what of it is free, the bytes on disk that an account, a slot and a "
        "block take with all that is kept for them, and those of each table, by entry.",
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
            **_bytes_of_one({str(table): size for table, size in sizes.items()}),
            "tables": tables if args.json else _lines(tables),
        }
        show(args, members)
    return 0


def _bytes_of_one(sizes: Mapping[str, TableSize]) -> dict[str, float]:
    """What an account, a slot and a block take on disk, with all that is kept for them."""
    found = {}
    for name, tables in _KEPT.items():
        count = sizes[tables[0]].entries
        size = sum(sizes[table].bytes for table in tables)
        found[f"bytes/{name}"] = round(size / count, 1) if count else 0.0
    return found


def _lines(tables: dict[str, dict[str, Any]]) -> dict[str, str]:
    width = max(map(len, tables))
    return {
        f"{name:<{width}}": f"{each['entries']:>12,} entries  {each['bytes']:>14,} bytes  "
        f"{each['bytes/entry']:>10,.1f} each"
        for name, each in tables.items()
    }
