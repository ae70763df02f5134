"""Instructions: the struct logs of ``debug_trace...``, and lines as of EIP-3155."""

from __future__ import annotations

from typing import Final, TypeGuard

from blockstm._native.tracing.traces import TraceForm, instruction_lines
from blockstm.errors import ConfigError
from blockstm.ethereum.tracing.written import WrittenTracer
from blockstm.messages import brief
from blockstm.values import is_int
from blockstm.vm.evm import recording
from blockstm.vm.forks import Fork

__all__ = ["JsonLogger", "StructLogger", "is_limit"]

_LIMIT_END: Final = 1 << 64


def is_limit(value: object) -> TypeGuard[int]:
    """Whether a trace may be bounded by it."""
    return is_int(value) and 0 <= value < _LIMIT_END


class StructLogger(WrittenTracer):
    """The instructions of a transaction as ``debug_traceTransaction`` gives them by default.

    Args:
        enable_memory, enable_return_data: whether these are shown.
        disable_stack, disable_storage: whether these are left out.
        limit: how many instructions are shown; 0: all.

    Raises:
        ConfigError: the limit is no number of them.
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
        if not is_limit(limit):
            raise ConfigError(f"a limit of instructions is an int from 0, not {brief(limit)}")
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
