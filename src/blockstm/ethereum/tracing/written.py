"""Tracers whose traces the native core writes, as JSON: those of calls."""

from __future__ import annotations

from typing import Any, ClassVar

from blockstm._native.tracing.traces import CallForm
from blockstm.ethereum.tracing.nested_json import parsed
from blockstm.ethereum.tracing.tracer import TracedTransaction, Tracer

__all__ = ["WrittenTracer"]


class WrittenTracer(Tracer):
    """A tracer of calls; its traces are written without the GIL.

    Attributes:
        form: what the core writes.
        shows_hashes: whether that has the transactions' hashes in it.
    """

    form: CallForm
    words_failures: ClassVar[bool] = True
    shows_hashes: ClassVar[bool] = False

    def trace(self, traced: TracedTransaction) -> Any:
        """The trace of a transaction, parsed."""
        return parsed(self.json(traced))

    def json(self, traced: TracedTransaction) -> bytes:
        """It as it was written."""
        transaction, header = traced.transaction, traced.header
        return self.form.json(
            traced.fork.rules,
            traced.events,
            (
                transaction.gas,
                traced.execution.gas_used,
                traced.first_log,
                traced.sender,
                transaction.to,
                transaction.value,
                transaction.data,
            ),
            (
                header.hash,
                header.number,
                transaction.hash if self.shows_hashes else bytes(32),
                traced.index,
            ),
            b"".join(sorted(traced.precompiles)),
        )
