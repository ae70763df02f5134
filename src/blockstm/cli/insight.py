"""``blockstm insight``: what blocks did, what was hot in them, and what is out of the ordinary."""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from blockstm.cli.blockpaths import folder
from blockstm.cli.insight_blocks import of_chain, of_files
from blockstm.errors import InputError, UsageError
from blockstm.extras import need

if TYPE_CHECKING:
    from blockstm.ethereum import Block, ExecutedBlock
    from blockstm.insight.anomalies import Anomaly
    from blockstm.insight.signals import BlockSignals

__all__ = ["add_parser", "main"]

Location: TypeAlias = tuple[bytes, str | int]
"""An account and what of it, or a slot's number."""

_TITLES = {
    "number": "block",
    "transactions": "txs",
    "commuting_share": "commuting",
    "longest_chain": "chain",
    "largest_group": "largest",
    "dependencies": "deps",
}


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``insight`` to the subcommands; its arguments are for `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "insight",
        help="tell what blocks did: hot locations, conflicts, groups, anomalies, trends",
        description="Runs blocks in order of their numbers, and tells of each how its transactions "
        "depend on each other, at which locations, in which groups; what is out of the ordinary "
        "against the blocks before it; and where the numbers tend to.",
    )
    parser.add_argument(
        "blocks",
        nargs="+",
        type=Path,
        metavar="BLOCK",
        help="a file or a folder; with --datadir, numbers: 100..200, 100.., .., 100",
    )
    parser.add_argument("--datadir", type=folder, metavar="D", help="folder of a chain")
    parser.add_argument(
        "--hot", type=int, default=5, metavar="N", help="hot locations of a block; default: 5"
    )
    parser.add_argument(
        "--last", type=int, default=32, metavar="N", help="blocks to compare with; default: 32"
    )
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="write the numbers as a table, too"
    )
    parser.add_argument(
        "--parquet", type=Path, metavar="FILE", help="the same as Parquet (extra: replay)"
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw how the numbers go (extra: insight)"
    )
    parser.add_argument(
        "--graphs", type=Path, metavar="FOLDER", help="draw each block's conflicts there, as SVG"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a block, and one more")
    parser.set_defaults(main=main)
    return parser


def main(args: argparse.Namespace) -> int:
    """Run the blocks and print what they did; always 0. What cannot be read raises.

    Raises:
        UsageError: a block cannot be read, or an option is out of range; before any block runs.
        MissingExtra: a table or a picture needs an extra that is not installed; likewise.
    """
    from blockstm.insight.anomalies import anomalies, trends  # loads what only this command needs

    _check(args)
    found = of_files(args.blocks) if args.datadir is None else of_chain(args.datadir, args.blocks)
    blocks = [_signals(block, executed, args) for block, executed in found]
    odd = anomalies(blocks, last=args.last)
    if args.json:
        for each in blocks:
            print(json.dumps(_block_object(each)))
        print(json.dumps({"anomalies": [*map(_anomaly_object, odd)], "trends": trends(blocks)}))
    else:
        _print_tables(blocks, odd, trends(blocks))
    if args.csv is not None:
        _write_csv(blocks, args.csv)
    if args.parquet is not None:
        from blockstm.insight.parquet import write_parquet  # an optional extra

        write_parquet(blocks, args.parquet)
    if args.plot is not None:
        from blockstm.insight.trend_plots import draw_trends  # an optional extra

        draw_trends(blocks, args.plot)
    return 0


def _check(args: argparse.Namespace) -> None:
    from blockstm.insight.anomalies import anomalies  # loads what only this command needs
    from blockstm.insight.trend_plots import check_picture_path

    if args.hot < 0:
        raise UsageError(f"--hot: a number of locations from 0, not {args.hot}")
    try:
        anomalies([], last=args.last)
    except InputError as error:
        raise UsageError(f"--last: {error}") from error
    if args.parquet is not None:
        need("replay", "--parquet")
    if args.plot is not None:
        try:
            check_picture_path(args.plot)
        except InputError as error:
            raise UsageError(f"--plot: {error}") from error


def _signals(block: Block, executed: ExecutedBlock, args: argparse.Namespace) -> BlockSignals:
    # loads what only this command needs
    from blockstm.insight.graph import conflict_graph_svg
    from blockstm.insight.groups import groups_of
    from blockstm.insight.signals import signals_of

    if args.graphs is not None and executed.accesses is not None:
        args.graphs.mkdir(parents=True, exist_ok=True)
        title = f"Block {block.header.number}: which transaction read what which one wrote"
        dependencies, groups = executed.accesses.dependencies, groups_of(executed.accesses)
        picture = conflict_graph_svg(dependencies, groups, title=title)
        (args.graphs / f"{block.header.number}.svg").write_text(picture)
    return signals_of(block, executed, hot=args.hot)


def _print_tables(blocks: list[BlockSignals], odd: list[Anomaly], slopes: dict[str, float]) -> None:
    from blockstm.insight.signals import COLUMNS  # loads what only this command needs

    print(" ".join(f"{_TITLES.get(name, name):>12}" for name in COLUMNS))
    for each in blocks:
        print(" ".join(f"{_cell(getattr(each, name)):>12}" for name in COLUMNS))
        for hot in each.hot:
            where = _in_words(hot.location)
            print(f"{'':>12} {hot.dependents} dependents, {hot.writers} writers: {where}")
    for name, slope in slopes.items():
        print(f"trend of {name}: {slope:+.4g} a block")
    for found in odd:
        where = "" if found.location is None else f", {_in_words(found.location)}"
        print(
            f"block {found.number}: {found.signal} {_cell(found.value)}{where}, "
            f"usually {_cell(found.median)} ({found.score:+.1f})"
        )


def _cell(value: float) -> str:
    return f"{value:.3g}" if isinstance(value, float) else f"{value:d}"


def _in_words(location: Location) -> str:
    from blockstm.insight.locations import location_in_words  # loads what only this command needs

    return location_in_words(_location_object(location))


def _location_object(location: Location) -> dict[str, Any]:
    from blockstm.insight.locations import location_object  # loads what only this command needs

    address, what = location
    return location_object((address, "storage", 0, what) if isinstance(what, int) else location)


def _block_object(each: BlockSignals) -> dict[str, Any]:
    hot = [
        {**_location_object(at.location), "dependents": at.dependents, "writers": at.writers}
        for at in each.hot
    ]
    return asdict(each) | {"hottest": each.hottest, "hot": hot}


def _anomaly_object(found: Anomaly) -> dict[str, Any]:
    told = {name: getattr(found, name) for name in ("number", "signal", "value", "median", "score")}
    return told if found.location is None else told | {"at": _location_object(found.location)}


def _write_csv(blocks: list[BlockSignals], path: Path) -> None:
    from blockstm.insight.signals import COLUMNS  # loads what only this command needs

    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([getattr(each, name) for name in COLUMNS] for each in blocks)
