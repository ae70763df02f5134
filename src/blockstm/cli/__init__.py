"""The command line: ``blockstm run``, ``bench``, the official tests. Calls the layers below.

Imports point down::

    bench       ``blockstm bench``
    statetest   ``blockstm statetest``: the official tests of one transaction on a state
    blocktest   ``blockstm blocktest``: the official tests of blocks on a chain
    run         ``blockstm run``: block files executed and compared with their headers
    bal         ``blockstm bal``: block-level access lists, shown and compared
    fixtures    official tests: read, run, reported
    judging     what ``run`` says of a block
    blockstats  what ``run --stats`` says of a block
    verdict     a block of a file, and what is said about it
    blockpaths  which block files an argument names
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence

from blockstm import __version__
from blockstm.cli import bal, blocktest, run, statetest
from blockstm.cli.bench import command as bench
from blockstm.errors import UsageError

__all__ = ["main"]

MALFORMED = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; ``argv`` without the program's name, by default `sys.argv`'s.

    Returns the exit status: 0 success, 1 a check failed, 2 wrong usage or unreadable input,
    130 interrupted.
    """
    args = _parser().parse_args(argv)
    try:
        status: int = args.main(args)
    except (UsageError, ImportError) as error:
        print(f"blockstm {args.command}: {error}", file=sys.stderr)
        return MALFORMED
    except KeyboardInterrupt:
        print(f"blockstm {args.command}: interrupted", file=sys.stderr)
        return INTERRUPTED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="blockstm",
        description="Optimistic parallel execution of blocks of ordered transactions.",
        epilog="Exit status: 0 all is well, 1 something differs or failed, 2 wrong usage or "
        "nothing to read, 130 interrupted. What a command takes: blockstm COMMAND --help.",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"blockstm {__version__} (Python {platform.python_version()}, {sys.executable})",
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (run, statetest, blocktest, bal, bench):
        module.add_parser(subparsers).set_defaults(main=module.main)
    return parser
