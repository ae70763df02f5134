"""``blockstm bench WORKLOAD...``: whole blocks on the native EVM, sequential and in parallel."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockstm.cli.bench.rows import at_most, numbers, print_rows, words
from blockstm.cores import usable_cores
from blockstm.errors import UsageError
from blockstm.extras import need
from blockstm.messages import brief

if TYPE_CHECKING:
    from blockstm.bench.blocks.workloads import BlockWorkload

__all__ = ["add_parser", "main"]

COLUMNS = {
    "workload": ("workload", "{}"),
    "transactions": ("txs", "{:,d}"),
    "workers": ("workers", "{:d}"),
    "sequential_transactions_per_second": ("1 worker tx/s", "{:,.0f}"),
    "transactions_per_second": ("tx/s", "{:,.0f}"),
    "gigagas_per_second": ("Ggas/s", "{:.2f}"),
    "speedup": ("speed-up", "{:.2f}x"),
    "speedup_spread": ("spread", "{:.1%}"),
    "bound": ("bound", "{:.2f}x"),
    "cpu_cores": ("cores", "{:.2f}"),
    "incarnations_per_transaction": ("runs/tx", "{:.3f}"),
}
DESCRIPTION = (
    "Runs blocks of generated transactions on the native EVM: in turn with one worker, with "
    "several, and side by side without coordination, which is the most the machine could give. "
    "Gas, outputs and writes must be equal in every iteration."
)
_VERIFIED = "verified_transactions_per_second"
_BASELINES = ("sequential", "revm", "pyrevm", "py-evm")
_EXTRAS = {"pyrevm": "pyrevm", "py-evm": "pyevm"}


def add_parser(subparsers: Any) -> None:
    """Add ``workloads`` to the workloads of ``bench``; its arguments are for `main`.

    ``loads``, its name before, is not in the list of help but goes on working.
    """
    about = "blocks for the EVM in parallel: transfers, tokens, swaps, hot accounts, chains"
    _add_arguments(subparsers.add_parser("workloads", help=about, description=DESCRIPTION))
    _add_arguments(subparsers.add_parser("loads", description=DESCRIPTION))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="WORKLOAD", help="default: all; see --list")
    parser.add_argument("--list", action="store_true", help="say what workloads there are")
    parser.add_argument(
        "--gas",
        type=at_most(1e12, float),
        default=1e9,
        metavar="G",
        help="of a block, about; default: 1e9",
    )
    parser.add_argument(
        "--workers",
        default=f"{usable_cores()}",
        metavar="1,2,4",
        help="threads of the engine, at most; default: all cores",
    )
    parser.add_argument(
        "--against",
        default="sequential",
        metavar="EVM,EVM",
        help="sequential (always measured), revm (built by cargo), pyrevm, py-evm",
    )
    parser.add_argument(
        "--seconds", type=at_most(10**6, float), default=4.0, metavar="S", help="for a row"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="SEED", help="of what is drawn")
    parser.add_argument(
        "--verified",
        action="store_true",
        help="verify the same block from its bytes, too: signatures, receipts and roots included; "
        "of transfers, erc20, settlement, ai-dex and agents",
    )
    parser.add_argument(
        "--contracts",
        type=Path,
        metavar="PATH",
        help="folder or .tar.xz with the codes of Uniswap V3, for own-pools",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.add_argument("--plot", type=Path, metavar="OUT.png", help="draw the speed-ups")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Measure and print; always 0. A row that cannot be measured raises."""
    # loads what only this command needs
    from blockstm.bench.blocks import own_pools, unmet_codes
    from blockstm.bench.blocks.workloads import BLOCK_WORKLOADS

    if args.list:
        for name, recipe in BLOCK_WORKLOADS.items():
            print(f"{name:<20}{recipe.about}")
        print(f"{own_pools.NAME:<20}{own_pools.ABOUT}; with --contracts")
        print(f"{unmet_codes.NAME:<20}{unmet_codes.ABOUT}; only if it is named")
        return 0
    if args.plot:
        need("insight", "--plot")
    rows = print_rows(_rows(args), _print, as_json=args.json)
    if args.plot:
        from blockstm.bench.blocks.plots import draw_speedups  # loads what only this command needs

        draw_speedups(rows, args.plot)
    return 0


def _rows(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    # loads what only this command needs
    from blockstm.bench.blocks import own_pools
    from blockstm.bench.blocks.measurement import measure_workload
    from blockstm.bench.blocks.workloads import BLOCK_WORKLOADS

    against = _names(args.against)
    names = args.names or [*BLOCK_WORKLOADS, *([own_pools.NAME] if args.contracts else [])]
    workers = numbers(args.workers, "--workers")
    for number, name in enumerate(names):
        workload = _workload(name, args)
        for count in workers:
            _progress(args, f"{name}, {count} workers ({number + 1} of {len(names)})")
            row = measure_workload(workload, workers=count, seconds=args.seconds, against=against)
            verified = _verified(name, row.transactions, count, args) if args.verified else {}
            _progress(args, "")
            yield row.as_dict() | verified | {"seed": args.seed}


def _verified(name: str, count: int, workers: int, args: argparse.Namespace) -> dict[str, Any]:
    """Transactions verified in a second, of a block whose signatures are new; None: it has none."""
    # loads what only this command needs
    from blockstm.bench.blocks.pipeline import Subject, measure_pipeline
    from blockstm.bench.blocks.signed_blocks import SIGNED_BLOCKS, signed_block

    found = None
    signed = next((each for each in SIGNED_BLOCKS if each.startswith(f"{name}-")), None)
    if signed is not None:
        subject = Subject.of_signed(signed_block(signed, count=count, seed=args.seed))
        rows = measure_pipeline(subject, workers=workers, processes=1)
        [new] = [row for row in rows if row.sight == "new"]
        found = new.transactions / new.timing.seconds
    return {_VERIFIED: found}


def _workload(name: str, args: argparse.Namespace) -> BlockWorkload:
    # loads what only this command needs
    from blockstm.bench.blocks.own_pools import NAME, own_pools
    from blockstm.bench.blocks.unmet_codes import NAME as UNMET_CODES
    from blockstm.bench.blocks.unmet_codes import unmet_codes
    from blockstm.bench.blocks.workloads import block_workload

    if name == UNMET_CODES:
        return unmet_codes(gas=int(args.gas))
    if name != NAME:
        return block_workload(name, gas=int(args.gas), seed=args.seed)
    if args.contracts is None:
        raise UsageError(
            f"{NAME} needs the codes of Uniswap V3: --contracts with a folder or archive of them"
        )
    return own_pools(args.contracts, gas=int(args.gas))


def _names(text: str) -> list[str]:
    names = words(text)
    for name in names:
        if name not in _BASELINES:
            raise UsageError(
                f"workloads are compared with {', '.join(_BASELINES)}, not {brief(name)}"
            )
        if name in _EXTRAS:
            need(_EXTRAS[name], name)
    return [name for name in names if name != "sequential"]


def _progress(args: argparse.Namespace, text: str) -> None:
    """Show the current measurement, on a terminal."""
    if sys.stderr.isatty() and not args.json:
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _print(row: dict[str, Any], *, heading: bool) -> None:
    baselines = [name for name in _BASELINES if f"{name.replace('-', '_')}_ratio" in row]
    verified = ["verified tx/s"] if _VERIFIED in row else []
    if heading:
        print(_line([title for title, _ in COLUMNS.values()] + verified + baselines))
    cells = [form.format(row[name]) for name, (_, form) in COLUMNS.items()]
    if verified:
        cells.append("-" if row[_VERIFIED] is None else f"{row[_VERIFIED]:,.0f}")
    for name in baselines:
        ratio = row[f"{name.replace('-', '_')}_ratio"]
        cells.append("-" if ratio is None else f"{ratio:.1f}x")
    print(_line(cells) + ("" if row["stable"] else "  unstable"), flush=True)


def _line(cells: list[str]) -> str:
    return f"{cells[0]:<20}" + "".join(f"{cell:>14}" for cell in cells[1:])
