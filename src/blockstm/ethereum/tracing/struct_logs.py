"""Instructions: the struct logs of ``debug_trace...``, and lines as of EIP-3155."""

from __future__ import annotations

from blockstm._native.tracing.traces import TraceForm, instruction_lines
from blockstm.ethereum.tracing.written import WrittenTracer
from blockstm.vm.evm import recording
from blockstm.vm.forks import Fork

__all__ = ["JsonLogger", "StructLogger"]


class StructLogger(WrittenTracer):
    """The instructions of a transaction as ``debug_traceTransaction`` gives them by default.

    Args:
        enable_memory, enable_return_data: whether these are shown.
        disable_stack, disable_storage: whether these are left out.
        limit: how many instructions are shown; 0: all.
    """

    def __init__(
        self,
        *,
        enable_memory: bool = False,
        disable_stack: bool = False,
        disable_storage: bool = False,
        enable_return_data: bool = False,
        limit: int = 0,
    ) -> None:
        self.form = TraceForm(
            "struct logs",
            has_stack=not disable_stack,
            has_storage=not disable_storage,
            limit=limit,
        )
        self.mask = recording.STEPS | recording.SLOTS | recording.CALLS
        if enable_memory:
            self.mask |= recording.MEMORY
        if enable_return_data:
            self.mask |= recording.RETURN_DATA


class JsonLogger(WrittenTracer):
    """The instructions of a transaction as lines of JSON, as of EIP-3155 and ``evm t8n --trace``.

    Behind the instructions of each call stands a line with what it returned and used. A trace is
    the lines as one text.

    Args:
        enable_memory, enable_return_data: whether these are shown.
        disable_stack: whether the stack is left out.
    """

    def __init__(
        self,
        *,
        enable_memory: bool = False,
        disable_stack: bool = False,
        enable_return_data: bool = False,
    ) -> None:
        self._with_stack = not disable_stack
        self.form = TraceForm("lines", has_stack=self._with_stack)
        self.mask = recording.STEPS | recording.CALLS | recording.FAULTS | recording.SELFDESTRUCTS
        if enable_memory:
            self.mask |= recording.MEMORY
        if enable_return_data:
            self.mask |= recording.RETURN_DATA

    def lines(self, events: bytes, fork: Fork) -> str:
        """The lines of what was recorded of a run with the logger's ``mask``, under a fork."""
        return instruction_lines(fork.rules, events, self._with_stack)
