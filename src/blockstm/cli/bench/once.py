"""``blockstm bench once``: real blocks, each met once, on one worker and on more."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from blockstm.cli.bench.rows import add_blocks, at_most, numbers, print_rows, read_blocks
from blockstm.cores import usable_cores
from blockstm.errors import UsageError

__all__ = ["add_parser", "main"]

COLUMNS = {
    "workload": "{}",
    "workers": "{:d}",
    "transactions": "{:,d}",
    "gas": "{:,d}",
    "milliseconds": "{:.1f}",
    "spread": "{:.1%}",
    "mgas_per_second": "{:,.0f}",
    "cpu_cores": "{:.2f}",
    "speedup": "{:.2f}x",
}
KNOWN_COLUMNS = {"known_milliseconds": "{:.1f}", "first_sight": "{:.2f}x"}
HEADINGS = {
    "workload": "blocks",
    "transactions": "txs",
    "milliseconds": "ms",
    "mgas_per_second": "Mgas/s",
    "cpu_cores": "cores",
    "known_milliseconds": "known, ms",
    "first_sight": "first sight",
}


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``once`` to the workloads of ``bench``; its arguments are for `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "once",
        help="real blocks, each met once, on one worker and on more",
        description="Runs all blocks once in a fresh process, in an order of each iteration's own: "
        "no code was met before, and only the executor is kept. Iterations in the same order with "
        "each number of workers follow each other; the speed-up is over the first number. Senders "
        "and states are there before; gas, receipts and bloom must be the header's, each time.",
    )
    add_blocks(parser)
    parser.add_argument(
        "--workers", metavar="1,2", help="threads of ours; default: 1 and all cores"
    )
    parser.add_argument(
        "--gas", type=int, default=0, metavar="GAS", help="leave out blocks that used less"
    )
    parser.add_argument(
        "--iterations", type=at_most(10**6), default=5, metavar="N", help="of each; default: 5"
    )
    parser.add_argument(
        "--known",
        type=at_most(10**6),
        default=0,
        metavar="N",
        help="in each process, run all blocks N times more: first sight is the first time over the "
        "least of these; default: 0, none",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.set_defaults(main=main)
    return parser


def main(args: argparse.Namespace) -> int:
    """Measure and print; always 0. A row that cannot be measured raises."""
    print_rows(_rows(args), _print_row, as_json=args.json)
    return 0


def _rows(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    # loads what only this command needs
    from blockstm.bench.blocks.once import measure_once

    if args.iterations < 1:
        raise UsageError(f"--iterations is 1 or more, not {args.iterations}")
    if args.known < 0:
        raise UsageError(f"--known is 0 or more, not {args.known}")
    default = sorted({1, usable_cores()})
    workers = default if args.workers is None else numbers(args.workers, "--workers")
    files = [file for file in read_blocks(args.blocks) if file.block.header.gas_used >= args.gas]
    if not files:
        raise UsageError(f"no block used {args.gas:,} gas: give a lower --gas")
    for row in measure_once(files, workers=workers, iterations=args.iterations, known=args.known):
        yield row.as_dict()


def _print_row(row: dict[str, Any], *, heading: bool) -> None:
    shown, columns = row | {"milliseconds": row["seconds"] * 1e3}, COLUMNS
    if row["known_seconds"] is not None:
        shown["known_milliseconds"], columns = row["known_seconds"] * 1e3, COLUMNS | KNOWN_COLUMNS
    if heading:
        print(_line([HEADINGS.get(name, name) for name in columns]))
    unstable = "" if row["stable"] else "  unstable"
    cells = [form.format(shown[name]) for name, form in columns.items()]
    print(_line(cells) + unstable, flush=True)


def _line(cells: list[str]) -> str:
    return f"{cells[0]:<22}" + "".join(f"{cell:>14}" for cell in cells[1:])
