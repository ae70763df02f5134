"""The result of a step of the EVM, read from the bytes of its native output."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from blockstm.errors import Invalid
from blockstm.types import Address

__all__ = ["Execution", "InvalidTransaction", "Log", "SystemOutputs", "read_logs", "read_output"]

# As in `_native/evm/run/frame.hpp`.
FAILURES = (
    "",
    "out of gas",
    "stack underflow",
    "stack overflow",
    "invalid jump",
    "invalid opcode",
    "write protection",
    "return data out of bounds",
    "invalid code",
    "code too large",
    "initcode too large",
    "address collision",
    "nonce overflow",
    "insufficient balance",
    "depth exceeded",
    "precompile failure",
    "reverted",
)
SYSTEM_OUTPUTS_TAG = 2
_REQUEST_LISTS = 4
# Succeeded, failure, gas used, gas before refund, state gas, size of the output and of accesses.
_HEADER = struct.Struct("<BBQQQII")
_TELLS_NONCE = 4  # beside whether it succeeded
_NONCE = struct.Struct("<Q")
_SIZE = struct.Struct("<I")
_LOG_HEADER = 21  # an address and a count of topics
_WORD = 32


class Log(NamedTuple):
    """An entry that a contract left in the log: its address, up to 4 topics, data."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes


class Execution:
    """The result of a transaction; the value of its outcome. Immutable, safe from any thread.

    Two are equal if they agree in everything.

    Attributes:
        raw: all of it as the native core wrote it (`_native/evm/execute.hpp`).
        succeeded: False where it failed or was reverted: it paid, it did nothing else.
        gas_used: after refunds, in gas; what the receipt adds up.
        gas_before_refund: in gas; what counts for the block from Amsterdam on (EIP-7778): execution
            gas alone, and at least the floor.
        state_gas: what it paid for the growth of the state, in gas, which is not in
            ``gas_before_refund`` and counts for the block apart (EIP-8037); 0 before Amsterdam.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.gas_used: int
        self.gas_before_refund: int
        self.state_gas: int
        flags, self._failure, *gas, output_size, accesses_size = _HEADER.unpack_from(raw)
        self.succeeded = bool(flags & 1)
        self._end = len(raw) - (_NONCE.size if flags & _TELLS_NONCE else 0)
        self.gas_used, self.gas_before_refund, self.state_gas = gas
        self._output_end = _HEADER.size + output_size
        self._accesses_end = self._output_end + accesses_size

    @property
    def error(self) -> str:
        """Why it did not succeed, in words; empty if it did."""
        return "" if self.succeeded else FAILURES[self._failure]

    @property
    def output(self) -> bytes:
        """The return data of the call or revert; empty for a creation that succeeded."""
        return self.raw[_HEADER.size : self._output_end]

    @property
    def accesses(self) -> bytes:
        """Its part of the block's access list, flat (`_native/evm/transaction/accesses.hpp`)."""
        return self.raw[self._output_end : self._accesses_end]

    @property
    def raw_logs(self) -> bytes:
        """The logs as flat bytes (`_native/wire/logs.hpp`)."""
        return self.raw[self._accesses_end : self._end]

    @property
    def nonce(self) -> int | None:
        """Of the sender before a prepaid transaction; None of any other, which says it itself."""
        return _NONCE.unpack_from(self.raw, self._end)[0] if self._end < len(self.raw) else None

    @property
    def log_count(self) -> int:
        """How many logs there are."""
        (count,) = _SIZE.unpack_from(self.raw, self._accesses_end)
        return int(count)

    @cached_property
    def logs(self) -> tuple[Log, ...]:
        """In order; empty unless it succeeded."""
        return read_logs(self.raw_logs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Execution) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __reduce__(self) -> tuple[Any, ...]:
        return Execution, (self.raw,)

    def __repr__(self) -> str:
        ending = "succeeded" if self.succeeded else f"failed: {self.error}"
        return f"<Execution {ending}, {self.gas_used} gas, {len(self.logs)} logs>"


@dataclass(frozen=True, slots=True)
class SystemOutputs:
    """The return data of the system calls around a block; empty before Prague.

    Attributes:
        withdrawal_requests: of EIP-7002, one after another.
        consolidation_requests: of EIP-7251, one after another.
        builder_deposit_requests, builder_exit_requests: of EIP-8282, from Amsterdam on.
        accesses: their part of the block's access list as flat bytes.
    """

    withdrawal_requests: bytes = b""
    consolidation_requests: bytes = b""
    accesses: bytes = b""
    builder_deposit_requests: bytes = b""
    builder_exit_requests: bytes = b""


# Of what the transactions of a block share.
_SHORTAGES = {
    "gas_above_block": "it asks for {have} gas where the block has {want} left",
    "blob_gas_above_block": "it asks for {have} blobs where the block has {want} left",
}


class InvalidTransaction(Invalid):
    """A transaction that its block may not hold, or a block whose system calls failed.

    Attributes:
        reason: which rule it breaks: one of `blockstm.ethereum.rules.reasons.Reason`.
        have: what it has, where the rule compares numbers.
        want: what the rule asks for.
    """

    def __init__(self, reason: str, have: int = 0, want: int = 0) -> None:
        words = _SHORTAGES.get(reason, "it has {have}, the rule says {want}")
        numbers = ": " + words.format(have=have, want=want) if have or want else ""
        super().__init__(reason.replace("_", " ") + numbers)
        self.reason = reason
        self.have = have
        self.want = want

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.have, self.want)


def read_output(raw: bytes) -> Execution | SystemOutputs | None:
    """The value of an outcome, from the output of its step."""
    if not raw:
        return None
    if raw[0] == SYSTEM_OUTPUTS_TAG:
        return _system_outputs(raw)
    return Execution(raw)


def _system_outputs(raw: bytes) -> SystemOutputs:
    lists, end = [], 2
    for _ in range(raw[1]):
        requests, end = _sized(raw, end)
        lists.append(requests)
    lists += [b""] * (_REQUEST_LISTS - len(lists))
    withdrawals, consolidations, *of_builders = lists
    return SystemOutputs(withdrawals, consolidations, raw[end:], *of_builders)


def _sized(raw: bytes, place: int) -> tuple[bytes, int]:
    """Bytes behind their size, and where they end."""
    (size,) = _SIZE.unpack_from(raw, place)
    begin = place + _SIZE.size
    return raw[begin : begin + size], begin + size


def read_logs(raw: bytes) -> tuple[Log, ...]:
    """Logs from their flat bytes."""
    (count,) = _SIZE.unpack_from(raw)
    place = _SIZE.size
    logs = []
    for _ in range(count):
        address = Address(raw[place : place + 20])
        topics_at = place + _LOG_HEADER
        size_at = topics_at + raw[place + 20] * _WORD
        (size,) = _SIZE.unpack_from(raw, size_at)
        place = size_at + _SIZE.size + size
        topics = tuple(raw[at : at + _WORD] for at in range(topics_at, size_at, _WORD))
        logs.append(Log(address, topics, raw[place - size : place]))
    return tuple(logs)
