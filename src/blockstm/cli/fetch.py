"""``blockstm fetch``: a block of a node, with all that executing it reads, in a block file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from blockstm.cli.summaries import told_beside
from blockstm.errors import ConfigError, NodeError
from blockstm.messages import brief

if TYPE_CHECKING:
    from blockstm.ethereum import Chain

__all__ = ["add_parser", "main"]

FETCHED: Final = 0
NOT_FETCHED: Final = 1


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``fetch`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "fetch",
        help="fetch a block from a node, with all that executing it reads",
        description="Asks a node for a block and for what executing it reads, executes it, and "
        "writes a block file, which `blockstm run` takes. The node is asked for what it answers "
        "first of: debug_executionWitness, eth_getProof, prestateTracer, eth_getStorageAt and its "
        "like; the first two prove what they tell. Exit status: 0 it is written, 1 the node does "
        "not answer, or what it tells is wrong, 2 wrong usage.",
    )
    parser.add_argument("url", metavar="URL", help="of the node, http:// or https://")
    parser.add_argument("number", metavar="N", type=int, help="of the block")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help=".json, .json.gz or .json.xz; N.json.xz"
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--prestate",
        action="store_const",
        const="prestate",
        dest="by",
        help="by prestateTracer alone, which the node is believed",
    )
    way.add_argument(
        "--by", metavar="WAY", help="by one way alone: witness, proofs, prestate or slots"
    )
    parser.add_argument("--genesis", type=Path, metavar="G", help="whose chain's rules hold")
    parser.add_argument("--timeout", type=float, default=30, metavar="S", help="default: 30")
    parser.add_argument("--retries", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--rate", type=float, metavar="R", help="bodies a second, at most")
    parser.add_argument("--batch", type=int, default=100, metavar="N", help="requests in a body")
    parser.add_argument("--quiet", action="store_true", help="no word about what is being done")
    return parser


def main(args: argparse.Namespace) -> int:
    """Fetch the block; the exit status.

    Raises:
        UsageError: an argument is no such thing, or the file cannot be written.
    """
    from blockstm.ethereum import NodeClient, fetch_block  # loads what only this needs
    from blockstm.ethereum.files.block_files import write_block_file

    output = args.output or Path(f"{args.number}.json.xz")
    if output.suffix not in (".json", ".gz", ".xz"):
        raise ConfigError(
            f"--output ends in .json, .json.gz or .json.xz, not {brief(output.suffix)}"
        )
    client = NodeClient(
        args.url, timeout=args.timeout, retries=args.retries, rate=args.rate, batch=args.batch
    )

    def tell(told: str) -> None:
        if not args.quiet:
            print(told, file=sys.stderr)

    try:
        file = fetch_block(
            client, args.number, way=args.by, chain=_chain(args.genesis), on_progress=tell
        )
    except NodeError as error:
        print(f"blockstm fetch: {error}", file=sys.stderr)
        return NOT_FETCHED
    finally:
        client.close()
    try:
        write_block_file(file, output)
    except OSError as error:
        raise ConfigError(f"--output: {error}") from error
    print(output, file=told_beside(output))
    return FETCHED


def _chain(genesis: Path | None) -> Chain:
    from blockstm.ethereum import MAINNET  # loads what only this needs
    from blockstm.ethereum.genesis import read_genesis

    if genesis is None:
        return MAINNET
    try:
        chain = read_genesis(genesis).chain
    except OSError as error:
        raise ConfigError(f"--genesis: {error}") from error
    if chain is None:
        raise ConfigError(f"--genesis: {genesis} has no config, which tells the forks")
    return chain
