"""What the native core has recorded of a step, read event by event (`_native/evm/inspect`).

Reading is for tracers, which do it when somebody asks for a trace: recording costs no GIL.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from blockstm.types import Address

__all__ = [
    "CALLS",
    "CAUSES",
    "COUNTS",
    "FAULTS",
    "LOGS",
    "MEMORY",
    "PRE_STATE",
    "RETURN_DATA",
    "SELFDESTRUCTS",
    "SLOTS",
    "STEPS",
    "AccountSeen",
    "CallBegan",
    "CallEnded",
    "Counts",
    "Created",
    "Fault",
    "Gone",
    "Logged",
    "Refunded",
    "SelfDestructed",
    "SlotRead",
    "SlotSeen",
    "SlotWritten",
    "StepBegan",
    "StepEnded",
    "read_events",
]

# What may be recorded: the masks of recorder.hpp.
CALLS: Final = 4 | 8
SLOTS: Final = 16 | 32
LOGS: Final = 64
SELFDESTRUCTS: Final = 128
FAULTS: Final = 256
STEPS: Final = 512 | 2
MEMORY: Final = 1024
RETURN_DATA: Final = 2048
COUNTS: Final = 4096
PRE_STATE: Final = 8192
CAUSES: Final = 16384
"""Whether a step is run again with `FAULTS` where these say more of why a call failed."""


class CallBegan(NamedTuple):
    """A call or creation begins; ``kind`` is a place in `KINDS`, creations have no addresses."""

    kind: int
    depth: int
    is_static: bool
    caller: Address
    target: Address
    code_address: Address
    value: int
    gas: int
    input: bytes


class CallEnded(NamedTuple):
    """It has ended; ``failure`` is a place in `FAILURES`; the output of a creation is the code."""

    kind: int
    depth: int
    succeeded: bool
    failure: int
    gas_left: int
    created: Address
    output: bytes


class StepBegan(NamedTuple):
    """An instruction begins; ``base_gas`` is what its opcode costs at least."""

    opcode: int
    pc: int
    gas: int
    depth: int
    refund: int
    base_gas: int
    memory_size: int
    stack: tuple[int, ...]
    memory: bytes
    return_data: bytes


class StepEnded(NamedTuple):
    """It has ended, or asks for a call."""

    gas_left: int
    failure: int


class Fault(NamedTuple):
    """An instruction at which its frame failed, with so many words on the stack."""

    opcode: int
    height: int
    gas: int
    failure: int


class Refunded(NamedTuple):
    """The refunds that the transaction has collected by the end of an instruction, in gas."""

    refund: int


class SlotRead(NamedTuple):
    """A slot was read."""

    address: Address
    key: int
    value: int


class SlotWritten(NamedTuple):
    """A slot was written."""

    address: Address
    key: int
    value: int


class Logged(NamedTuple):
    """A log was left."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes


class SelfDestructed(NamedTuple):
    """An account has sent all it has, in wei."""

    address: Address
    beneficiary: Address
    amount: int


class AccountSeen(NamedTuple):
    """An account before and after a transaction; the hash of no code is zeros."""

    address: Address
    balance_before: int
    balance_after: int
    nonce_before: int
    nonce_after: int
    code_hash_before: bytes
    code_hash_after: bytes


class SlotSeen(NamedTuple):
    """A slot before and after a transaction."""

    address: Address
    key: int
    before: int
    after: int


class Created(NamedTuple):
    """The address of a creation, whether or not it was taken back."""

    address: Address


class Gone(NamedTuple):
    """An account that has destroyed itself, whether or not that was taken back."""

    address: Address


class Counts(NamedTuple):
    """How often each opcode began."""

    counts: tuple[int, ...]


_STEP_END: Final = struct.Struct("<qB")
_CALL: Final = struct.Struct("<BHB20s20s20s32sqI")
_CALL_END: Final = struct.Struct("<BHBBq20sI")
_SLOT: Final = struct.Struct("<20s32s32s")
_LOG: Final = struct.Struct("<20sB")
_SELFDESTRUCT: Final = struct.Struct("<20s20s32s")
_FAULT: Final = struct.Struct("<BHqB")
_REFUND: Final = struct.Struct("<q")
_STEP: Final = struct.Struct("<BIqHqHQH")
_COUNT: Final = struct.Struct("<256Q")
_ACCOUNT: Final = struct.Struct("<20s32s32sQQ32s32s")
_SLOT_SEEN: Final = struct.Struct("<20s32s32s32s")
_SIZE: Final = struct.Struct("<I")
_WORD: Final = 32


def read_events(events: bytes) -> Iterator[Any]:
    """Each event of a step, in order: one of the classes of this module."""
    place, end = 0, len(events)
    while place < end:
        event, place = _READERS[events[place]](events, place + 1)
        yield event


def _number(word: bytes) -> int:
    return int.from_bytes(word, "big")


def _step_end(events: bytes, place: int) -> tuple[StepEnded, int]:
    return StepEnded(*_STEP_END.unpack_from(events, place)), place + _STEP_END.size


def _call(events: bytes, place: int) -> tuple[CallBegan, int]:
    kind, depth, static, caller, target, code, value, gas, size = _CALL.unpack_from(events, place)
    begin = place + _CALL.size
    end = begin + size
    given = events[begin:end]
    return (
        CallBegan(kind, depth, bool(static), caller, target, code, _number(value), gas, given),
        end,
    )


def _call_end(events: bytes, place: int) -> tuple[CallEnded, int]:
    kind, depth, well, failure, gas_left, created, size = _CALL_END.unpack_from(events, place)
    begin = place + _CALL_END.size
    end = begin + size
    return CallEnded(kind, depth, bool(well), failure, gas_left, created, events[begin:end]), end


def _sload(events: bytes, place: int) -> tuple[SlotRead, int]:
    address, key, value = _SLOT.unpack_from(events, place)
    return SlotRead(address, _number(key), _number(value)), place + _SLOT.size


def _sstore(events: bytes, place: int) -> tuple[SlotWritten, int]:
    address, key, value = _SLOT.unpack_from(events, place)
    return SlotWritten(address, _number(key), _number(value)), place + _SLOT.size


def _log(events: bytes, place: int) -> tuple[Logged, int]:
    address, count = _LOG.unpack_from(events, place)
    topics_at = place + _LOG.size
    size_at = topics_at + count * _WORD
    begin, end = _sized(events, size_at)
    topics = tuple(events[at : at + _WORD] for at in range(topics_at, size_at, _WORD))
    return Logged(address, topics, events[begin:end]), end


def _selfdestruct(events: bytes, place: int) -> tuple[SelfDestructed, int]:
    address, beneficiary, amount = _SELFDESTRUCT.unpack_from(events, place)
    return SelfDestructed(address, beneficiary, _number(amount)), place + _SELFDESTRUCT.size


def _fault(events: bytes, place: int) -> tuple[Fault, int]:
    return Fault(*_FAULT.unpack_from(events, place)), place + _FAULT.size


def _step(events: bytes, place: int) -> tuple[StepBegan, int]:
    opcode, pc, gas, depth, refund, base, size, count = _STEP.unpack_from(events, place)
    at = place + _STEP.size
    end = at + count * _WORD
    stack = tuple(
        int.from_bytes(events[word : word + _WORD], "little") for word in range(at, end, _WORD)
    )
    memory_at, memory_end = _sized(events, end)
    data_at, data_end = _sized(events, memory_end)
    memory, data = events[memory_at:memory_end], events[data_at:data_end]
    return StepBegan(opcode, pc, gas, depth, refund, base, size, stack, memory, data), data_end


def _counts(events: bytes, place: int) -> tuple[Counts, int]:
    return Counts(_COUNT.unpack_from(events, place)), place + _COUNT.size


def _account(events: bytes, place: int) -> tuple[AccountSeen, int]:
    address, before, after, *others = _ACCOUNT.unpack_from(events, place)
    seen = AccountSeen(address, _number(before), _number(after), *others)
    return seen, place + _ACCOUNT.size


def _slot(events: bytes, place: int) -> tuple[SlotSeen, int]:
    address, *words = _SLOT_SEEN.unpack_from(events, place)
    return SlotSeen(address, *map(_number, words)), place + _SLOT_SEEN.size


def _created(events: bytes, place: int) -> tuple[Created, int]:
    return Created(Address(events[place : place + 20])), place + 20


def _gone(events: bytes, place: int) -> tuple[Gone, int]:
    return Gone(Address(events[place : place + 20])), place + 20


def _refunded(events: bytes, place: int) -> tuple[Refunded, int]:
    return Refunded(*_REFUND.unpack_from(events, place)), place + _REFUND.size


def _sized(events: bytes, place: int) -> tuple[int, int]:
    """Where bytes behind their size begin and end."""
    (size,) = _SIZE.unpack_from(events, place)
    begin: int = place + _SIZE.size
    return begin, begin + size


_READERS: Final[dict[int, Any]] = {
    2: _step_end,
    3: _fault,
    4: _call,
    5: _step,
    6: _counts,
    7: _account,
    8: _call_end,
    9: _slot,
    10: _created,
    11: _gone,
    13: _refunded,
    16: _sload,
    32: _sstore,
    64: _log,
    128: _selfdestruct,
}
