"""``blockstm run``: execute block files and compare what comes out with their headers."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockstm.cli.blockstats import Stopwatch, stats_as_text, stats_object
from blockstm.errors import BlockError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blockstm.ethereum.execution import ExecutedBlock, PreparedBlock
    from blockstm.ethereum.receipt import Receipt
    from blockstm.executor import Executor
    from blockstm.insight.timeline import Trace

__all__ = ["add_parser", "main"]

MATCH, MISMATCH, UNREADABLE = 0, 1, 2
SPANS = 1 << 20  # that each worker keeps of a block for `--trace`
TIMED = 1  # a timeline of one span is enough to have every task timed


@dataclass(slots=True)
class Verdict:
    """What is said about one block; the keys of ``--json`` are these names."""

    number: int
    fork: str
    transactions: int
    gas_used: int = 0
    workers: int = 0
    seconds: float = 0.0
    incarnations_per_transaction: float = 0.0
    checks: dict[str, bool | None] = field(default_factory=dict)
    ok: bool = False
    transaction: int | None = None  # the first one that differs or cannot be executed
    reason: str = ""  # what is wrong, in words; empty if nothing is
    stats: dict[str, Any] | None = None  # with ``--stats``, of a block that came to its end

    def as_object(self) -> dict[str, Any]:
        """The JSON object; where nothing is wrong there is nothing about what is."""
        left_out = ["transaction", "reason"] if self.ok else []
        if self.stats is None:
            left_out.append("stats")
        return {name: getattr(self, name) for name in self.__slots__ if name not in left_out}


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``run`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "run",
        help="execute Ethereum mainnet blocks and compare them with their headers",
        description="Executes each block and compares gas used, receipts root and logs bloom with "
        "its header. Exit status: 0 all match, 1 one does not, 2 one cannot be read.",
    )
    parser.add_argument(
        "blocks", nargs="+", type=Path, metavar="BLOCK", help=".json, .json.gz or .json.xz"
    )
    parser.add_argument("--vm", choices=["evm", "py-evm"], default="evm", help="default: evm")
    parser.add_argument(
        "--workers", type=_workers, default="auto", metavar="N", help="threads; default: auto"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a block")
    parser.add_argument(
        "--stats", action="store_true", help="also where the time went, and what got in the way"
    )
    parser.add_argument(
        "--trace", type=Path, metavar="FILE", help="write what each worker did when, for Perfetto"
    )
    return parser


def _workers(text: str) -> int | str:
    return text if text == "auto" else int(text)


def main(args: argparse.Namespace) -> int:
    """Run the blocks; the highest exit status of any of them.

    Raises:
        ConfigError: the number of workers is out of range.
        ImportError: an extra is missing.
    """
    from blockstm.config import Config
    from blockstm.executor import Executor
    from blockstm.insight.timeline import Trace

    status = MATCH
    trace = Trace()
    spans = SPANS if args.trace else TIMED if args.stats else 0
    config = Config(workers=args.workers, timeline=spans)
    with Executor(config) as executor:
        for path in args.blocks:
            try:
                verdict = _judge(path, executor, args, trace)
            except (OSError, UsageError) as error:
                print(f"blockstm run: {path}: {_in_words(error)}", file=sys.stderr)
                status = UNREADABLE
                continue
            print(json.dumps(verdict.as_object()) if args.json else _as_text(verdict), flush=True)
            status = max(status, MATCH if verdict.ok else MISMATCH)
    return status if args.trace is None else max(status, _write(trace, args.trace))


def _write(trace: Trace, path: Path) -> int:
    try:
        trace.write(path)
    except OSError as error:
        print(f"blockstm run: {path}: {_in_words(error)}", file=sys.stderr)
        return UNREADABLE
    return MATCH


def _judge(path: Path, executor: Executor, args: argparse.Namespace, trace: Trace) -> Verdict:
    from blockstm.ethereum.checks import check_block, first_misnamed_transaction

    watch = Stopwatch()
    prepared, receipts = _prepare(path, args, watch)
    header, transactions = prepared.block.header, prepared.block.transactions
    verdict = Verdict(header.number, prepared.fork.name, len(transactions))
    verdict.checks = check_block(prepared)
    misnamed = first_misnamed_transaction(prepared)
    watch.lap("roots")
    try:
        run = prepared.run(executor.execute_block)
    except BlockError as error:
        verdict.seconds = watch.lap("run")
        _note_failure(verdict, error)
        stats = None if error.prefix is None else error.prefix.stats
    else:
        verdict.seconds = watch.lap("run")
        _note_run(verdict, prepared, run, receipts)
        watch.lap("roots")
        stats = run.result.stats
        verdict.stats = stats_object(prepared, stats, watch) if args.stats else None
    if stats is not None:
        name = f"block {verdict.number} ({verdict.fork})"
        trace.add(name, stats, prepared.transaction_steps)
    if misnamed is not None:
        verdict.transaction, what = misnamed
        verdict.reason = f"transaction {verdict.transaction} {what}"
    return verdict


def _prepare(
    path: Path, args: argparse.Namespace, watch: Stopwatch
) -> tuple[PreparedBlock, Sequence[Receipt] | None]:
    """The block of a file, ready to run, and the receipts that the file has."""
    from blockstm.ethereum.blockfile import read_block_file
    from blockstm.ethereum.execution import prepare_file
    from blockstm.ethereum.senders import recover_senders

    file = read_block_file(path)
    watch.lap("decode")
    workers = args.workers if isinstance(args.workers, int) else None
    senders = recover_senders(file.block.transactions, "block.transactions", workers)
    watch.lap("senders")
    prepared = prepare_file(file, args.vm, workers=workers, senders=senders)
    watch.lap("prepare")
    return prepared, file.receipts


def _note_failure(verdict: Verdict, error: BlockError) -> None:
    """The block ended early: it is not one that its header can be about."""
    verdict.checks |= dict.fromkeys(("gas_used", "receipts_root", "logs_bloom"), False)
    verdict.transaction, verdict.reason = error.index, str(error)
    if error.prefix is not None:
        verdict.gas_used = error.prefix.gas_used


def _note_run(
    verdict: Verdict,
    prepared: PreparedBlock,
    run: ExecutedBlock,
    receipts: Sequence[Receipt] | None,
) -> None:
    from blockstm.ethereum.checks import check_run

    stats = run.result.stats
    verdict.gas_used = run.gas_used
    verdict.workers = stats.workers
    verdict.incarnations_per_transaction = stats.incarnations_per_transaction
    verdict.checks |= check_run(prepared, run, receipts)
    verdict.ok = False not in verdict.checks.values()
    if not verdict.ok:
        verdict.transaction, verdict.reason = _first_difference(prepared, run, receipts)


def _first_difference(
    prepared: PreparedBlock, run: ExecutedBlock, receipts: Sequence[Receipt] | None
) -> tuple[int | None, str]:
    """Which transaction went another way than it should, as far as that can be known."""
    from blockstm.ethereum import checks
    from blockstm.reference import execute_block

    source = "the receipts in the file"
    if receipts is None:
        source, receipts = "a sequential run", prepared.run(execute_block).receipts
    different = checks.first_different_receipt(prepared, run, receipts)
    if different is not None:
        index, what = different
        return index, f"{_name(prepared, index)} differs from {source}: {what}"
    outside = checks.first_outside_bloom(run.receipts, prepared.block.header.logs_bloom)
    if outside is not None:
        return outside, (
            f"{_name(prepared, outside)} or one before it: it left a log that is not in the "
            f"header's bloom; no transaction differs from {source}"
        )
    return None, (
        f"which transaction is not known, as none differs from {source}: "
        "header, transactions and state in the file do not belong together, or the VM's rules "
        "are not the chain's"
    )


def _name(prepared: PreparedBlock, index: int) -> str:
    return f"transaction {index} (0x{prepared.block.transactions[index].hash.hex()})"


def _in_words(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _as_text(verdict: Verdict) -> str:
    lines = [
        f"block {verdict.number} ({verdict.fork}): {verdict.transactions} transactions, "
        f"{verdict.gas_used:,} gas, {verdict.seconds:.2f} s, workers: {verdict.workers}, "
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
