"""``blockstm rpctest``: recorded exchanges with a node, run against ours and compared."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockstm.errors import ConfigError

if TYPE_CHECKING:
    from blockstm.rpc.exchanges import Archive, Exchange

__all__ = ["add_parser", "main"]


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``rpctest`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "rpctest",
        help="run recorded JSON-RPC exchanges and compare the answers",
        description="Imports the chain of an archive of ethereum/execution-apis (genesis.json, "
        "chain.rlp) into memory, asks what its .io files ask, in order, and compares: results "
        "exactly, of errors the code, and where a file says speconly the shape. Exit status: 0 "
        "all pass, 1 some differ, 2 wrong usage.",
    )
    parser.add_argument("archive", type=Path, metavar="ARCHIVE", help="a tar archive")
    parser.add_argument("--match", metavar="REGEX", help="only exchanges whose names match")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def main(args: argparse.Namespace) -> int:
    """Run the exchanges; the exit status.

    Raises:
        ChainError, UsageError: the archive cannot be read, or nothing matches.
    """
    from blockstm.rpc.exchanges import read_archive  # loads what only these commands need

    archive = read_archive(args.archive)
    chosen = _chosen(archive, args.match)
    failures = _failures(archive, chosen)
    passed = len(chosen) - len(failures)
    if args.json:
        print(json.dumps({"passed": passed, "failed": len(failures), "failures": failures}))
    else:
        for name, differences in failures.items():
            print(name)
            for each in differences:
                print(f"  {each}")
        print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


def _chosen(archive: Archive, match: str | None) -> list[Exchange]:
    try:
        pattern = re.compile(match or "")
    except re.error as error:
        raise ConfigError(f"--match is no regular expression: {error}") from error
    chosen = [each for each in archive.exchanges if pattern.search(each.name)]
    if not chosen:
        raise ConfigError(f"none of {len(archive.exchanges)} exchanges matches {match}")
    return chosen


def _failures(archive: Archive, chosen: list[Exchange]) -> dict[str, list[str]]:
    """Name of an exchange → where its answers differ."""
    from blockstm.rpc import Node  # loads what only these commands need
    from blockstm.rpc.exchanges import run

    with archive.chain() as chain:
        node = Node(chain)
        found = {each.name: run(node, each) for each in chosen}
    return {name: differences for name, differences in found.items() if differences}
