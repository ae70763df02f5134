"""The verdict of ``blockstm run`` on a block: it is executed by the public functions; more checks
follow where it is invalid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from blockstm.cli.blockstats import stats_object
from blockstm.cli.verdict import Subject, Verdict
from blockstm.errors import BlockError, InvalidBlock
from blockstm.stopwatch import Stopwatch

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from blockstm.ethereum import ExecutedBlock, Receipt
    from blockstm.executor import Executor
    from blockstm.insight.timeline import Trace

__all__ = ["judge"]

OF_THE_RUN = ("gas_used", "receipts_root", "logs_bloom")


def judge(path: Path, executor: Executor, args: argparse.Namespace, trace: Trace) -> Verdict:
    """Execute a block of a file, and compare what comes out with its header.

    Raises:
        OSError, UsageError: it cannot be read, or the VM does not have its fork.
        ImportError: an extra is missing.
    """
    watch = Stopwatch()
    subject = _read(path, args.vm, args.fork)
    watch.end_phase("decode")
    verdict = _executed(subject, executor, args, watch, trace)
    _note_names(verdict, subject)
    return verdict


def _read(path: Path, vm: str, fork_name: str | None) -> Subject:
    # loads what only this command needs
    from blockstm.ethereum import MAINNET, fork_named, read_block_file

    given = None if fork_name is None else fork_named(fork_name)
    file = read_block_file(path)
    header = file.block.header
    fork = given or MAINNET.fork_at(header.number, header.timestamp)
    return Subject(file, fork, file.state(), vm, given)


def _executed(
    subject: Subject, executor: Executor, args: argparse.Namespace, watch: Stopwatch, trace: Trace
) -> Verdict:
    from blockstm.ethereum.execution.checks import (
        block_checks,  # loads what only this command needs
    )

    block = subject.block
    verdict = Verdict(block.header.number, subject.fork.name, len(block.transactions))
    try:
        executed = subject.execute(executor.execute_block)
    except BlockError as error:
        verdict.checks = block_checks(subject)
        _note_failure(verdict, subject, error, trace)
        return verdict
    # After it: they recover the senders, too, whose time is to be among the execution's stages.
    verdict.checks = block_checks(subject) | _note_run(verdict, subject, executed, trace)
    verdict.ok = False not in verdict.checks.values()
    if not verdict.ok:
        verdict.transaction, verdict.reason = _first_difference(subject, executed)
    if args.stats:
        verdict.stats = stats_object(subject, executed, watch)
    return verdict


def _note_run(
    verdict: Verdict, subject: Subject, executed: ExecutedBlock, trace: Trace
) -> dict[str, bool | None]:
    """The result of a block, valid or not, and its checks against the header."""
    from blockstm.ethereum.execution.checks import run_checks  # loads what only this command needs
    from blockstm.vm.forks import AMSTERDAM

    stats = executed.stats
    verdict.gas_used = executed.gas_used
    if subject.fork >= AMSTERDAM:
        verdict.execution_gas, verdict.state_gas = executed.execution_gas, executed.state_gas
    verdict.workers = stats.workers
    verdict.seconds = executed.seconds["run"]
    verdict.incarnations_per_transaction = stats.incarnations_per_transaction
    trace.add(_title(verdict), stats, executed.outcomes.places)
    return run_checks(subject, executed, subject.file.receipts)


def _note_failure(verdict: Verdict, subject: Subject, error: BlockError, trace: Trace) -> None:
    """The block is not one that its header can be about, or ended early."""
    verdict.transaction, verdict.reason = error.index, str(error)
    executed = error.executed if isinstance(error, InvalidBlock) else None
    if executed is not None:
        verdict.checks |= _note_run(verdict, subject, executed, trace)
        if False in verdict.checks.values():
            verdict.transaction, verdict.reason = _first_difference(subject, executed)
        return
    is_run = error.index is not None or not isinstance(error, InvalidBlock)
    verdict.checks |= dict.fromkeys(OF_THE_RUN, False if is_run else None)
    if error.prefix is not None:
        verdict.gas_used = error.prefix.gas_used
        verdict.seconds = error.prefix.stats.seconds
        places = getattr(error.prefix.outcomes, "places", None)
        trace.add(_title(verdict), error.prefix.stats, places)


def _note_names(verdict: Verdict, subject: Subject) -> None:
    """Whether the transactions are those that the file says."""
    # loads what only this command needs
    from blockstm.ethereum.execution.checks import first_misnamed_transaction

    misnamed = first_misnamed_transaction(subject)
    if misnamed is not None:
        verdict.transaction, what = misnamed
        verdict.reason = f"transaction {verdict.transaction} {what}"


def _title(verdict: Verdict) -> str:
    return f"block {verdict.number} ({verdict.fork})"


def _first_difference(subject: Subject, executed: ExecutedBlock) -> tuple[int | None, str]:
    """Which transaction went another way than it should, as far as that can be known."""
    from blockstm.ethereum.execution import checks  # loads what only this command needs

    source = "a sequential run" if subject.file.receipts is None else "the receipts in the file"
    receipts = subject.file.receipts or _in_order(subject)
    different = checks.first_different_receipt(subject, executed, receipts)
    if different is not None:
        index, what = different
        return index, f"{_name(subject, index)} differs from {source}: {what}"
    outside = checks.first_outside_bloom(executed.receipts, subject.block.header.logs_bloom)
    if outside is not None:
        return outside, (
            f"{_name(subject, outside)} or one before it: it left a log that is not in the "
            f"header's bloom; no transaction differs from {source}"
        )
    return None, (
        f"which transaction is not known, as none differs from {source}: "
        "header, transactions and state in the file do not belong together, or the VM's rules "
        "are not the chain's"
    )


def _in_order(subject: Subject) -> Sequence[Receipt]:
    """The receipts of the block run on the reference."""
    # loads what only this command needs
    from blockstm.ethereum.execution.checks import execute_in_order

    try:
        return subject.execute(execute_in_order).receipts
    except InvalidBlock as error:
        if error.executed is None:
            raise
        receipts: Sequence[Receipt] = error.executed.receipts
        return receipts


def _name(subject: Subject, index: int) -> str:
    return f"transaction {index} (0x{subject.block.transactions[index].hash.hex()})"
