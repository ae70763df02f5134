"""``blockstm evmc``: this package's EVM as a shared library; what others say of themselves."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["add_parser", "main"]


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``evmc`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "evmc",
        help="EVMs in shared libraries, by EVMC",
        description="EVMs in shared libraries that speak EVMC's ABI 12. "
        "Exit status: 0 all is well, 2 it cannot be built or loaded.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    built = actions.add_parser("build", help="build this package's EVM as such a library")
    built.add_argument(
        "-o", "--output", default="libblockstm_evmc.so", metavar="FILE", help="default: %(default)s"
    )
    built.add_argument("--compiler", default="c++", metavar="C++", help="default: %(default)s")
    shown = actions.add_parser("info", help="load a library, and show what it says of itself")
    shown.add_argument("library", metavar="PATH[,OPTION[=VALUE]...]")
    return parser


def main(args: argparse.Namespace) -> int:
    """Build a library, or load one.

    Raises:
        EvmcError, ConfigError: it cannot be built or loaded.
        OSError: it cannot be written.
    """
    if args.action == "build":
        from blockstm.vm.evmc.build import build  # loads what only this action needs

        print(build(args.output, compiler=args.compiler))
        return 0
    from blockstm.vm.evmc import load_configured  # loads what only this action needs

    loaded = load_configured(args.library)
    print(f"{loaded.name} {loaded.version}: {', '.join(sorted(loaded.capabilities))}")
    return 0
