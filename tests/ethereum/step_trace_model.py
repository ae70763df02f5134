"""Traces of instructions in plain Python: what the native core's are compared with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from tests.ethereum.call_trace_model import REVERTED, call_failure, step_failure

from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.tracing.opcodes import opcode_name
from blockstm.ethereum.tracing.tracer import TracedTransaction, Tracer
from blockstm.types import Address
from blockstm.vm.evm import recording
from blockstm.vm.evm.execution import FAILURES
from blockstm.vm.forks import Fork

__all__ = ["Lines", "StructLogs"]

_CREATIONS: Final = (0xF0, 0xF5)
_PUSH1, _PUSH32 = 0x60, 0x7F
# At these an instruction has not been paid for, and costs what its opcode costs at least.
_UNPAID: Final = frozenset(
    FAILURES.index(each)
    for each in ("out of gas", "stack underflow", "stack overflow", "invalid opcode")
)


@dataclass(frozen=True, slots=True)
class _Instruction:
    """An instruction with its end, the slot that it read or wrote, and refunds so far.

    A creation passes on gas that go-ethereum does not count as its cost.
    """

    step: recording.StepBegan
    end: recording.StepEnded
    slot: recording.SlotRead | recording.SlotWritten | None
    refund: int
    passed_on: int = 0

    @property
    def cost(self) -> int:
        """In gas, as far as it is known of one that failed."""
        if self.end.failure:
            return self.step.base_gas
        return self.step.gas - self.end.gas_left - self.passed_on

    def error(self, fork: Fork) -> str:
        """Why it failed; empty where it did not."""
        failure, step = self.end.failure, self.step
        if not failure or FAILURES[failure] == "reverted":
            return ""
        return step_failure(failure, step.opcode, len(step.stack), step.gas, fork)


class _Reader:
    """Reads instructions from events, one event after the other."""

    def __init__(self) -> None:
        self._step: recording.StepBegan | None = None
        self._slot: recording.SlotRead | recording.SlotWritten | None = None
        self._refund = 0
        self._create: _Instruction | None = None  # until it is known what it passes on
        self._after_push: tuple[int, int] | None = None  # the depth, and where it goes on

    def read(self, event: Any) -> Iterator[Any]:
        """What an event ends: instructions, and calls between them as they are."""
        yield from self._passing_on(event)
        match event:
            case recording.StepBegan():
                self._step, self._slot, self._refund = self._placed(event), None, event.refund
            case recording.Refunded(refund):
                self._refund = refund
            case recording.SlotRead() | recording.SlotWritten():
                self._slot = event
            case recording.StepEnded():
                yield from self._ended(event)
            case recording.CallBegan() | recording.CallEnded():
                self._after_push = None
                yield event
            case recording.Fault() | recording.SelfDestructed():
                yield event

    def _passing_on(self, event: Any) -> Iterator[_Instruction]:
        if self._create is not None:
            passed_on = event.gas if isinstance(event, recording.CallBegan) else 0
            yield replace(self._create, passed_on=passed_on)
            self._create = None

    def _ended(self, event: recording.StepEnded) -> Iterator[_Instruction]:
        step, self._step = self._step, None
        if step is None:  # of an empty code
            return
        self._after_push = None
        if _PUSH1 <= step.opcode <= _PUSH32:
            self._after_push = (step.depth, step.pc + step.opcode - _PUSH1 + 2)
        ended = _Instruction(step, event, self._slot, self._refund)
        if step.opcode in _CREATIONS:
            self._create = ended
        else:
            yield ended

    def _placed(self, step: recording.StepBegan) -> recording.StepBegan:
        """The end of a code that a PUSH goes beyond is behind what it would have pushed."""
        if self._after_push is None or step.opcode != 0 or step.depth != self._after_push[0]:
            return step
        return step._replace(pc=self._after_push[1])


def _instructions(events: bytes) -> Iterator[Any]:
    """Instructions, calls that begin and end between them, and what faults and ends there."""
    reader = _Reader()
    for event in recording.read_events(events):
        yield from reader.read(event)
    yield from reader.read(None)


class StructLogs(Tracer):
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
        self._with_stack = not disable_stack
        self._with_storage = not disable_storage
        self._limit = limit
        self.mask = recording.STEPS | recording.SLOTS | recording.CALLS
        if enable_memory:
            self.mask |= recording.MEMORY
        if enable_return_data:
            self.mask |= recording.RETURN_DATA

    def trace(self, traced: TracedTransaction) -> Any:
        """Gas, whether it failed, what it returned, and the instructions."""
        storage: dict[Address, dict[str, str]] = {}
        logs: list[dict[str, Any]] = []
        for each in _instructions(traced.events):
            if isinstance(each, _Instruction) and not (self._limit and len(logs) >= self._limit):
                logs.append(self._shown(each, storage, traced.fork))
        execution = traced.execution
        returned = execution.output
        if execution.succeeded and traced.transaction.to is None:
            returned = _created_code(traced.events)
        return {
            "gas": execution.gas_used,
            "failed": not execution.succeeded,
            "returnValue": shown(returned),
            "structLogs": logs,
        }

    def _shown(
        self, instruction: _Instruction, storage: dict[Address, dict[str, str]], fork: Fork
    ) -> dict[str, Any]:
        step = instruction.step
        members: dict[str, Any] = {
            "pc": step.pc,
            "op": opcode_name(step.opcode),
            "gas": step.gas,
            "gasCost": instruction.cost,
            "depth": step.depth + 1,
        }
        error = instruction.error(fork)
        if error:
            members["error"] = error
        if self._with_stack:
            members["stack"] = [*map(hex, step.stack)]
        if step.return_data:
            members["returnData"] = shown(step.return_data)
        if step.memory:
            words = range(0, len(step.memory), 32)
            members["memory"] = [shown(step.memory[at : at + 32]) for at in words]
        slot = instruction.slot
        if self._with_storage and slot is not None:
            known = storage.setdefault(slot.address, {})
            known[f"0x{slot.key:064x}"] = f"0x{slot.value:064x}"
            members["storage"] = dict(known)
        if instruction.refund:
            members["refund"] = instruction.refund
        return members


class Lines(Tracer):
    """The instructions of a transaction as lines of JSON, as of EIP-3155 and ``evm t8n --trace``.

    Behind the instructions of each call stands a line with what it returned and used.

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
        self.mask = recording.STEPS | recording.CALLS | recording.FAULTS | recording.SELFDESTRUCTS
        if enable_memory:
            self.mask |= recording.MEMORY
        if enable_return_data:
            self.mask |= recording.RETURN_DATA

    def trace(self, traced: TracedTransaction) -> Any:
        """The lines, each with its end."""
        return "".join(self.lines(traced.events, traced.fork))

    def lines(self, events: bytes, fork: Fork) -> Iterator[str]:
        """The lines of what was recorded of a run with the logger's ``mask``, under a fork."""
        calls: list[recording.CallBegan] = []
        fault: recording.Fault | None = None
        gone = False  # which is a call of its own kind
        for event in _instructions(events):
            match event:
                case _Instruction():
                    yield from self._of_instruction(event, fork)
                    if gone:
                        yield _line({"output": "", "gasUsed": "0x0"})
                        gone = False
                case recording.SelfDestructed():
                    gone = True
                case recording.CallBegan():
                    calls.append(event)
                case recording.Fault():
                    fault = event
                case recording.CallEnded():
                    yield _line(_end_of_call(event, calls.pop(), fault, fork))
                    fault = None

    def _of_instruction(self, instruction: _Instruction, fork: Fork) -> Iterator[str]:
        step = instruction.step
        members: dict[str, Any] = {
            "pc": step.pc,
            "op": step.opcode,
            "gas": hex(step.gas),
            "gasCost": hex(instruction.cost),
        }
        if step.memory:
            members["memory"] = shown(step.memory)
        members["memSize"] = step.memory_size
        members["stack"] = [*map(hex, step.stack)] if self._with_stack else None
        if step.return_data:
            members["returnData"] = shown(step.return_data)
        members |= {
            "depth": step.depth + 1,
            "refund": instruction.refund,
            "opName": opcode_name(step.opcode),
        }
        error = instruction.error(fork)
        if error:
            if not (instruction.end.failure in _UNPAID or error.startswith("out of gas")):
                yield _line(members)  # it began, and then failed
            members.pop("returnData", None)
            members["error"] = error
        yield _line(members)


def _end_of_call(
    event: recording.CallEnded,
    began: recording.CallBegan,
    fault: recording.Fault | None,
    fork: Fork,
) -> dict[str, Any]:
    members: dict[str, Any] = {
        "output": event.output.hex(),
        "gasUsed": hex(began.gas - event.gas_left),
    }
    if not event.succeeded:
        members["error"] = call_failure(event.failure, fault, fork, began)
        if members["error"] != REVERTED:
            members["output"] = ""
    return members


def _created_code(events: bytes) -> bytes:
    """What the transaction's own creation, the last call to end, has left."""
    code = b""
    for event in recording.read_events(events):
        if isinstance(event, recording.CallEnded):
            code = event.output
    return code


def _line(members: dict[str, Any]) -> str:
    return json.dumps(members, separators=(",", ":")) + "\n"
