"""``blockstm bench hints``: what hints do to a block's time, right ones and hostile ones."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from blockstm.cli.bench.rows import add_blocks, at_most, print_rows, read_blocks, words
from blockstm.cores import usable_cores
from blockstm.errors import UsageError

if TYPE_CHECKING:
    from blockstm.ethereum import ExecutedBlock
    from blockstm.ethereum.files.block_files import BlockFile
    from blockstm.hints import Hints
    from blockstm.insight.recording import Steps

__all__ = ["add_parser", "main"]

COLUMNS = (
    ("seconds", "ms", "{:.3f}"),
    ("spread", "spread", "{:.1%}"),
    ("ratio", "of none", "{:.3f}"),
    ("incarnations_per_transaction", "inc/tx", "{:.3f}"),
    ("holds", "holds", "{:d}"),
    ("right", "right", "{:d}"),
    ("wrong", "wrong", "{:d}"),
)


def add_parser(subparsers: Any) -> None:
    """Add ``hints`` to the subcommands of ``bench``."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "hints",
        help="what hints do to real blocks, right ones and hostile ones",
        description="Runs each block without hints and, in turn with that, with hints of each kind "
        "that a run in order gave, and with hostile ones. Only the engine is timed. A ratio below "
        "1: hints made the block faster. Gas and writes must be those of one worker.",
    )
    add_blocks(parser, nargs="*")
    parser.add_argument(
        "--load", action="append", default=[], metavar="NAME", help="a generated block, too"
    )
    parser.add_argument(
        "--gas",
        type=at_most(10**10),
        default=30_000_000,
        help="of a generated block; default: 30,000,000",
    )
    parser.add_argument("--workers", type=int, default=usable_cores(), metavar="N", help="threads")
    parser.add_argument("--hints", default="", metavar="KIND,KIND", help="default: all kinds")
    parser.add_argument(
        "--iterations", type=at_most(10**6), default=20, metavar="N", help="of each; default: 20"
    )
    parser.add_argument(
        "--schedule",
        choices=["optimistic", "declared", "grouped", "listed", "adaptive"],
        default="declared",
        help="how hints are used; default: declared",
    )
    parser.add_argument(
        "--learned",
        action="store_true",
        help="take the blocks by number, and measure what those before teach of each, too; of a "
        "generated block what three others of its kind teach",
    )
    parser.add_argument(
        "--one-worker",
        action="store_true",
        help="measure one worker, too, without hints; the sums end with the bound then: that time "
        "over the workers, or the longest transaction where it is longer",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Measure and print; always 0. A row that cannot be measured raises."""
    printed = print_rows(_rows(args), _print_row, as_json=args.json)
    if not args.json:
        _print_sums(printed)
    return 0


def _rows(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    if not args.blocks and not args.load:
        raise UsageError("name a block file or a generated block (--load)")
    for steps, taught in (*_recorded(args), *_generated(args)):
        yield from _measured(args, steps, taught)


def _measured(
    args: argparse.Namespace, steps: Steps, taught: Hints | None
) -> Iterator[dict[str, Any]]:
    from blockstm.bench.blocks.hinted import HINTS, measure_hints  # what only this command needs

    rows = measure_hints(
        steps,
        workers=args.workers,
        iterations=args.iterations,
        names=words(args.hints) or tuple(HINTS),
        schedule=args.schedule,
        more={} if taught is None else {"learned": taught},
        with_one_worker=args.one_worker,
    )
    yield from (row.as_dict() for row in rows)


def _recorded(args: argparse.Namespace) -> Iterator[tuple[Steps, Hints | None]]:
    """Block files, with what those before taught of each, if that is asked for."""
    # loads what only this command needs
    from blockstm.ethereum.learned import Learned
    from blockstm.insight.recording import Steps

    learned = Learned()
    files = list(read_blocks(args.blocks))
    if args.learned:
        files.sort(key=lambda file: file.block.header.number)
    for file in files:
        yield Steps.of_file(file), learned.for_block(file.block) if args.learned else None
        if args.learned:
            learned.learn(file.block, _executed(file))


def _generated(args: argparse.Namespace) -> Iterator[tuple[Steps, Hints | None]]:
    """Generated blocks, with what others of the kind taught of each, if that is asked for."""
    # loads what only this command needs
    from blockstm.bench.blocks.taught import generated_steps, taught_steps

    for name in args.load:
        if args.learned:
            yield taught_steps(name, gas=args.gas)
        else:
            yield generated_steps(name, gas=args.gas), None


def _executed(file: BlockFile) -> ExecutedBlock:
    from blockstm.executor import execute_block  # loads what only this command needs

    return execute_block(
        file.block, file.state(), "evm", block_hashes=file.block_hashes, accesses=True
    )


def _print_row(row: dict[str, Any], *, heading: bool) -> None:
    if heading:
        print(_line(["block", "hints", *(title for _, title, _ in COLUMNS)]))
    shown = row | {"seconds": row["seconds"] * 1e3}
    cells = [form.format(shown[name]) for name, _, form in COLUMNS]
    print(_line([row["block"], row["hints"], *cells]), flush=True)


def _print_sums(rows: list[dict[str, Any]]) -> None:
    """What each kind comes to over all blocks, and the worst of them; and what none can beat."""
    from blockstm.bench.blocks.hinted import bound_seconds  # what only this command needs

    none = sum(row["seconds"] for row in rows if row["hints"] == "none")
    for name in dict.fromkeys(row["hints"] for row in rows):
        of_kind = [row for row in rows if row["hints"] == name]
        total, worst = sum(row["seconds"] for row in of_kind), max(row["ratio"] for row in of_kind)
        cells = [f"{total * 1e3:.3f}", "", f"{total / none:.3f}", f"worst {worst:.3f}"]
        print(_line(["all", name, *cells]))
    bound = bound_seconds(rows)
    if bound is not None:
        print(_line(["all", "bound", f"{bound * 1e3:.3f}", "", f"{bound / none:.3f}"]))


def _line(cells: list[str]) -> str:
    return f"{cells[0]:<16}{cells[1]:<30}" + "".join(f"{cell:>14}" for cell in cells[2:]).rstrip()
