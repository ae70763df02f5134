"""How a block ended: its result, or the error that says where it ended early."""

from __future__ import annotations

from typing import Any

from blockstm.errors import (
    BlockError,
    ClosedError,
    InvalidBlock,
    LimitError,
    StateError,
    TransactionError,
)
from blockstm.messages import brief, said_by
from blockstm.types import BlockResult, Stats

__all__ = ["conclude"]

_ENDINGS: dict[str, tuple[type[BlockError], str]] = {
    "transaction": (TransactionError, "transaction {index} raised {error}"),
    "invalid": (InvalidBlock, "transaction {index} is invalid: {error}"),
    "state": (StateError, "the state could not be read in transaction {index}: {error}"),
    "limit": (LimitError, "the limit raised {error} at transaction {index}"),
}


def conclude(
    final: int, ending: tuple[str, Any], outcomes: Any, writes: Any, stats: dict[str, Any]
) -> BlockResult:
    """The result of a block, or the error it ended with."""
    kind, error = ending
    cut = final if kind == "cut" else None
    result = BlockResult(
        outcomes, writes, outcomes.gas_used, cut, Stats(transactions=final, **stats)
    )
    if kind in ("complete", "cut"):
        return result
    if error is None:
        raise ClosedError(f"the executor was closed while its block was at transaction {final}")
    # Not `isinstance`, which asks the error for its class.
    if kind in ("interrupted", "memory") or not issubclass(type(error), Exception):
        try:
            raise error
        finally:
            del error, ending  # it has this frame: both would wait for the garbage collector
    kind_of_error, message = _ENDINGS[kind]
    said = said_by(error) if kind == "invalid" else brief(error)
    raise kind_of_error(message.format(index=final, error=said), final, result) from error
