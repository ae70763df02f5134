"""``blockstm bench imports``: a generated chain imported on disk, in memory, and by others."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from blockstm.cli.bench.rows import at_most, print_rows, words
from blockstm.errors import UsageError
from blockstm.messages import brief

__all__ = ["add_parser", "main"]

COLUMNS = {
    "way": ("way", "{}"),
    "blocks": ("blocks", "{:,d}"),
    "seconds": ("ms/block", "{:.1f}"),
    "spread": ("least-most", "{}"),
    "processor_seconds": ("CPU ms", "{:.1f}"),
    "opening_seconds": ("open ms", "{:.0f}"),
    "resident_bytes": ("MiB", "{:,.0f}"),
    "cache_bytes": ("cache MiB", "{:,.0f}"),
    "disk_bytes": ("disk MiB", "{:,.0f}"),
}
_SCALES = {"seconds": 1e3, "bytes": 1 / (1 << 20)}
_WIDE = 14


def add_parser(subparsers: Any) -> None:
    """Add ``imports`` to the subcommands of ``bench``."""
    parser = subparsers.add_parser(
        "imports",
        help="a generated chain imported on disk, beside the same in memory",
        description="Makes a chain with a large state and imports its blocks: on disk in a "
        "pipeline, on disk one thing after another, and in memory. Every root is compared. Within "
        "the time are decoding, senders, execution, roots and, on disk, all that is written. 2 "
        "million accounts take about 6 GB of disk while it runs. Asked for by name, geth imports "
        "the same blocks, where it is on the path, and py-evm runs ten of them in memory.",
    )
    parser.add_argument(
        "--accounts",
        type=at_most(10**8),
        default=200_000,
        metavar="N",
        help="to start from, with five slots for each; default: 200000",
    )
    parser.add_argument(
        "--blocks", type=at_most(10**6), default=200, metavar="N", help="of a part; default: 200"
    )
    parser.add_argument(
        "--transactions",
        type=at_most(10**6),
        default=500,
        metavar="N",
        help="of a block; default: 500",
    )
    parser.add_argument(
        "--parts",
        type=at_most(10**4),
        default=2,
        metavar="N",
        help="of each way on disk and in memory, in turn: the time is their median; default: 2",
    )
    parser.add_argument(
        "--cold",
        action="store_true",
        help="begin each part on disk with nothing of the folder in the system's page cache",
    )
    parser.add_argument(
        "--ways", default="", metavar="W,W", help="only these, see the rows; also geth and py-evm"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="of a block; default: all cores")
    parser.add_argument(
        "--folder", type=Path, metavar="D", help="where the chain is made; made if need be"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="SEED", help="of what is drawn")
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Measure and print; always 0. A row that cannot be measured raises."""
    # loads what only this command needs
    from blockstm.bench.chains.geth import why_no_geth
    from blockstm.bench.chains.measurement import BASELINES, WAYS

    ways = words(args.ways) or list(WAYS)
    known = WAYS + BASELINES
    for way in ways:
        if way not in known:
            raise UsageError(f"--ways are of {', '.join(known)}, not {brief(way)}")
    reason = why_no_geth() if "geth" in ways else None
    if reason:
        raise UsageError(reason)
    rows = print_rows(_rows(args, ways), _print, as_json=args.json)
    if not args.json:
        _print_comparison(rows)
    return 0


def _rows(args: argparse.Namespace, ways: list[str]) -> Iterator[dict[str, Any]]:
    # loads what only this command needs
    from blockstm.bench.chains.measurement import measure_chain

    for row in measure_chain(
        accounts=args.accounts,
        blocks=args.blocks,
        transactions=args.transactions,
        parts=args.parts,
        workers=args.workers,
        ways=ways,
        folder=args.folder,
        seed=args.seed,
        cold=args.cold,
    ):
        yield row.as_dict()


def _print(row: dict[str, Any], *, heading: bool) -> None:
    if heading:
        print(
            f"{row['accounts']:,} accounts, {row['slots']:,} slots, "
            f"{row['transactions']:,} transactions a block"
        )
        print(_line([title for title, _ in COLUMNS.values()]))
    spread = (1e3 * row[name] for name in ("seconds_min", "seconds_max"))
    row = {**row, "spread": "{:.1f}-{:.1f}".format(*spread)}
    print(_line([form.format(_scaled(name, row)) for name, (_, form) in COLUMNS.items()]))


def _print_comparison(rows: list[dict[str, Any]]) -> None:
    seconds = {row["way"]: row["seconds"] for row in rows}
    fast = seconds.get("pipelined")
    for other in ("in memory", "one by one", "geth", "py-evm"):
        if fast is not None and other in seconds:
            print(f"pipelined: {seconds[other] / fast:.2f}x of {other}")
    for row in rows:
        if row["hit_rates"]:
            rates = ", ".join(f"{kind} {rate:.0%}" for kind, rate in row["hit_rates"].items())
            print(f"found in memory, {row['way']}: {rates}")


def _scaled(name: str, row: dict[str, Any]) -> Any:
    scale = _SCALES.get(name.rpartition("_")[2])
    return row[name] if scale is None else row[name] * scale


def _line(cells: list[str]) -> str:
    return f"{cells[0]:<{_WIDE}}" + "".join(f" {cell:>11}" for cell in cells[1:])
