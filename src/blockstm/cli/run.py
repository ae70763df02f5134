"""``blockstm run``: execute block files and compare what comes out with their headers."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockstm.cli.blockpaths import block_files
from blockstm.cli.blockstats import stats_as_text
from blockstm.cli.durations import time_as_text
from blockstm.cli.judging import judge
from blockstm.cli.verdict import Verdict
from blockstm.cli.verify import verify_file, witness_beside
from blockstm.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from blockstm.executor import Executor
    from blockstm.insight.timeline import Trace

__all__ = ["add_parser", "main"]

MATCH, MISMATCH, UNREADABLE = 0, 1, 2
SPANS = 1 << 20  # that each worker keeps of a block for `--trace`
TIMED = 1  # a timeline of one span is enough to have every task timed


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``run`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "run",
        help="execute Ethereum mainnet blocks and compare them with their headers",
        description="Executes each block and compares gas used, receipts root and logs bloom with "
        "its header. Exit status: 0 all match, 1 one does not, 2 one cannot be read or the usage "
        "is wrong, 130 interrupted.",
    )
    parser.add_argument(
        "blocks",
        nargs="+",
        type=Path,
        metavar="BLOCK",
        help="a file (.json, .json.gz or .json.xz), or a folder: its files that have a number in "
        "their name, by that number",
    )
    parser.add_argument("--vm", choices=["evm", "py-evm"], default="evm", help="default: evm")
    parser.add_argument(
        "--workers", type=_workers, default="auto", metavar="N", help="threads; default: auto"
    )
    parser.add_argument(
        "--fork", metavar="NAME", help="whose rules hold; default: what mainnet has at the block"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a block")
    parser.add_argument(
        "--stats", action="store_true", help="also where the time went, and what got in the way"
    )
    parser.add_argument(
        "--trace", type=Path, metavar="FILE", help="write what each worker did when, for Perfetto"
    )
    parser.add_argument(
        "--witness",
        type=Path,
        metavar="W",
        help="verify the block on its witness alone, as `blockstm verify` does; or a folder of "
        "witnesses, each under the name of its block's file",
    )
    return parser


def _workers(text: str) -> int | str:
    return text if text == "auto" else int(text)


_workers.__name__ = "number of workers"  # what argparse calls it in its message


def main(args: argparse.Namespace) -> int:
    """Run the blocks; the highest exit status of any of them.

    Raises:
        ConfigError: the number of workers is out of range.
        ImportError: an extra is missing.
    """
    from blockstm.config import Config  # loads what only this command needs
    from blockstm.executor import Executor
    from blockstm.insight.timeline import Trace

    status = MATCH
    trace = Trace()
    spans = SPANS if args.trace else TIMED if args.stats else 0
    config = Config(workers=args.workers, timeline=spans)
    with Executor(config) as executor:
        for path in args.blocks:
            try:
                files = block_files(path)
            except UsageError as error:
                _complain(path, error)
                status = UNREADABLE
                continue
            for file in files:
                status = max(status, _run_one(file, executor, args, trace))
    return status if args.trace is None else max(status, _write(trace, args.trace))


def _run_one(path: Path, executor: Executor, args: argparse.Namespace, trace: Trace) -> int:
    """Run a block and print its verdict; its exit status."""
    if args.witness is not None:
        return _verify_one(path, executor, args)
    try:
        verdict = judge(path, executor, args, trace)
    except (OSError, UsageError) as error:
        _complain(path, error)
        return UNREADABLE
    print(json.dumps(verdict.as_object()) if args.json else _as_text(verdict), flush=True)
    return MATCH if verdict.ok else MISMATCH


def _verify_one(path: Path, executor: Executor, args: argparse.Namespace) -> int:
    from blockstm.ethereum import MAINNET  # loads what only this command needs

    if args.vm != "evm" or args.stats or args.trace:
        raise ConfigError("--witness goes with the native EVM, and without --stats and --trace")
    chain = MAINNET if args.fork is None else MAINNET.under(args.fork)
    return verify_file(path, witness_beside(path, args.witness), chain, executor, args)


def _write(trace: Trace, path: Path) -> int:
    try:
        trace.write(path)
    except OSError as error:
        _complain(path, error)
        return UNREADABLE
    return MATCH


def _complain(path: Path, error: Exception) -> None:
    words = error.strerror if isinstance(error, OSError) else None
    print(f"blockstm run: {path}: {words or error}", file=sys.stderr)


def _gas(verdict: Verdict) -> str:
    """The gas of the header, and both kinds of a block with two."""
    used = f"{verdict.gas_used:,} gas"
    if verdict.state_gas is None:
        return used
    return f"{used} ({verdict.execution_gas:,} of execution, {verdict.state_gas:,} of state)"


def _as_text(verdict: Verdict) -> str:
    lines = [
        f"block {verdict.number} ({verdict.fork}): {verdict.transactions} transactions, "
        f"{_gas(verdict)}, {time_as_text(verdict.seconds)}, workers: {verdict.workers}, "
        f"incarnations per transaction: {verdict.incarnations_per_transaction:.2f}"
    ]
    for word, value in (("equal", True), ("NOT EQUAL", False), ("not checked", None)):
        names = [name for name, holds in verdict.checks.items() if holds is value]
        if names:
            lines.append(f"  {word + ':':<13}{', '.join(names)}")
    lines.append("  matches its header" if verdict.ok else f"  MISMATCH: {verdict.reason}")
    if verdict.stats is not None:
        lines += stats_as_text(verdict.stats)
    return "\n".join(lines)
