"""``blockstm import``: files of blocks into the chain of a folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from blockstm.cli.chains.options import FAILED, add_datadir, hexadecimal, opened, show
from blockstm.cli.chains.progress import Progress
from blockstm.errors import BlockError, ChainError, ConfigError, DecodeError

if TYPE_CHECKING:
    from blockstm.chain import Chain

__all__ = ["add_parser", "main"]


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``import`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "import",
        help="import files of blocks into a chain on disk",
        description="Executes and verifies the blocks of files, and keeps them and their states in "
        "a folder. A file is a stream of RLP as geth exports it, an archive (.era1, .ere), or "
        "JSON-RPC blocks; .gz and .xz are read as they are. Blocks that the chain has are passed "
        "over, so that the same command goes on where another ended. Exit status: 0 all are "
        "imported, 1 one cannot be, 2 wrong usage, 130 interrupted.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument(
        "--genesis",
        type=Path,
        metavar="G",
        help="genesis file of geth, Besu or Nethermind; needed for a new folder",
    )
    add_datadir(parser)
    parser.add_argument("--workers", type=int, metavar="N", help="threads for a block")
    parser.add_argument(
        "--window",
        type=int,
        metavar="N",
        help="how many blocks back states can be had; default: 128",
    )
    parser.add_argument("--archive", action="store_true", help="keep all states")
    parser.add_argument(
        "--cache", type=int, metavar="MIB", help="memory for the state, in MiB; default: 256"
    )
    parser.add_argument(
        "--no-warm-up",
        action="store_true",
        help="do not read the folder's file into the system's page cache",
    )
    return parser


def main(args: argparse.Namespace) -> int:
    """Import the files; the exit status.

    Raises:
        ChainError, UsageError: the folder cannot be opened, or a file cannot be read.
    """
    sizes = _sizes(args)
    progress, path, before = Progress(), args.files[0], 0
    with opened(args, **_options(args)) as chain:
        try:
            for path, size in sizes.items():
                _import_file(chain, path, progress, _Share(before, size, sum(sizes.values())))
                before += size
        except (BlockError, ChainError, DecodeError) as error:
            progress.end()
            print(f"blockstm import: {path}: {error}", file=sys.stderr)
            return _finish(args, chain, progress, FAILED)
        except KeyboardInterrupt:
            progress.end()
            _finish(args, chain, progress, 0)
            print("interrupted: the same command goes on from there", file=sys.stderr)
            raise
        progress.end()
        return _finish(args, chain, progress, 0)


def _sizes(args: argparse.Namespace) -> dict[Path, int]:
    """Each file with its bytes.

    Raises:
        ConfigError: one is not there, or there is neither a chain nor a genesis.
    """
    missing = [str(path) for path in args.files if not path.exists()]
    if missing:
        raise ConfigError(f"no such file: {', '.join(missing)}")
    folders = [str(path) for path in args.files if path.is_dir()]
    if folders:
        raise ConfigError(f"a folder, not a file: {', '.join(folders)}; name the files in it")
    if args.genesis is None and not (args.datadir / "mdbx.dat").exists():
        raise ConfigError(f"{args.datadir} holds no chain yet: name its genesis with --genesis")
    return {path: path.stat().st_size for path in args.files}


class _Share(NamedTuple):
    """What a file is of all: the bytes of those before it, its own, and all."""

    before: int
    size: int
    all: int

    def fraction(self, of_file: float) -> float:
        """How much of all files has been read when so much of this one has."""
        return (self.before + of_file * self.size) / self.all if self.all else 0.0


def _options(args: argparse.Namespace) -> dict[str, Any]:
    given = {
        "genesis": args.genesis,
        "workers": args.workers,
        "window": args.window,
        "cache_bytes": None if args.cache is None else args.cache << 20,
    }
    options = {name: value for name, value in given.items() if value is not None}
    return options | {"archive": args.archive, "warm_up": not args.no_warm_up}


def _import_file(chain: Chain, path: Path, progress: Progress, share: _Share) -> None:
    from blockstm.chain.files import BlockFile  # loads what only these commands need

    with BlockFile(path) as file:
        for imported in chain.import_blocks(file):
            gas_used = imported.block.header.gas_used
            is_known = imported.executed is None
            fraction = share.fraction(file.fraction)
            progress.add(imported.number, gas_used, fraction, is_known=is_known)


def _finish(args: argparse.Namespace, chain: Chain, progress: Progress, status: int) -> int:
    seconds = max(progress.seconds, 1e-9)
    show(
        args,
        {
            "imported": progress.blocks,
            "known": progress.known,
            "seconds": round(seconds, 3),
            "blocks/s": round(progress.blocks / seconds, 1),
            "Mgas/s": round(progress.gas / seconds / 1e6, 1),
            "head": chain.head.number,
            "hash": hexadecimal(chain.head.hash),
        },
    )
    return status
