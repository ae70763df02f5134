"""The commands of ``blockstm``: which there are, and how one is run.

The module of a command is loaded when that command is asked for: a tool may start a process for
every block.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from blockstm import __version__
from blockstm.errors import ChainError, ClusterError, EvmcError, UsageError

__all__ = ["main"]

MALFORMED = 2
INTERRUPTED = 130

_MODULES: Final = {
    "run": "run",
    "verify": "verify",
    "replay": "replay",
    "statetest": "statetest",
    "blocktest": "blocktest",
    "bal": "bal",
    "t8n": "transitions.command",
    "t8n-server": "transitions.server",
    "import": "chains.importing",
    "export": "chains.exporting",
    "rollback": "chains.rollback",
    "state": "chains.state",
    "witness": "chains.witness",
    "prove": "chains.prove",
    "chunks": "chunks",
    "audit": "chains.audit",
    "chain": "chains.info",
    "rpc": "rpc",
    "fetch": "fetch",
    "rpctest": "rpctest",
    "b11r": "transitions.blockbuilder",
    "run-code": "runcode",
    "evmc": "evmc",
    "ai": "ai",
    "bench": "bench.command",
    "simulate-cores": "simulating",
    "insight": "insight",
}
"""Command → its module."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; ``argv`` without the program's name, by default `sys.argv`'s.

    Returns the exit status: 0 success, 1 a check failed, 2 wrong usage or unreadable input,
    130 interrupted.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = _parser(argv[0] if argv and argv[0] in _MODULES else None).parse_args(argv)
    try:
        status: int = args.main(args)
    except (UsageError, ImportError, ChainError, ClusterError, EvmcError) as error:
        print(f"blockstm {args.command}: {error}", file=sys.stderr)
        return MALFORMED
    except OSError as error:
        place = "" if error.filename is None else f"{error.filename}: "
        print(f"blockstm {args.command}: {place}{error.strerror or error}", file=sys.stderr)
        return MALFORMED
    except MemoryError as error:
        said = str(error) or "there is not enough memory"
        print(f"blockstm {args.command}: {said}", file=sys.stderr)
        return MALFORMED
    except KeyboardInterrupt:
        print(f"blockstm {args.command}: interrupted", file=sys.stderr)
        return INTERRUPTED
    return status


def _parser(command: str | None) -> argparse.ArgumentParser:
    """The parser of one command, or of all."""
    parser = argparse.ArgumentParser(
        prog="blockstm",
        description="Optimistic parallel execution of blocks of ordered transactions.",
        epilog="Exit status: 0 all is well, 1 something differs or failed, 2 wrong usage or "
        "nothing to read, 130 interrupted. What a command takes: blockstm COMMAND --help.",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"blockstm {__version__} (Python {sys.version.split()[0]}, {sys.executable})",
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in _MODULES if command is None else (command,):
        module = import_module(f"blockstm.cli.{_MODULES[name]}")
        module.add_parser(subparsers).set_defaults(main=module.main)
    return parser
