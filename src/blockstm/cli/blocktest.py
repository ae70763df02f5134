"""``blockstm blocktest``: the official tests of blocks on a chain (BlockchainTests)."""

from __future__ import annotations

import argparse
from typing import Any

from blockstm.cli.fixtures.command import add_options, run

__all__ = ["add_parser", "main"]


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``blocktest`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "blocktest",
        help="run official blockchain tests",
        description="Runs official blockchain tests (of ethereum/tests and execution-spec-tests): "
        "which blocks are valid, why one is refused, the head of the chain. "
        "Exit status: 0 all passed, 1 one failed, 2 wrong usage or no test found.",
    )
    add_options(parser)
    parser.add_argument(
        "--chain",
        action="store_const",
        const="memory",
        help="import the blocks into a blockstm.chain.Chain, and audit it back and forth",
    )
    parser.add_argument(
        "--on-disk",
        action="store_const",
        const="disk",
        dest="chain",
        help="as --chain, in a folder of its own for each test",
    )
    return parser


def main(args: argparse.Namespace) -> int:
    """Run the tests; see `blockstm.cli.fixtures.command.run`."""
    from blockstm.cli.fixtures.formats import block_tests  # loads what only this command needs

    return run(args, block_tests, "blockchain test")
