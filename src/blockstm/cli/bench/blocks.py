"""``blockstm bench blocks``: real blocks on our EVM, against py-evm if asked for."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from blockstm.cli.bench.rows import add_blocks, at_most, print_rows, read_blocks, words

__all__ = ["add_parser", "main"]

COLUMNS = {
    "workload": "{}",
    "fork": "{}",
    "transactions": "{:d}",
    "gas": "{:,d}",
    "workers": "{:d}",
    "first_seconds": "{:.4f}",
    "seconds": "{:.4f}",
    "spread": "{:.1%}",
    "mgas_per_second": "{:.0f}",
}
HEADINGS = {
    "workload": "block",
    "transactions": "txs",
    "first_seconds": "first",
    "mgas_per_second": "Mgas/s",
}


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``blocks`` to the workloads of ``bench``; its arguments are for `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "blocks",
        help="real blocks on our EVM, against py-evm",
        description="Executes block files on our EVM and, if asked for, once on py-evm with one "
        "worker, and on py-evm upstream; signatures are recovered before. Gas and receipts must "
        "be equal in every iteration.",
    )
    add_blocks(parser)
    parser.add_argument("--against", default="", metavar="EVM,EVM", help="py-evm, py-evm-stock")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="of ours; default: 1")
    parser.add_argument(
        "--iterations",
        "--laps",
        type=at_most(10**6),
        default=10,
        metavar="N",
        help="of ours; default: 10",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.set_defaults(main=main)
    return parser


def main(args: argparse.Namespace) -> int:
    """Measure and print; always 0. A row that cannot be measured raises."""
    baselines = words(args.against)

    def print_row(row: dict[str, Any], *, heading: bool) -> None:
        if heading:
            print(_line(_titles(baselines)))
        print(_line(_cells(row, baselines)), flush=True)

    print_rows(_rows(args, baselines), print_row, as_json=args.json)
    return 0


def _rows(args: argparse.Namespace, baselines: list[str]) -> Iterator[dict[str, Any]]:
    # loads what only this command needs
    from blockstm.bench.blocks.real_blocks import measure_block

    for file in read_blocks(args.blocks):
        row = measure_block(
            file, workers=args.workers, baselines=baselines, iterations=args.iterations
        )
        yield row.as_dict()


def _titles(baselines: list[str]) -> list[str]:
    titles = [HEADINGS.get(name, name) for name in COLUMNS]
    return titles + [title for name in baselines for title in (name, "ratio")]


def _cells(row: dict[str, Any], baselines: list[str]) -> list[str]:
    cells = [form.format(row[name]) for name, form in COLUMNS.items()]
    for name in baselines:
        key = name.replace("-", "_")
        cells += [f"{row[f'{key}_seconds']:.3f}", f"{row[f'{key}_ratio']:.0f}x"]
    return [*cells, "" if row["stable"] else "  unstable"]


def _line(cells: list[str]) -> str:
    return (f"{cells[0]:<16}{cells[1]:<18}" + "".join(f"{c:>13}" for c in cells[2:])).rstrip()
