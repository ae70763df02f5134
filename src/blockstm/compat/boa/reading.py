"""Computations from what the EVM has recorded of a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final

from boa.util.abi import Address

from blockstm.compat.boa.computations import Computation, Message, error_named
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.vm.evm import recording
from blockstm.vm.evm.execution import FAILURES

__all__ = ["MASK", "Reader"]

MASK: Final = (
    recording.CALLS | recording.STEPS | recording.MEMORY | recording.LOGS | recording.SELFDESTRUCTS
)
"""What a call has to record."""

_FIRST_CREATION: Final = 4
_REVERTED: Final = FAILURES.index("reverted")
_KECCAK256, _SSTORE = 0x20, 0x55
_HASHED: Final = 64  # bytes: a mapping's key and place


class Reader:
    """Reads events, oldest first, and makes a computation of each frame.

    Args:
        env: the `boa.Env`, whose traces of storage and hashes are filled, too.
        meter_class: titanoboa's class for gas meters.
        code_of: the code at an address before the call.
        told: number of an opcode → what is told of it, as titanoboa's patched opcodes are: a
            computation, whose stack is that before the instruction.
        shown_with: a contract as text where these slots, (address, key), had these values.
    """

    def __init__(
        self,
        env: Any,
        meter_class: type,
        code_of: Callable[[bytes], bytes],
        told: Mapping[int, Callable[[Any], Any]],
        shown_with: Callable[[Any, Mapping[tuple[bytes, int], int]], str],
    ) -> None:
        self._env = env
        self._told = dict(told)
        self._shown_with = shown_with
        self._writes: list[tuple[tuple[bytes, int], int]] = []  # those that hold, oldest first
        self._writes_before: list[int] = []  # of each frame: how many held when it began
        self._meter_class = meter_class
        self._code_of = code_of
        self._open: list[Computation] = []
        self._steps: list[recording.StepBegan | None] = []
        self._refunds: list[int] = []
        self._slots: list[set[int]] = []
        self._refund = 0
        self._log_count = 0
        self.ended: list[Computation] = []  # innermost first

    def read(self, events: bytes) -> Computation:
        """The computation of the first frame."""
        for event in recording.read_events(events):
            match event:
                case recording.CallBegan():
                    self._begin(event)
                case recording.CallEnded():
                    self._end(event)
                case recording.StepBegan():
                    self._step(event)
                case recording.Refunded(refund):
                    self._refunded(refund)
                case recording.Logged():
                    self._logged(event)
                case recording.SelfDestructed():
                    self._open[-1].beneficiaries.append(event.beneficiary)
        return self.ended[-1]

    def _begin(self, event: recording.CallBegan) -> None:
        creates = event.kind >= _FIRST_CREATION
        message = Message(
            depth=event.depth,
            sender=event.caller,
            to=b"" if creates else event.target,
            storage_address=event.target,
            code_address=b"" if creates else event.code_address,
            value=event.value,
            gas=event.gas,
            data=b"" if creates else event.input,
            code=event.input if creates else self._code_of(event.code_address),
            is_create=creates,
            is_static=event.is_static,
        )
        computation = Computation(self._env, self._meter_class, message)
        if self._open:
            caller = self._open[-1]
            caller.children.append(computation)
            caller._child_pcs.append(caller.code.program_counter)
        self._open.append(computation)
        self._steps.append(None)
        self._refunds.append(self._refund)
        self._slots.append(set())
        self._writes_before.append(len(self._writes))

    def _end(self, event: recording.CallEnded) -> None:
        computation = self._open.pop()
        last = self._steps.pop()
        if last is not None:
            computation._gas_meter.add(last.pc, last.gas - event.gas_left)
            computation.remember(last.memory)
        computation.output = event.output
        computation.gas_left = event.gas_left
        computation.refund = self._refund - self._refunds.pop()
        if any(event.created):
            computation.msg.storage_address = event.created
        if slots := self._slots.pop():
            account = Address(computation.msg.storage_address)
            self._env.sstore_trace.setdefault(account, set()).update(slots)
        first = self._writes_before.pop()
        if not event.succeeded:
            computation.error = error_named(FAILURES[event.failure], event.output)
            contract = self._env._lookup_contract_fast(computation.msg.code_address)
            if event.failure != _REVERTED and last is not None and last.opcode == _SSTORE:
                self._writes = self._writes[:-1]  # it failed at this one
            shown = self._shown_with(contract, dict(self._writes))
            computation._contract_repr_before_revert = shown
            del self._writes[first:]
        self.ended.append(computation)

    def _step(self, event: recording.StepBegan) -> None:
        computation, before = self._open[-1], self._steps[-1]
        if before is not None:
            computation._gas_meter.add(before.pc, before.gas - event.gas)
        computation.code.note(event.pc)
        self._steps[-1] = event
        self._refund = event.refund
        if event.opcode in self._told:
            stack = SimpleNamespace(values=list(event.stack))
            self._told[event.opcode](SimpleNamespace(msg=computation.msg, _stack=stack))
        if event.opcode == _KECCAK256 and len(event.stack) > 1:
            self._hashed(event)
        elif event.opcode == _SSTORE and event.stack:
            self._slots[-1].add(event.stack[-1])
            if len(event.stack) > 1:
                slot = (computation.msg.storage_address, event.stack[-1])
                self._writes.append((slot, event.stack[-2]))

    def _hashed(self, event: recording.StepBegan) -> None:
        """What a mapping's slot is the hash of, as far as memory was written already."""
        offset, size = event.stack[-1], event.stack[-2]
        preimage = event.memory[offset : offset + _HASHED]
        if size == _HASHED and len(preimage) == _HASHED:
            self._env.sha3_trace[keccak(preimage)] = preimage

    def _refunded(self, refund: int) -> None:
        step = self._steps[-1]
        if step is not None:
            self._open[-1]._gas_meter.refund(step.pc, refund - self._refund)
        self._refund = refund

    def _logged(self, event: recording.Logged) -> None:
        topics = [int.from_bytes(topic, "big") for topic in event.topics]
        entry = (self._log_count, event.address, topics, event.data)
        self._open[-1]._log_entries.append(entry)
        self._log_count += 1
