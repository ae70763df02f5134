"""``blockstm bench shards``: shards that send each other messages, per shard and simulated."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from blockstm.cli.bench.rows import at_most, numbers, print_rows

__all__ = ["add_parser", "main"]

COLUMNS = {
    "shards": ("shards", "{:d}"),
    "transactions": ("txs/block", "{:,d}"),
    "messages": ("messages", "{:,d}"),
    "workers": ("workers", "{:d}"),
    "on_disk": ("on disk", "{}"),
    "block_seconds": ("s/block", "{:.3f}"),
    "transactions_per_second": ("tx/s a shard", "{:,.0f}"),
    "together_per_second": ("all, here", "{:,.0f}"),
    "simulated_per_second": ("simulated", "{:,.0f}"),
}
_WIDE = 13


def add_parser(subparsers: Any) -> None:
    """Add ``shards`` to the subcommands of ``bench``."""
    parser = subparsers.add_parser(
        "shards",
        help="shards that send each other messages, on these cores; more machines simulated",
        description="Runs the blocks of all shards one after another on all cores. Within the time "
        "of a block are decoding, senders, proofs of messages, building, executing and verifying, "
        "roots. 'simulated' is what all shards would do if each had a machine like this: a round "
        "takes as long as its slowest shard, and nothing is added for the network.",
    )
    parser.add_argument("--shards", default="8", metavar="2,8", help="default: 8")
    parser.add_argument(
        "--transactions",
        type=at_most(10**6),
        default=4_000,
        metavar="N",
        help="of a block; default: 4000",
    )
    parser.add_argument(
        "--blocks", type=at_most(10**6), default=5, metavar="N", help="of each shard; default: 5"
    )
    parser.add_argument(
        "--messages",
        type=float,
        default=0.02,
        metavar="SHARE",
        help="of transactions that go to another shard; default: 0.02",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="of a block; default: all cores")
    parser.add_argument("--on-disk", action="store_true", help="keep the shards in folders")
    parser.add_argument("--folder", type=Path, metavar="D", help="where these are made")
    parser.add_argument("--seed", type=int, default=1, metavar="SEED", help="of what is drawn")
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Measure and print; always 0. A row that cannot be measured raises."""
    print_rows(_rows(args), _print, as_json=args.json)
    return 0


def _rows(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    from blockstm.bench.sharded import measure_shards  # loads what only this command needs

    for shards in numbers(args.shards, "--shards"):
        with TemporaryDirectory(prefix="blockstm-shards-", dir=args.folder) as folder:
            row = measure_shards(
                shards=shards,
                transactions=args.transactions,
                blocks=args.blocks,
                messages=args.messages,
                workers=args.workers,
                folder=Path(folder) if args.on_disk else None,
                seed=args.seed,
            )
        yield row.as_dict() | {"seed": args.seed}


def _print(row: dict[str, Any], *, heading: bool) -> None:
    if heading:
        print(_line([title for title, _ in COLUMNS.values()]))
    print(_line([form.format(row[name]) for name, (_, form) in COLUMNS.items()]), flush=True)


def _line(cells: list[str]) -> str:
    return "".join(f"{cell:>{_WIDE}}" for cell in cells)
