"""``blockstm bench pipeline``: blocks verified from their bytes, stage by stage."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockstm.cli.bench.rows import at_most, block_files_at, numbers, print_rows, words
from blockstm.cores import usable_cores
from blockstm.errors import UsageError
from blockstm.extras import need
from blockstm.messages import brief

if TYPE_CHECKING:
    from blockstm.bench.blocks.pipeline import Subject

__all__ = ["add_parser", "main"]

COLUMNS = {
    "workload": ("block", "{}"),
    "sight": ("sight", "{}"),
    "workers": ("workers", "{:d}"),
    "transactions": ("txs", "{:,d}"),
    "seconds": ("ms", "{:.1f}"),
    "spread": ("spread", "{:.1%}"),
    "transactions_per_second": ("tx/s", "{:,.0f}"),
    "mgas_per_second": ("Mgas/s", "{:,.0f}"),
}
_WIDE = 18
_BASELINES = ("py-evm",)


def add_parser(subparsers: Any) -> None:
    """Add ``pipeline`` to the subcommands of ``bench``."""
    parser = subparsers.add_parser(
        "pipeline",
        help="blocks verified from their bytes, stage by stage",
        description="Verifies blocks from their bytes: decodes them, recovers the senders, runs "
        "the transactions and compares all roots with the header's, within the time. Each block is "
        "met cold, in a fresh process; new, in a process that has run it, its senders forgotten; "
        "and known. A stage in brackets is work done beside the others.",
    )
    parser.add_argument(
        "blocks",
        nargs="*",
        metavar="BLOCK",
        help="a block file, a folder of them, or a generated block, see --list; default: all that "
        "are generated",
    )
    parser.add_argument("--list", action="store_true", help="say what generated blocks there are")
    parser.add_argument(
        "--witness",
        type=Path,
        metavar="PATH",
        help="the state of a block file comes from this witness file, or from the file of the "
        "same name in this folder",
    )
    parser.add_argument(
        "--workers",
        default=f"{usable_cores()}",
        metavar="1,2",
        help="threads of ours, at most; default: all cores",
    )
    parser.add_argument(
        "--transactions",
        type=at_most(10**6),
        metavar="N",
        help="of generated blocks; default: theirs",
    )
    parser.add_argument(
        "--processes",
        type=at_most(10**4),
        default=3,
        metavar="N",
        help="fresh ones for each row; default: 3",
    )
    parser.add_argument(
        "--iterations",
        type=at_most(10**6),
        default=5,
        metavar="N",
        help="in each process; default: 5",
    )
    parser.add_argument("--against", default="", metavar="EVM", help="py-evm")
    parser.add_argument("--seed", type=int, default=1, metavar="SEED", help="of what is drawn")
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.add_argument("--plot", type=Path, metavar="OUT.png", help="draw the stages")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Measure and print; always 0. A row that cannot be measured raises."""
    # loads what only this command needs
    from blockstm.bench.blocks.signed_blocks import SIGNED_BLOCKS

    if args.list:
        for name, recipe in SIGNED_BLOCKS.items():
            print(f"{name:<{_WIDE}}{recipe.count:,} transactions: {recipe.about}")
        return 0
    if args.plot:
        need("insight", "--plot")
    rows = print_rows(_rows(args), _print, as_json=args.json)
    if args.plot:
        from blockstm.bench.blocks.plots import draw_stages  # loads what only this command needs

        draw_stages(rows, args.plot)
    return 0


def _rows(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    # loads what only this command needs
    from blockstm.bench.blocks.pipeline import measure_pipeline

    against, workers = _names(args.against), numbers(args.workers, "--workers")
    for subject in _subjects(args):
        for count in workers:
            for row in measure_pipeline(
                subject,
                workers=count,
                processes=_at_least_one(args.processes, "--processes"),
                iterations=_at_least_one(args.iterations, "--iterations"),
                against=against,
            ):
                yield row.as_dict()


def _subjects(args: argparse.Namespace) -> Iterator[Subject]:
    # loads what only this command needs
    from blockstm.bench.blocks.pipeline import Subject
    from blockstm.bench.blocks.signed_blocks import SIGNED_BLOCKS, signed_block

    for name in args.blocks or SIGNED_BLOCKS:
        if name in SIGNED_BLOCKS:
            yield Subject.of_signed(signed_block(name, count=args.transactions, seed=args.seed))
        else:
            yield from map(_of_file(args.witness), block_files_at(Path(name)))


def _of_file(witness: Path | None) -> Any:
    # loads what only this command needs
    from blockstm.bench.blocks.pipeline import Subject
    from blockstm.ethereum.files.block_files import read_block_file
    from blockstm.ethereum.witnesses import read_witness

    def read(path: Path) -> Subject:
        try:
            file = read_block_file(path)
            if witness is None:
                return Subject.of_file(file, None)
            return Subject.of_file(
                file, read_witness(witness / path.name if witness.is_dir() else witness)
            )
        except OSError as error:
            raise UsageError(f"cannot read {error.filename or path}: {error.strerror}") from error

    return read


def _names(text: str) -> list[str]:
    names = words(text)
    for name in names:
        if name not in _BASELINES:
            raise UsageError(
                f"blocks are verified beside {', '.join(_BASELINES)}, not {brief(name)}"
            )
        need("pyevm", name)
    return names


def _at_least_one(number: int, option: str) -> int:
    if number < 1:
        raise UsageError(f"{option} is 1 or more, not {number}")
    return number


def _print(row: dict[str, Any], *, heading: bool) -> None:
    if heading:
        print(_line([title for title, _ in COLUMNS.values()]) + "  ms by stage")
    scaled = row | {"seconds": row["seconds"] * 1e3}
    cells = [form.format(scaled[name]) for name, (_, form) in COLUMNS.items()]
    print(_line(cells) + "  " + _stages(row), flush=True)


def _stages(row: dict[str, Any]) -> str:
    parts = [f"{name} {seconds * 1e3:.1f}" for name, seconds in row["stages"].items()]
    parts += [f"[{name} {seconds * 1e3:.1f}]" for name, seconds in row["overlapped"].items()]
    if row["first_sight_seconds"] is not None:
        parts.append(f"of the run for first sight: {row['first_sight_seconds'] * 1e3:.1f}")
    if row["peak_bytes"] is not None:
        ratio = row["peak_bytes"] / row["data_bytes"]
        parts.append(f"peak {row['peak_bytes'] / 1e6:.1f} MB, {ratio:.1f}x of what it is about")
    for name in _BASELINES:
        seconds = row.get(f"{name.replace('-', '_')}_seconds")
        if seconds is not None:
            parts.append(f"{name}: {seconds * 1e3:.1f}")
    if not row["has_state_root"]:
        parts.append("no state root")
    return ", ".join(parts) + ("" if row["stable"] else "  unstable")


def _line(cells: list[str]) -> str:
    return f"{cells[0]:<{_WIDE}}{cells[1]:<7}" + "".join(f"{cell:>10}" for cell in cells[2:])
