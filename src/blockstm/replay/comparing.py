"""One block executed and compared with its header: whatever becomes of it is a record."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

from blockstm.errors import (
    BlockError,
    DecodeError,
    InvalidBlock,
    MissingCode,
    MissingHeader,
    MissingNode,
)
from blockstm.ethereum import Block, ExecutedBlock, Header, Receipt
from blockstm.ethereum.rules.requests import requests_hash
from blockstm.messages import kind_of, said_by
from blockstm.replay.records import BlockRecord, Verdict

__all__ = ["Execute", "beginning", "compared", "shown", "unreadable"]

Execute = Callable[[], ExecutedBlock]
"""Executes a block, and raises what `blockstm.execute_block` does."""

_MISSING = (MissingNode, MissingCode, MissingHeader)


def shown(data: bytes | None) -> str:
    """Bytes in hex; "" for none."""
    return "" if data is None else "0x" + data.hex()


def beginning(place: int, block: Block, *, name: str = "", nodes: int = 0) -> BlockRecord:
    """The record of a block before it is executed."""
    return BlockRecord(
        place=place,
        name=name,
        number=int(block.header.number),
        hash=shown(block.header.hash),
        transactions=len(block.transactions),
        nodes=nodes,
        worker=f"{socket.gethostname()}:{os.getpid()}",
    )


def compared(
    record: BlockRecord,
    block: Block,
    execute: Execute,
    receipts: Callable[[], Sequence[Receipt] | None],
    check: Callable[[ExecutedBlock], None] | None = None,
) -> tuple[BlockRecord, ExecutedBlock | None]:
    """The record of a block, and what it did if it came to its end.

    Args:
        record: what is known of it before.
        block: the block.
        execute: what executes it.
        receipts: what others found its transactions to do, None where nobody tells; asked only
            where they matter.
        check: compares with what else is said of the block, and raises `DecodeError` where that is
            different.
    """
    begin = perf_counter()
    executed: ExecutedBlock | None = None
    try:
        executed = execute()
        record = _with_results(record, block.header, executed)
        if check is not None:
            record = _checked(record, executed, check)
    except InvalidBlock as error:
        executed = error.executed
        record = _refused(record, block.header, error, executed, receipts)
    except (BlockError, DecodeError, *_MISSING) as error:
        record = _not_executed(record, error)
    except Exception as error:  # one block does not stop the others, whatever is wrong with it
        said = f"{kind_of(error)}: {said_by(error)}"
        record = replace(record, verdict=Verdict.FAILED, reason=said)
    return replace(record, seconds=perf_counter() - begin), executed


def _checked(
    record: BlockRecord, executed: ExecutedBlock, check: Callable[[ExecutedBlock], None]
) -> BlockRecord:
    try:
        check(executed)
    except DecodeError as error:
        return replace(record, verdict=Verdict.DIFFERENT, field=error.place, reason=said_by(error))
    return record


def unreadable(place: int, name: str, error: Exception, number: int | None = None) -> BlockRecord:
    """The record of a block that is not there, or is none."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else said_by(error)
    return BlockRecord(
        place=place, name=name, number=number, verdict=Verdict.UNREADABLE, reason=words
    )


def _with_results(record: BlockRecord, header: Header, executed: ExecutedBlock) -> BlockRecord:
    seconds = executed.seconds
    return replace(
        record,
        # What is not equal in a block that is valid was not compared: see `check_results`.
        compared=tuple(
            name for name, said, got in _values(header, executed) if said == got is not None
        ),
        gas_used=executed.gas_used,
        state_root=shown(executed.state_root),
        receipts_root=shown(executed.receipts_root),
        sender_seconds=seconds.get("senders", 0.0),
        run_seconds=seconds.get("run", 0.0),
        root_seconds=seconds.get("roots", 0.0),
    )


def _values(header: Header, executed: ExecutedBlock) -> list[tuple[str, Any, Any]]:
    """What is compared, as the header has it and as the block gave it; None: it gave none."""
    requests = None if executed.requests is None else requests_hash(executed.requests)
    listed = None if executed.access_list is None else executed.access_list.hash
    return [
        ("gas_used", header.gas_used, executed.gas_used),
        ("receipts_root", header.receipts_root, executed.receipts_root),
        ("logs_bloom", header.logs_bloom, executed.logs_bloom),
        ("requests_hash", header.requests_hash, requests),
        ("access_list_hash", header.block_access_list_hash, listed),
        ("state_root", header.state_root, executed.state_root),
    ]


def _refused(
    record: BlockRecord,
    header: Header,
    error: InvalidBlock,
    executed: ExecutedBlock | None,
    receipts: Callable[[], Sequence[Receipt] | None],
) -> BlockRecord:
    """The record of a block that is not valid: a result is different, or a rule is broken."""
    record = replace(record, reason=said_by(error), field=str(error.reason or "execution"))
    if executed is None:
        return replace(record, verdict=Verdict.INVALID, transaction=error.index)
    record = _with_results(record, header, executed)
    values = {name: (expected, got) for name, expected, got in _values(header, executed)}
    expected, got = values.get(record.field, ("", ""))
    return replace(
        record,
        verdict=Verdict.DIFFERENT,
        compared=(*record.compared, record.field),
        expected=_text(expected),
        got=_text(got),
        transaction=_first_different(executed.receipts, receipts()),
    )


def _text(value: Any) -> str:
    return shown(value) if isinstance(value, bytes) else "" if value is None else str(value)


def _first_different(ours: Sequence[Receipt], theirs: Sequence[Receipt] | None) -> int | None:
    """The first transaction whose receipt is another one; None where that is not known."""
    pairs = zip(ours, theirs or (), strict=False)
    return next((index for index, (one, other) in enumerate(pairs) if one != other), None)


def _not_executed(record: BlockRecord, error: Exception) -> BlockRecord:
    cause = error.__cause__ if isinstance(error, BlockError) else error
    if isinstance(cause, _MISSING):
        return replace(record, verdict=Verdict.INCOMPLETE, reason=said_by(cause))
    verdict = Verdict.UNREADABLE if isinstance(cause, DecodeError) else Verdict.FAILED
    return replace(record, verdict=verdict, reason=said_by(error))
