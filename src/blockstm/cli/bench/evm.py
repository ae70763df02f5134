"""``blockstm bench evm``: our EVM against others on the same bytecode, the loop inside it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockstm.bench.machine import machine
from blockstm.cli.bench.rows import at_most, print_rows, words
from blockstm.errors import UsageError

if TYPE_CHECKING:
    from blockstm.bench.evm.measurement import Row
    from blockstm.bench.evm.workloads import Workload

__all__ = ["add_parser", "main"]


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``evm`` to the workloads of ``bench``; its arguments are for `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "evm",
        help="our EVM against others: revm through pyrevm, py-evm",
        description="Runs contracts that loop long inside, by our EVM and in turn with it by the "
        "others. Gas and output must be equal in every iteration. A ratio above 1: ours is faster.",
    )
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help="default: all of ours")
    parser.add_argument(
        "--against", default="pyrevm", metavar="pyrevm,py-evm", help="baselines; default: pyrevm"
    )
    parser.add_argument(
        "--evm", default="evm", metavar="EVM", help="which one is measured; default: evm, ours"
    )
    parser.add_argument(
        "--statetests",
        type=Path,
        metavar="PATH",
        help="add the workloads of files in the format of state tests: file, folder or .tar.xz",
    )
    parser.add_argument(
        "--iterations",
        "--laps",
        type=at_most(10**6, _positive),
        metavar="N",
        help="of each; default: by time",
    )
    parser.add_argument(
        "--seconds",
        type=at_most(10**6, float),
        default=2.0,
        metavar="S",
        help="time for a row; default: 2",
    )
    parser.add_argument(
        "--percent", type=float, default=100.0, metavar="P", help="of the loops' turns; default 100"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.set_defaults(main=main)
    return parser


def main(args: argparse.Namespace) -> int:
    """Measure and print; always 0. A row that cannot be measured raises."""
    # loads what only this command needs
    from blockstm.bench.evm.measurement import measure, overall
    from blockstm.bench.evm.published import PUBLISHED

    baselines = words(args.against)
    rows: list[Row] = []

    def measured() -> Iterator[dict[str, Any]]:
        for workload in _workloads(args):
            rows.append(
                measure(
                    workload,
                    evm=args.evm,
                    baselines=baselines,
                    seconds=args.seconds,
                    iterations=args.iterations,
                )
            )
            yield rows[-1].as_dict()

    def print_row(_: dict[str, Any], *, heading: bool) -> None:
        if heading:
            print(_line(_titles(baselines)))
        print(_line(_cells(rows[-1])), flush=True)

    print_rows(measured(), print_row, as_json=args.json)
    summary = overall(rows)
    if args.json:
        published = [each.as_dict() for each in PUBLISHED]
        print(json.dumps(summary | {"machine": machine(), "published": published}))
    else:
        print(_line(_overall_cells(summary, baselines)))
        print("\n".join(_published_lines()))
    return 0


def _workloads(args: argparse.Namespace) -> Iterator[Workload]:
    # loads what only this command needs
    from blockstm.bench.evm.state_tests import statetest_workloads
    from blockstm.bench.evm.workloads import TURNS, WORKLOADS, workload_named

    others = {}
    if args.statetests is not None:
        try:
            others = {each.name: each for each in statetest_workloads(args.statetests)}
        except OSError as error:
            raise UsageError(f"cannot read {args.statetests}: {error}") from error
    for name in args.workloads or [*WORKLOADS, *others]:
        if name in others:
            yield others[name]
        elif name in TURNS:
            yield workload_named(name, turns=max(1, round(TURNS[name] * args.percent / 100)))
        else:
            yield workload_named(name)  # which says what there is


def _titles(baselines: list[str]) -> list[str]:
    titles = ["workload", "seconds", "spread", "Mgas/s", "ns/instr"]
    return titles + [title for name in baselines for title in (name, "spread", "ratio")]


def _cells(row: Row) -> list[str]:
    flat = row.as_dict()
    each = f"{flat['ns_per_instruction']:.2f}" if "ns_per_instruction" in flat else "-"
    timing = row.timing
    cells = [row.workload, f"{timing.seconds:.4f}", f"{timing.spread:.1%}"]
    cells += [f"{flat['mgas_per_second']:.0f}", each]
    for name, baseline in row.baselines.items():
        cells += [f"{baseline.seconds:.4f}", f"{baseline.spread:.1%}", f"{row.ratio(name):.2f}x"]
    return [*cells, "" if row.stable else "  unstable: do not trust this row"]


def _overall_cells(summary: dict[str, Any], baselines: list[str]) -> list[str]:
    cells = ["overall", f"{summary['seconds']:.4f}", "", "", ""]
    for name in baselines:
        key = name.replace("-", "_")
        cells += [f"{summary[f'{key}_seconds']:.4f}", "", f"{summary[f'{key}_ratio']:.2f}x"]
    return [*cells, "  (ratio: geometric mean)"]


def _published_lines() -> Iterator[str]:
    # loads what only this command needs
    from blockstm.bench.evm.published import MACHINE, MEASURED_ON, PUBLISHED

    yield f"\nNot of this run: published by us on {MEASURED_ON}, measured on {MACHINE}."
    yield f"{'time over ours, geometric mean':<44}{'our 11':>10}{'ipsilon':>10}  its best rows"
    for each in PUBLISHED:
        yield f"{each.evm:<44}{_range(each.contracts):>10}{_range(each.ipsilon):>10}  {each.remark}"


def _range(ends: tuple[float, float]) -> str:
    least, greatest = ends
    return f"{least}x" if least == greatest else f"{least}-{greatest}x"


def _line(cells: list[str]) -> str:
    return (f"{cells[0]:<26}" + "".join(f"{cell:>10}" for cell in cells[1:])).rstrip()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number
