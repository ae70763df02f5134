"""``blockstm statetest``: the official tests of one transaction on a state (GeneralStateTests)."""

from __future__ import annotations

import argparse
from typing import Any

from blockstm.cli.fixtures.command import add_options, run

__all__ = ["add_parser", "main"]


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``statetest`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "statetest",
        help="run official state tests",
        description="Runs official state tests (of ethereum/tests and execution-spec-tests): "
        "state root, logs, gas, and the reason where a transaction is refused. "
        "Exit status: 0 all passed, 1 one failed, 2 wrong usage or no test found.",
    )
    add_options(parser)
    parser.add_argument(
        "--trace", action="store_true", help="EIP-3155 lines of each transaction to standard error"
    )
    return parser


def main(args: argparse.Namespace) -> int:
    """Run the tests; see `blockstm.cli.fixtures.command.run`."""
    from blockstm.cli.fixtures.formats import state_tests  # loads what only this command needs

    return run(args, state_tests, "state test")
