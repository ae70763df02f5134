"""``callTracer``: the calls of a transaction, each with those within it."""

from __future__ import annotations

from typing import Final

from blockstm._native.tracing.traces import TraceForm
from blockstm.ethereum.tracing.written import WrittenTracer
from blockstm.vm.evm import recording

__all__ = ["CallTracer"]

_ALL: Final = TraceForm("nested")
_TOP: Final = TraceForm("nested", only_top=True)


class CallTracer(WrittenTracer):
    """The calls of a transaction as an object, those within a call under ``calls``.

    Args:
        with_log: whether logs are shown, of calls that did not fail.
        only_top_call: whether the calls within the transaction's own are left out.
    """

    def __init__(self, *, with_log: bool = False, only_top_call: bool = False) -> None:
        self.form = _TOP if only_top_call else _ALL
        self.mask = recording.CALLS | recording.SELFDESTRUCTS | recording.CAUSES
        if with_log:
            self.mask |= recording.LOGS
