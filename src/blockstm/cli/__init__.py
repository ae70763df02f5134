"""The command line: ``blockstm run`` and ``blockstm bench``. Thin; calls the layers below."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

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
    from blockstm.cli import bench, blocktest, run, statetest

    parser = argparse.ArgumentParser(
        prog="blockstm",
        description="Optimistic parallel execution of blocks of ordered transactions.",
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (run, statetest, blocktest, bench):
        module.add_parser(subparsers).set_defaults(main=module.main)
    return parser
