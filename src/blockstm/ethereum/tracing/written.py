"""Tracers whose traces the native core writes, as JSON."""

from __future__ import annotations

from typing import Any, ClassVar

from blockstm._native.tracing.traces import TraceForm
from blockstm.ethereum.tracing.nested_json import parsed
from blockstm.ethereum.tracing.tracer import TracedTransaction, Tracer

__all__ = ["WrittenTracer"]


class WrittenTracer(Tracer):
    """A tracer whose traces are written without the GIL.

    Attributes:
        form: what the core writes.
        shows_hashes: whether that has the transactions' hashes in it.
    """

    form: TraceForm
    shows_hashes: ClassVar[bool] = False

    @property
    def is_as_written(self) -> bool:
        """Whether no class that derives from one of these makes something else of what it gets."""
        own = type(self)
        return own.trace is WrittenTracer.trace and own.json is WrittenTracer.json

    def trace(self, traced: TracedTransaction) -> Any:
        """The trace of a transaction, parsed."""
        return parsed(self.json(traced))

    def json(self, traced: TracedTransaction) -> bytes:
        """It as it was written."""
        transaction, header, execution = traced.transaction, traced.header, traced.execution
        return self.form.json(
            traced.fork.rules,
            traced.events,
            (
                transaction.gas,
                traced.sender,
                transaction.to,
                transaction.value,
                transaction.data,
            ),
            (execution.succeeded, execution.gas_used, traced.first_log, execution.output),
            (
                header.hash,
                header.number,
                transaction.hash if self.shows_hashes else bytes(32),
                traced.index,
            ),
            b"".join(sorted(traced.precompiles)),
            traced.code_with,
            self.json_bytes_max,
        )
