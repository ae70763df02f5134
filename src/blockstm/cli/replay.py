"""``blockstm replay``: ranges of blocks executed again and compared, by many processes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockstm.cli.block_ranges import numbers_in
from blockstm.cli.blockpaths import block_files, folder
from blockstm.cli.chains.progress import Progress
from blockstm.cli.durations import time_as_text
from blockstm.errors import BlockError, ClusterError, ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blockstm.chain import Chain
    from blockstm.ethereum import Chain as Spec
    from blockstm.replay import BlockRecord, Replay
    from blockstm.replay.sources import Source

__all__ = ["add_parser", "main"]

EQUAL, DIFFERENT, UNREADABLE = 0, 1, 2


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``replay`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "replay",
        help="execute ranges of blocks again and compare them, by many processes or on Ray",
        description="Executes blocks again and compares gas, receipts and state root of each with "
        "its header. What comes out is the same however the range is split. Exit status: 0 all are "
        "equal, 1 one is not, 2 one cannot be read or the usage is wrong, 130 interrupted.",
    )
    parser.add_argument(
        "range",
        nargs="+",
        metavar="RANGE",
        help="files of blocks, or folders of them; with --datadir, numbers: 100..200, 100.., ..",
    )
    parser.add_argument(
        "--witness",
        type=Path,
        metavar="W",
        help="of the block, or a folder of witnesses, each under the name of its block's file",
    )
    parser.add_argument("--datadir", type=folder, metavar="D", help="folder of a chain")
    parser.add_argument(
        "--checkpoints",
        type=int,
        metavar="N",
        help="with --datadir: compare the state root after each N blocks only, and find the first "
        "that is different by bisection; default: after each",
    )
    parser.add_argument(
        "--witnesses",
        action="store_true",
        help="with --datadir: send each block with its witness, so that no other machine needs the "
        "folder",
    )
    _add_where(parser)
    _add_rules(parser)
    parser.add_argument(
        "--progress", type=Path, metavar="FILE", help="where to go on from; written as it goes"
    )
    parser.add_argument(
        "--metrics", type=Path, metavar="FILE", help="a row for each block: .parquet or .csv"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a block, and a sum")
    return parser


def _add_where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--processes", type=int, metavar="N", help="of this machine; default: all cores"
    )
    parser.add_argument("--ray", action="store_true", help="run on a Ray cluster")
    parser.add_argument(
        "--address", metavar="A", help="of the cluster; default: one is started on this machine"
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="threads of a block")
    parser.add_argument(
        "--tries",
        type=int,
        default=3,
        metavar="N",
        help="how often a block whose process dies is tried; default: 3",
    )


def _add_rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--genesis", type=Path, metavar="G", help="whose chain's rules hold")
    parser.add_argument("--fork", metavar="NAME", help="whose rules hold; default: the chain's")
    parser.add_argument("--chain-id", type=int, metavar="N", help="default: the chain's")


def main(args: argparse.Namespace) -> int:
    """Replay the blocks; the exit status.

    Raises:
        UsageError, ChainError, ClusterError: an argument is wrong, or nothing can be executed.
        KeyboardInterrupt: the file of progress says what has been done.
    """
    # loads what only this command needs
    from blockstm.cluster import is_lost
    from blockstm.replay import replay, write_metrics
    from blockstm.replay.metrics import check_metrics_path

    if args.metrics is not None:
        check_metrics_path(args.metrics)
    progress = _Shown()
    try:
        with _Blocks(args) as source:
            progress.count = source.count
            done = replay(
                source,
                spec=_spec(args, source),
                processes=args.processes,
                ray=args.ray,
                address=args.address,
                workers=args.workers,
                tries=args.tries,
                progress=args.progress,
                on_blocks=progress.add,
            )
    except BlockError as error:  # the chain cannot make a witness
        progress.end()
        print(f"blockstm replay: {error}", file=sys.stderr)
        return DIFFERENT
    except ClusterError as error:
        progress.end()
        if is_lost():
            print(f"blockstm replay: {error}", file=sys.stderr, flush=True)
            os._exit(UNREADABLE)  # Ray does not end without its cluster
        raise
    except KeyboardInterrupt:
        progress.end()
        if args.progress is not None:
            print("interrupted: the same command goes on from there", file=sys.stderr)
        raise
    progress.end()
    if args.metrics is not None:
        write_metrics(done.records, args.metrics)
    _show(args, done)
    return _status(done)


class _Shown:
    """How far it is, on a terminal."""

    def __init__(self) -> None:
        self.count = 0
        self._progress = Progress()

    def add(self, records: Sequence[BlockRecord]) -> None:
        for each in records:
            fraction = (self._progress.blocks + 1) / max(self.count, 1)
            self._progress.add(each.number or 0, each.gas_used, fraction, is_known=False)

    def end(self) -> None:
        self._progress.end()


class _Blocks:
    """The blocks that the arguments name, and the chain that is open for them."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._chain: Chain | None = None

    def __enter__(self) -> Source:
        from blockstm.replay import FileBlocks  # loads what only this command needs

        if self._args.datadir is None:
            return FileBlocks(_files(self._args))
        return self._of_chain()

    def _of_chain(self) -> Source:
        # loads what only this command needs
        from blockstm.chain import Chain
        from blockstm.replay import ChainBlocks, FolderBlocks

        args = self._args
        if args.witness is not None:
            raise ConfigError("--witness is of files; with --datadir there is --witnesses")
        first, last = numbers_in(args.range)
        if not args.witnesses:
            return FolderBlocks(args.datadir, first, last, args.checkpoints or 1)
        if args.checkpoints is not None:
            raise ConfigError("each block has its witness, or a state to start from: not both")
        self._chain = Chain.open(args.datadir, read_only=True)
        return ChainBlocks(self._chain, first, last)

    def __exit__(self, *failure: object) -> None:
        if self._chain is not None:
            self._chain.close()


def _files(args: argparse.Namespace) -> list[Path | tuple[Path, Path]]:
    """The files of blocks, each with its witness where there is one by itself.

    Raises:
        UsageError: one is not there, or an option goes with a folder of a chain.
    """
    if args.checkpoints is not None or args.witnesses:
        raise ConfigError("--checkpoints and --witnesses go with --datadir")
    found: list[Path | tuple[Path, Path]] = []
    for given in args.range:
        path = Path(given)
        if not path.exists():
            raise ConfigError(f"no such file: {path}; numbers of blocks go with --datadir")
        try:
            files = block_files(path)
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from error
        witness = args.witness
        for file in files:
            if witness is None:
                found.append(file)
            else:
                found.append((file, witness / file.name if witness.is_dir() else witness))
    return found


def _spec(args: argparse.Namespace, source: Source) -> Spec | None:
    """Whose rules hold; None: those of the source.

    Raises:
        UsageError: there are no such rules.
    """
    # loads what only this command needs
    from blockstm.ethereum import MAINNET
    from blockstm.ethereum.genesis import read_genesis

    spec = source.spec or MAINNET
    if args.genesis is not None:
        given = read_genesis(args.genesis).chain
        if given is None:
            raise ConfigError(f"{args.genesis}: it says nothing of forks")
        spec = given
    if args.fork is not None:
        spec = spec.under(args.fork)
    return spec if args.chain_id is None else replace(spec, chain_id=args.chain_id)


def _show(args: argparse.Namespace, done: Replay) -> None:
    first = done.first_divergence
    total = {
        "blocks": len(done.records),
        **{str(verdict): count for verdict, count in done.counts.items()},
        "resumed": done.resumed,
        "deaths": done.deaths,
        "gas_used": done.gas_used,
        "seconds": round(done.seconds, 3),
        "first_divergence": None if first is None else first.to_json(),
    }
    if args.json:
        for each in done.records:
            print(json.dumps(each.to_json()))
        print(json.dumps(total))
        return
    for each in done.records:
        if not each.is_equal:
            print(each)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in done.counts.items())
    beside = f", {done.resumed} of them done before" if done.resumed else ""
    beside += f", {done.deaths} processes died" if done.deaths else ""
    print(f"{len(done.records)} blocks: {counts}{beside}; {time_as_text(done.seconds)}")
    if first is not None:
        print(f"first divergence: {first}")


def _status(done: Replay) -> int:
    from blockstm.replay import Verdict  # loads what only this command needs

    if done.is_equal:
        return EQUAL
    return UNREADABLE if Verdict.UNREADABLE in done.counts else DIFFERENT
