"""``blockstm bench blocks``: real blocks on our EVM, against py-evm if asked for."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from blockstm.bench.machine import machine
from blockstm.cli.blockpaths import block_files
from blockstm.errors import UsageError

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
    parser.add_argument(
        "blocks",
        nargs="+",
        type=Path,
        metavar="BLOCK",
        help="a file (.json, .json.gz or .json.xz), or a folder of them",
    )
    parser.add_argument("--against", default="", metavar="EVM,EVM", help="py-evm, py-evm-stock")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="of ours; default: 1")
    parser.add_argument(
        "--iterations", "--laps", type=int, default=10, metavar="N", help="of ours; default: 10"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.set_defaults(main=main)
    return parser


def main(args: argparse.Namespace) -> int:
    """Measure and print; always 0. A row that cannot be measured raises."""
    # loads what only this command needs
    from blockstm.bench.blocks.real_blocks import measure_block
    from blockstm.ethereum.files.block_files import read_block_file

    about = machine()
    baselines = [name for name in args.against.split(",") if name]
    if not args.json:
        print("  ".join(f"{name}: {value}" for name, value in about.items()))
        titles = [HEADINGS.get(name, name) for name in COLUMNS]
        print(_line(titles + [title for name in baselines for title in (name, "ratio")]))
    for path in [file for named in args.blocks for file in _files(named)]:
        try:
            file = read_block_file(path)
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error}") from error
        row = measure_block(
            file, workers=args.workers, baselines=baselines, iterations=args.iterations
        )
        flat = row.as_dict()
        if args.json:
            print(json.dumps(flat | {"machine": about}), flush=True)
        else:
            cells = [form.format(flat[name]) for name, form in COLUMNS.items()]
            for name in baselines:
                key = name.replace("-", "_")
                cells += [f"{flat[f'{key}_seconds']:.3f}", f"{flat[f'{key}_ratio']:.0f}x"]
            print(_line([*cells, "" if row.timing.stable else "  unstable"]), flush=True)
    return 0


def _files(path: Path) -> list[Path]:
    try:
        return block_files(path)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def _line(cells: list[str]) -> str:
    return (f"{cells[0]:<16}{cells[1]:<18}" + "".join(f"{c:>13}" for c in cells[2:])).rstrip()
