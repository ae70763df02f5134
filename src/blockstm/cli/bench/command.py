"""``blockstm bench``: the engine against a plain sequential loop, on a named workload."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from blockstm.bench.engine.workloads import ABOUT, WORKLOADS, workload_named
from blockstm.cli.bench import blocks, evm, hinted, imports, once, pipeline, sharded, workloads
from blockstm.cli.bench.rows import at_most, print_rows
from blockstm.cores import usable_cores
from blockstm.extras import need

__all__ = ["add_parser", "main"]

COLUMNS = (
    ("workers", "{:d}"),
    ("work_us", "{:g}"),
    ("seconds", "{:.4f}"),
    ("spread", "{:.1%}"),
    ("baseline_seconds", "{:.4f}"),
    ("speedup_over_baseline", "{:.2f}x"),
    ("incarnations_per_transaction", "{:.2f}"),
    ("cpu_cores", "{:.2f}"),
)
HEADINGS = {
    "speedup_over_baseline": "speedup",
    "incarnations_per_transaction": "inc/tx",
    "baseline_seconds": "baseline",
    "cpu_cores": "cores",
}


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``bench`` to the subcommands; its arguments are for `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "bench",
        help="measure the engine against a plain sequential loop, or the EVM against others",
        description="Runs a workload and, in turn with it, a baseline; every iteration's result is "
        "checked. The options of each: blockstm bench WORKLOAD --help.",
    )
    names = parser.add_subparsers(dest="workload", required=True, metavar="WORKLOAD")
    evm.add_parser(names)
    blocks.add_parser(names)
    once.add_parser(names)
    workloads.add_parser(names)
    pipeline.add_parser(names)
    imports.add_parser(names)
    hinted.add_parser(names)
    sharded.add_parser(names)
    for name in WORKLOADS:
        _add_workload(names, name)
    return parser


def _add_workload(names: Any, name: str) -> None:
    parser = names.add_parser(
        name,
        help=ABOUT[name],
        description=f"A generated block: {ABOUT[name]}. Runs it on the engine and, in turn with "
        "it, in a plain sequential loop over a hash map; every iteration's result is checked. "
        "A row is printed for each combination of the parameters, which may be lists: "
        "--workers 1,2.",
    )
    parser.add_argument(
        "--accounts",
        type=_list_of(at_most(10**7)),
        default=[10_000],
        metavar="A",
        help="default: 10000",
    )
    parser.add_argument(
        "--transactions",
        type=_list_of(at_most(10**7)),
        default=[10_000],
        metavar="N",
        help="default: 10000",
    )
    parser.add_argument(
        "--work-us",
        type=_list_of(at_most(10**6, float)),
        default=[5.0],
        metavar="W",
        help="work of one transaction, in µs, by a loop calibrated now; default: 5",
    )
    parser.add_argument(
        "--workers",
        type=_list_of(int),
        default=sorted({1, usable_cores()}),
        metavar="1,2",
        help="threads of the engine; default: 1 and all cores",
    )
    parser.add_argument(
        "--vm",
        choices=["kernel", "python"],
        default="kernel",
        help="a Numba kernel, without the GIL, or a Python function; default: kernel",
    )
    parser.add_argument(
        "--seconds",
        type=at_most(10**6, float),
        default=2.0,
        metavar="S",
        help="time for a row; default: 2",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="SEED", help="of the generator")
    parser.add_argument("--json", action="store_true", help="one JSON object a row")


def main(args: argparse.Namespace) -> int:
    """Measure and print; always 0. A row that cannot be measured raises."""
    if args.vm == "kernel":
        need("numba", "--vm kernel, the default,")
    print_rows(_rows(args), _print_row, as_json=args.json)
    return 0


def _rows(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    from blockstm.bench.engine.measurement import measure  # needs NumPy and Numba only to measure

    blocks = itertools.product(args.accounts, args.transactions)
    for accounts, transactions in blocks:
        workload = workload_named(
            args.workload, accounts=accounts, transactions=transactions, seed=args.seed
        )
        for work_us, workers in itertools.product(args.work_us, args.workers):
            row = measure(
                workload, vm=args.vm, work_us=work_us, workers=workers, seconds=args.seconds
            )
            yield row.as_dict() | {"seed": args.seed}


def _print_row(row: dict[str, Any], *, heading: bool) -> None:
    names = [name for name in ("accounts", "transactions") if name in row]
    cells = [row["workload"], *(str(row[name]) for name in names)]
    cells += [form.format(row[name]) for name, form in COLUMNS]
    if heading:
        titles = ["workload", *names, *(HEADINGS.get(name, name) for name, _ in COLUMNS)]
        print(_line(titles))
    unstable = "" if row["stable"] else "  unstable: do not trust this row"
    print(_line(cells) + f"  ({row['work_turns']} turns of work){unstable}", flush=True)


def _line(cells: list[str]) -> str:
    return f"{cells[0]:<16}" + "".join(f"{cell:>13}" for cell in cells[1:])


def _list_of(kind: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """A parser of comma-separated values."""

    def parse(text: str) -> list[Any]:
        return [kind(part) for part in text.split(",")]

    parse.__name__ = f"{kind.__name__} list"  # what argparse calls it in its message
    return parse
