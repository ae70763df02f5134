"""What the commands on a chain have in common: its folder, naming a block, printing."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from blockstm.cli.blockpaths import folder
from blockstm.cli.summaries import told_beside
from blockstm.errors import ConfigError
from blockstm.messages import brief

if TYPE_CHECKING:
    from blockstm.chain import Chain

__all__ = ["add_datadir", "hexadecimal", "opened", "parse_block", "show"]

FAILED = 1
_NUMBER: Final = re.compile(r"-?[0-9]+|0x[0-9a-fA-F]+")


def add_datadir(parser: argparse.ArgumentParser) -> None:
    """Add the chain's folder and ``--json``."""
    parser.add_argument(
        "--datadir", type=folder, required=True, metavar="D", help="folder of the chain"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def opened(args: argparse.Namespace, **options: Any) -> Chain:
    """The chain in the folder that the arguments name.

    Raises:
        ChainError, UsageError: see `blockstm.chain.Chain.open`.
    """
    from blockstm.chain import Chain  # loads what only these commands need

    return Chain.open(args.datadir, **options)


def parse_block(text: str) -> int | bytes:
    """A block by its number, or by its hash.

    Raises:
        ConfigError: it is neither.
    """
    try:
        if _NUMBER.fullmatch(text):
            is_hash = text.startswith("0x") and len(text) == 66
            return bytes.fromhex(text[2:]) if is_hash else int(text, 0)
    except ValueError:  # a number with a leading zero, or of thousands of digits
        pass
    raise ConfigError(f"a block is a number or a hash, not {brief(text)}")


def hexadecimal(data: bytes) -> str:
    """Bytes as everybody writes them."""
    return "0x" + data.hex()


def show(args: argparse.Namespace, members: dict[str, Any], *, written: Path | None = None) -> None:
    """Print members, as JSON or line by line; beside what was written, if it went to stdout."""
    file = sys.stdout if written is None else told_beside(written)
    if args.json:
        print(json.dumps(members), file=file)
        return
    width = max(map(len, members), default=0)
    for name, value in members.items():
        if isinstance(value, dict):
            print(name, file=file)
            for key, each in value.items():
                print(f"  {key}  {_shown(each)}", file=file)
        else:
            print(f"{name:<{width}}  {_shown(value)}", file=file)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
