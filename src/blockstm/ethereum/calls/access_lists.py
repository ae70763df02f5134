"""`create_access_list`: the list with which a transaction should run (EIP-2930)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any, Final, Unpack

from blockstm.ethereum.blocks.transaction import AccessList
from blockstm.ethereum.calls.authorities import authorities_of
from blockstm.ethereum.calls.calling import CallOptions, Calls, calls_of
from blockstm.ethereum.calls.message import Message, checked
from blockstm.ethereum.calls.results import CallResult
from blockstm.types import Address
from blockstm.vm.evm import Call, CallEnd, Inspector, Instruction

__all__ = ["CreatedAccessList", "create_access_list"]

_SLOT_READERS: Final = {0x54, 0x55}  # SLOAD, SSTORE
_ACCOUNT_READERS: Final = {0x31, 0x3B, 0x3C, 0x3F, 0xFF}  # BALANCE, EXTCODE*, SELFDESTRUCT
_CALLS: Final = {0xF1, 0xF2, 0xF4, 0xFA}
_CALL_OPERANDS_MIN: Final = 5
_ADDRESS_MASK: Final = (1 << 160) - 1
_NONCE_MAX: Final = 2**64 - 1

Touched = dict[Address, set[int]]
"""Address → slots."""


@dataclass(frozen=True, slots=True)
class CreatedAccessList:
    """The list for a message, and what the message came to with it.

    Attributes:
        access_list: address → slots, both sorted.
        result: of the run with the list; ``result.gas_used`` is in gas.
    """

    access_list: AccessList
    result: CallResult


def create_access_list(
    state: Any, message: Message, **options: Unpack[CallOptions]
) -> CreatedAccessList:
    """The access list of a message: that of go-ethereum's ``eth_createAccessList``.

    The message is run, with what it touched in its list run again, and so on until it touches
    nothing more than what its list has. Addresses that are warm in any case are in it only where
    slots of theirs are: sender, receiver, precompiles and authorities.

    Args:
        state, message, options: see `call`; the message's own list is where the search starts.

    Returns:
        The list, and what the message came to with it: of one that fails, too.

    Raises:
        InputError, ConfigError, StateError, TransactionError: see `call`.

    Deterministic, and thread-safe where the state is.
    """
    calls = calls_of(state, **options)
    message = checked(message)
    warm = _warm(calls, message)
    touched: Touched = {address: set(slots) for address, slots in message.access_list if slots}
    touched |= {
        address: set()
        for address, slots in message.access_list
        if not slots and address not in warm
    }
    while True:
        watcher = _Watcher(calls, warm, touched)
        listed = tuple((address, tuple(sorted(touched[address]))) for address in sorted(touched))
        result = calls.run([replace(message, access_list=listed)], inspector=watcher)[0]
        if watcher.touched == touched:
            return CreatedAccessList(listed, result)
        touched = dict(watcher.touched)


def _warm(calls: Calls, message: Message) -> frozenset[Address]:
    """What is warm without a list, beside the precompiles."""
    to = calls.created_by(message.sender) if message.to is None else message.to
    authorizations = message.authorizations or ()
    [authorities] = authorities_of([message])
    chains = (0, calls.around.context.chain_id)
    valid = {
        authority
        for each, authority in zip(authorizations, authorities, strict=True)
        if authority is not None and each.chain_id in chains and each.nonce != _NONCE_MAX
    }
    return frozenset({message.sender, to, *valid})


@dataclass(slots=True)
class _Frame:
    """A call and the slots that it works on; a creation's address is known at its end."""

    address: Address | None
    slots: set[int] = field(default_factory=set)


class _Watcher(Inspector):
    """Notes what a run asks for, whatever comes of it."""

    def __init__(self, calls: Calls, warm: frozenset[Address], listed: Touched) -> None:
        self.touched: defaultdict[Address, set[int]] = defaultdict(set)
        self.touched.update({address: set(slots) for address, slots in listed.items()})
        self._calls = calls
        self._warm = warm
        self._frames: list[_Frame] = []

    def step(self, instruction: Instruction) -> None:
        operands, opcode = instruction.operands, instruction.opcode
        if opcode in _SLOT_READERS and operands:
            self._frames[-1].slots.add(operands[0])
        elif opcode in _ACCOUNT_READERS and operands:
            self._touch(operands[0])
        elif opcode in _CALLS and len(operands) >= _CALL_OPERANDS_MIN:
            self._touch(operands[1])

    def call(self, call: Call) -> None:
        self._frames.append(_Frame(call.target))

    def create(self, call: Call) -> None:
        self._frames.append(_Frame(None))

    def call_end(self, end: CallEnd) -> None:
        self._leave(end)

    def create_end(self, end: CallEnd) -> None:
        self._leave(end)

    def _leave(self, end: CallEnd) -> None:
        frame = self._frames.pop()
        address = end.created if frame.address is None else frame.address
        if address is not None and frame.slots:
            self.touched[address] |= frame.slots

    def _touch(self, word: int) -> None:
        address = Address((word & _ADDRESS_MASK).to_bytes(20, "big"))
        if address not in self._warm and not self._calls.is_warm(address):
            self.touched.setdefault(address, set())
