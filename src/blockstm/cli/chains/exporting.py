"""``blockstm export``: the blocks of a chain into a file, or into archives."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from blockstm.cli.chains.options import add_datadir, hexadecimal, opened, show
from blockstm.errors import ConfigError
from blockstm.whole_files import is_stream

if TYPE_CHECKING:
    from blockstm.chain import Chain

__all__ = ["add_parser", "main"]


_NETWORKS: Final = {1: "mainnet", 11155111: "sepolia", 560048: "hoodi"}
_ERA_SIZE: Final = 8192


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``export`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "export",
        help="write the blocks of a chain on disk to a file",
        description="Writes the blocks up to the head: as a stream of RLP, as geth does, which a "
        "name that ends in .gz or .xz has compressed; or, with their receipts, as an archive, era1 "
        "or ere. Into a folder go as many archives as there are eras of 8,192 blocks, named as "
        "usual. What was exported is printed; to stderr if the blocks go to stdout or into a pipe.",
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    add_datadir(parser)
    parser.add_argument(
        "--format",
        choices=("rlp", "era1", "ere"),
        help="default: what the file's name ends in, else rlp; era1 ends at the merge",
    )
    parser.add_argument(
        "--first", type=int, metavar="N", help="default: 1; of an archive 0, the genesis"
    )
    parser.add_argument("--last", type=int, metavar="N", help="default: the head")
    parser.add_argument(
        "--network", metavar="NAME", help="in the names of archives; default: by the chain id"
    )
    return parser


def main(args: argparse.Namespace) -> int:
    """Write the file; the exit status.

    Raises:
        ChainError, UsageError: the folder cannot be read, has no such blocks, or they are none that
            the format can have.
    """
    kind = args.format or {".era1": "era1", ".ere": "ere"}.get(args.file.suffix, "rlp")
    with opened(args, read_only=True) as chain:
        first = args.first if args.first is not None else int(kind == "rlp")
        last = chain.head.number if args.last is None else args.last
        if not 0 <= first <= last + 1 or last > chain.head.number:
            raise ConfigError(
                f"blocks {first} to {last} are not all there: the head is block {chain.head.number}"
            )
        export = _export_rlp if kind == "rlp" else _export_archives
        members = export(args, chain, first, last, kind)
        count = last + 1 - first
        told = {"exported": count, "first": first, "last": last, "format": kind, **members}
        show(args, told, written=args.file)
    return 0


def _export_rlp(
    args: argparse.Namespace, chain: Chain, first: int, last: int, _: str
) -> dict[str, Any]:
    from blockstm.chain.files import write_blocks  # loads what only these commands need

    write_blocks(args.file, (chain.block(number) for number in range(first, last + 1)))
    return {"file": str(args.file)}


def _export_archives(
    args: argparse.Namespace, chain: Chain, first: int, last: int, kind: str
) -> dict[str, Any]:
    # loads what only these commands need
    from blockstm.chain.files import export_archive, export_archives

    if first > last:
        raise ConfigError(f"an archive has one block at least, not {first} to {last}")
    if not is_stream(args.file) and (args.file.is_dir() or not args.file.suffix):
        chain_id = int(chain.spec.chain_id)
        network = args.network or _NETWORKS.get(chain_id, f"chain{chain_id}")
        paths = export_archives(args.file, chain, first, last, kind, network)
        return {"files": [str(path) for path in paths]}
    if args.file.suffix in (".gz", ".xz"):
        raise ConfigError(f"an archive is compressed in itself: leave out {args.file.suffix}")
    if last - first >= _ERA_SIZE:
        raise ConfigError(
            f"an archive has {_ERA_SIZE} blocks at most: give a folder for several of them"
        )
    written = export_archive(args.file, chain, first, last, kind)
    root = written.accumulator
    return {"file": str(args.file)} | ({} if root is None else {"accumulator": hexadecimal(root)})
