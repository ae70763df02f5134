"""Calls as titanoboa looks at them: frames with a message, a trace, children and an error.

The names are those of py-evm's computations, as far as titanoboa asks for them.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from boa.contracts.call_trace import TraceFrame
from eth import exceptions
from eth.vm.memory import Memory

__all__ = ["Code", "Computation", "Message", "error_named"]

_ERRORS: Final = {
    "out of gas": exceptions.OutOfGas,
    "stack underflow": exceptions.InsufficientStack,
    "stack overflow": exceptions.FullStack,
    "invalid jump": exceptions.InvalidJumpDestination,
    "invalid opcode": exceptions.InvalidInstruction,
    "write protection": exceptions.WriteProtection,
    "return data out of bounds": exceptions.OutOfBoundsRead,
    "insufficient balance": exceptions.InsufficientFunds,
    "depth exceeded": exceptions.StackDepthLimit,
    "address collision": exceptions.ContractCreationCollision,
}
LogEntry = tuple[int, bytes, list[int], bytes]


def error_named(failure: str, output: bytes) -> Exception:
    """What py-evm raises where a frame ends so."""
    if failure == "reverted":
        reverted: Exception = exceptions.Revert(output)
        return reverted
    error: Exception = _ERRORS.get(failure, exceptions.VMError)(failure)
    return error


class Message:
    """What a frame was called with."""

    def __init__(
        self,
        *,
        depth: int,
        sender: bytes,
        to: bytes,
        storage_address: bytes,
        code_address: bytes,
        value: int,
        gas: int,
        data: bytes,
        code: bytes,
        is_create: bool,
        is_static: bool,
    ) -> None:
        self.depth = depth
        self.sender = sender
        self.to = to
        self.storage_address = storage_address
        self.code_address = code_address
        self.value = value
        self.gas = gas
        self.data = data
        self.code = code
        self.is_create = is_create
        self.is_static = is_static
        self._contract: Any = None

    @property
    def data_as_bytes(self) -> bytes:
        """Its call data."""
        return self.data


class Code:
    """The instructions that a frame has run, by their places, oldest first."""

    def __init__(self) -> None:
        self._trace: list[int] = []
        self.program_counter = 0  # behind the instruction that was run last

    def note(self, pc: int) -> None:
        """An instruction begins."""
        self._trace.append(pc)
        self.program_counter = pc + 1


class Meter:
    """The gas of a frame by the places of its instructions."""

    def __init__(self) -> None:
        self._gas_used_of: dict[int, int] = {}
        self._gas_refunded_of: dict[int, int] = {}

    def add(self, pc: int, gas: int) -> None:
        """An instruction has cost so much, calls by it included."""
        self._gas_used_of[pc] = self._gas_used_of.get(pc, 0) + gas

    def refund(self, pc: int, gas: int) -> None:
        """It has given back so much."""
        self._gas_refunded_of[pc] = self._gas_refunded_of.get(pc, 0) + gas


class Computation:
    """A frame that has ended.

    Attributes:
        env: the `boa.Env`.
        msg: what it was called with.
        code: the instructions that it has run.
        output: what it returned or reverted with; of a creation, the code.
        error: why it failed; None where it did not.
        children: the frames that it called, in order.
        beneficiaries: of the accounts that have destroyed themselves.
    """

    def __init__(self, env: Any, meter_class: type, msg: Message) -> None:
        self.env = env
        self.msg = msg
        self.code = Code()
        self.output = b""
        self.error: Exception | None = None
        self.children: list[Computation] = []
        self.beneficiaries: list[bytes] = []
        self.gas_left = 0
        self.refund = 0
        self._gas_meter_class = meter_class
        self._gas_meter = Meter()
        self._child_pcs: list[int] = []
        self._memory = Memory()
        self._log_entries: list[LogEntry] = []
        self._contract_repr_before_revert: str | None = None

    @property
    def is_error(self) -> bool:
        """Whether it failed."""
        return self.error is not None

    @property
    def is_success(self) -> bool:
        """Whether it did not."""
        return self.error is None

    def raise_if_error(self) -> None:
        """Raise what it failed with."""
        if self.error is not None:
            raise self.error

    def get_gas_used(self) -> int:
        """In gas, its calls included, without what a transaction costs before its code."""
        return self.msg.gas - self.gas_left

    def get_gas_remaining(self) -> int:
        """In gas."""
        return self.gas_left

    def get_gas_refund(self) -> int:
        """In gas; none where it failed."""
        return 0 if self.is_error else self.refund

    @property
    def net_gas_used(self) -> int:
        """Gas less refunds."""
        return max(0, self.get_gas_used() - self.get_gas_refund())

    def get_raw_log_entries(self) -> tuple[LogEntry, ...]:
        """Number, address, topics and data of each log that stays, in order."""
        if self.is_error:
            return ()
        of_children = [each for child in self.children for each in child.get_raw_log_entries()]
        return tuple(sorted([*self._log_entries, *of_children]))

    @cached_property
    def call_trace(self) -> TraceFrame:
        """The tree of its calls."""
        return self._get_call_trace()

    def _get_call_trace(self, depth: int = 0) -> TraceFrame:
        contract = self.env._lookup_contract_fast(self.msg.code_address)
        source = None if contract is None else contract.trace_source(self)
        children = [child._get_call_trace(depth + 1) for child in self.children]
        return TraceFrame(self, source, depth, children)

    def remember(self, memory: bytes) -> None:
        """Its memory as it was last seen."""
        self._memory = Memory()
        self._memory.extend(0, len(memory))
        self._memory.write(0, len(memory), memory)
