"""Inspectors: what transactions do inside the EVM, told to Python.

The native core records what an inspector asks for while transactions run, in parallel and without
the GIL; when a transaction becomes final, its events are read and told in order.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from blockstm._native.evm.prepared import EvmBlock
from blockstm.errors import InputError, Invalid, Revert, TraceTooLarge
from blockstm.messages import brief, kind_of
from blockstm.types import Address
from blockstm.vm.evm.execution import FAILURES, Log

__all__ = [
    "BytesMax",
    "Call",
    "CallEnd",
    "Inspector",
    "Instruction",
    "Observer",
    "Recorder",
    "observer_of",
]


class Instruction(NamedTuple):
    """An instruction that begins.

    Attributes:
        pc: its place in the code.
        opcode: its number.
        gas: left before it.
        depth: of its call: 0 for the transaction's own.
        memory_size: bytes of memory that its call has so far.
        refund: that the transaction has collected so far, in gas; may be negative for a while.
        operands: the words that it works on, from the top of the stack down.
    """

    pc: int
    opcode: int
    gas: int
    depth: int
    memory_size: int
    refund: int
    operands: tuple[int, ...]


class Call(NamedTuple):
    """A call or a creation that begins, be it one that comes to nothing at once.

    Attributes:
        kind: "CALL", "CALLCODE", "DELEGATECALL", "STATICCALL", "CREATE" or "CREATE2".
        depth: of what is called: 0 for the transaction's own.
        is_static: whether it may change nothing.
        caller: as CALLER gives it inside.
        target: whose storage and balance it has; None of a creation, see `CallEnd`.
        code_address: whose code runs, before a delegation (EIP-7702) is followed; None of a
            creation.
        value: in wei; of a DELEGATECALL the one that its caller was called with.
        gas: that it gets, a stipend included.
        input: call data, or the initcode.
    """

    kind: str
    depth: int
    is_static: bool
    caller: Address
    target: Address | None
    code_address: Address | None
    value: int
    gas: int
    input: bytes


class CallEnd(NamedTuple):
    """How a call or a creation ended.

    Attributes:
        kind: as in `Call`.
        depth: as in `Call`.
        succeeded: False where it was reverted or failed.
        error: why, in words; empty if it succeeded.
        gas_left: that goes back to its caller, in gas.
        created: where a creation put its code, if it got as far as an address.
        output: what it returned or reverted with; of a creation that succeeded: nothing.
    """

    kind: str
    depth: int
    succeeded: bool
    error: str
    gas_left: int
    created: Address | None
    output: bytes


class Inspector:
    """A base for inspectors: derive from it, and define what you want to be told.

    What is not defined is not recorded and costs nothing; an object of any class with some of these
    methods will do as well.

    They are called with the GIL, one at a time, in the order in which things happened, for each
    step of the block (`Signed`, `BlockStart`, `BlockEnd`) when it becomes final: in block order,
    by the worker thread that made it final. A run that does not count, because it is repeated or
    its transaction is refused, is not told. An exception ends the block before the step that it is
    about, as a `TransactionError`. An inspector changes nothing of what a block does.
    """

    def transaction(self, index: int) -> None:
        """The step at this place of the block: what follows is about it."""

    def step(self, instruction: Instruction) -> None:
        """An instruction begins."""

    def step_end(self, gas_left: int, error: str) -> None:
        """It has ended, or asked for a call that begins now; ``error`` is empty if it was well."""

    def call(self, call: Call) -> None:
        """A call begins; the first of a transaction is its own."""

    def call_end(self, end: CallEnd) -> None:
        """A call has ended."""

    def create(self, call: Call) -> None:
        """A creation begins."""

    def create_end(self, end: CallEnd) -> None:
        """A creation has ended."""

    def sload(self, address: Address, key: int, value: int) -> None:
        """A slot of an account was read."""

    def sstore(self, address: Address, key: int, value: int) -> None:
        """A slot of an account was written; a call that fails takes it back."""

    def log(self, log: Log) -> None:
        """A log was left; a call that fails takes it back."""

    def selfdestruct(self, address: Address, beneficiary: Address, amount: int) -> None:
        """An account has sent all it has, in wei; whether it goes, too, is the fork's."""


# As in `_native/evm/inspect/recorder.hpp`.
_BITS = {
    "step": 1,
    "step_end": 2,
    "call": 4,
    "create": 4,
    "call_end": 8,
    "create_end": 8,
    "sload": 16,
    "sstore": 32,
    "log": 64,
    "selfdestruct": 128,
}
KINDS = ("CALL", "CALLCODE", "DELEGATECALL", "STATICCALL", "CREATE", "CREATE2")
FIRST_CREATION = 4
_STEP = struct.Struct("<BIqHQqB")
_STEP_END = struct.Struct("<qB")
_CALL = struct.Struct("<BHB20s20s20s32sqI")
_CALL_END = struct.Struct("<BHBBq20sI")
_SLOT = struct.Struct("<20s32s32s")
_LOG = struct.Struct("<20sB")
_SELFDESTRUCT = struct.Struct("<20s20s32s")
_SIZE = struct.Struct("<I")
_WORD = 32
_PART = 64 << 10  # as in `_native/evm/inspect/recording_room.hpp`


class BytesMax(NamedTuple):
    """How much may be recorded, in bytes."""

    of_all: int
    of_each: int


class Recorder:
    """Has the native core keep what it records as it is, to be read later: see `recording`.

    Attributes:
        mask: what is recorded (`_native/evm/inspect/recorder.hpp`).
        only: the places of the steps that are recorded; None: all.
        bytes_max: of all that is recorded, and of each step; None: as much as there is memory for.
            More ends the block as a `TraceTooLarge`.
        block: the native block that has run last, which keeps it; None where none has.
    """

    def __init__(
        self, mask: int, only: Sequence[int] | None = None, bytes_max: BytesMax | None = None
    ) -> None:
        self.mask = mask
        self.only = only
        self.bytes_max = bytes_max
        self.block: EvmBlock | None = None
        self._told: dict[int, bytes] = {}

    def watch(self, block: EvmBlock) -> None:
        """Have a block keep what it records of its run."""
        room = self.bytes_max
        if (
            room is not None
        ):  # beyond it, so that it alone decides: what is held is counted in parts
            room = BytesMax(*(each + _PART for each in room))
        block.keep(self.mask, self.only, room, self.bytes_max)
        self.block = block

    def tell(self, index: int, events: bytes) -> None:
        """Called for each step, in order, by what runs one after another without an engine.

        Raises:
            TraceTooLarge: there is more than ``bytes_max`` now.
        """
        self._told[index] = events
        sizes = (sum(map(len, self._told.values())), len(events))
        for bytes_max, held in zip(self.bytes_max or (), sizes, strict=False):
            if held > bytes_max:
                raise TraceTooLarge(f"more is recorded than a tracer's bytes_max, {bytes_max}")

    @property
    def events(self) -> dict[int, bytes]:
        """Place of a step → what it recorded."""
        if self._told or self.block is None:
            return self._told
        return {index: self.block.kept_recording(index) for index in self.block.kept_steps()}


def observer_of(inspector: Any) -> Observer | Recorder | None:
    """What tells an inspector of events; None where there is none.

    Raises:
        InputError: it has none of an inspector's methods.
    """
    if inspector is None or isinstance(inspector, Recorder):
        return inspector
    names = ("transaction", *_BITS)
    found = {name: _method(inspector, name) for name in names}
    methods = {name: method for name, method in found.items() if method is not None}
    if not methods:
        raise InputError(
            f"an inspector has at least one of the methods {', '.join(names)}; "
            f"{kind_of(inspector)} has none"
        )
    return Observer(methods)


def _method(inspector: Any, name: str) -> Callable[..., Any] | None:
    method = getattr(inspector, name, None)
    is_inherited = getattr(method, "__func__", None) is getattr(Inspector, name)
    return method if callable(method) and not is_inherited else None


class Observer:
    """Reads what the native core has recorded, and tells it to the methods of an inspector."""

    def __init__(self, methods: dict[str, Callable[..., Any]]) -> None:
        self._methods = methods
        self.mask = 0
        for name in methods:
            self.mask |= _BITS.get(name, 0)
        self._readers = {
            1: self._step,
            2: self._step_end,
            4: self._call,
            8: self._call_end,
            16: self._sload,
            32: self._sstore,
            64: self._log,
            128: self._selfdestruct,
        }

    def watch(self, block: EvmBlock) -> None:
        """Have a block's steps told when they become final."""
        block.record(self.mask, self.tell)

    def tell(self, index: int, events: bytes) -> None:
        """Tell what a step of the block did.

        Raises what the inspector raises; of what means something to a block, an InputError.
        """
        try:
            self._say("transaction", index)
            place = 0
            while place < len(events):
                place = self._readers[events[place]](events, place + 1)
        except (Revert, Invalid) as error:
            raise InputError(
                f"an inspector cannot end a transaction: it raised {brief(error)}"
            ) from error

    def _say(self, name: str, *arguments: Any) -> None:
        method = self._methods.get(name)  # a creation may be asked for, and calls not
        if method is not None:
            method(*arguments)

    def _step(self, events: bytes, place: int) -> int:
        opcode, pc, gas, depth, memory_size, refund, count = _STEP.unpack_from(events, place)
        operands_at = place + _STEP.size
        end: int = operands_at + count * _WORD
        operands = tuple(_number(events[at : at + _WORD]) for at in range(operands_at, end, _WORD))
        self._say("step", Instruction(pc, opcode, gas, depth, memory_size, refund, operands))
        return end

    def _step_end(self, events: bytes, place: int) -> int:
        gas_left, failure = _STEP_END.unpack_from(events, place)
        self._say("step_end", gas_left, FAILURES[failure])
        return place + _STEP_END.size

    def _call(self, events: bytes, place: int) -> int:
        kind, depth, is_static, caller, target, code_address, value, gas, size = _CALL.unpack_from(
            events, place
        )
        end: int = place + _CALL.size + size
        creates = kind >= FIRST_CREATION
        call = Call(
            KINDS[kind],
            depth,
            bool(is_static),
            caller,
            None if creates else target,
            None if creates else code_address,
            _number(value),
            gas,
            events[end - size : end],
        )
        self._say("create" if creates else "call", call)
        return end

    def _call_end(self, events: bytes, place: int) -> int:
        kind, depth, succeeded, failure, gas_left, created, size = _CALL_END.unpack_from(
            events, place
        )
        end: int = place + _CALL_END.size + size
        output = events[end - size : end]
        error = FAILURES[failure]
        made = created if any(created) else None
        if kind >= FIRST_CREATION and succeeded:
            output = b""  # it is the account's code, and is read there
        ended = CallEnd(KINDS[kind], depth, bool(succeeded), error, gas_left, made, output)
        self._say("create_end" if kind >= FIRST_CREATION else "call_end", ended)
        return end

    def _sload(self, events: bytes, place: int) -> int:
        address, key, value = _SLOT.unpack_from(events, place)
        self._say("sload", address, _number(key), _number(value))
        return place + _SLOT.size

    def _sstore(self, events: bytes, place: int) -> int:
        address, key, value = _SLOT.unpack_from(events, place)
        self._say("sstore", address, _number(key), _number(value))
        return place + _SLOT.size

    def _log(self, events: bytes, place: int) -> int:
        address, count = _LOG.unpack_from(events, place)
        topics_at = place + _LOG.size
        size_at = topics_at + count * _WORD
        (size,) = _SIZE.unpack_from(events, size_at)
        end: int = size_at + _SIZE.size + size
        topics = tuple(events[at : at + _WORD] for at in range(topics_at, size_at, _WORD))
        self._say("log", Log(address, topics, events[end - size : end]))
        return end

    def _selfdestruct(self, events: bytes, place: int) -> int:
        address, beneficiary, amount = _SELFDESTRUCT.unpack_from(events, place)
        self._say("selfdestruct", address, beneficiary, _number(amount))
        return place + _SELFDESTRUCT.size


def _number(word: bytes) -> int:
    return int.from_bytes(word, "big")
