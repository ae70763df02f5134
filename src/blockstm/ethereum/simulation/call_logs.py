"""The logs of a simulated call, with the ether that moves among them: an inspector."""

from __future__ import annotations

from typing import Final, NamedTuple

from blockstm.types import Address
from blockstm.vm.evm import Call, CallEnd, Inspector, Log

__all__ = ["TRANSFERS", "CallLogs", "NumberedLog"]

TRANSFERS: Final = Address(b"\xee" * 20)
"""The address of the logs of ether (ERC-7528)."""

# keccak("Transfer(address,address,uint256)")
_TRANSFER: Final = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
_UNKNOWN: Final = bytes(32)


class NumberedLog(NamedTuple):
    """A log, and its number in its block.

    Attributes:
        log: address, topics, data.
        number: from 0; logs that were taken back have numbers, too.
    """

    log: Log
    number: int


class CallLogs(Inspector):
    """Collects the logs of a call.

    Args:
        first_number: of its logs.
        has_transfers: whether ether that moves is among them.

    Attributes:
        logs: those that were not taken back, in order.
        next_number: of the logs of the next call.
    """

    def __init__(self, first_number: int, *, has_transfers: bool) -> None:
        self.logs: list[NumberedLog] = []
        self.next_number = first_number
        self._has_transfers = has_transfers
        self._begun: list[int] = []  # how many logs there were when each call began

    def call(self, call: Call) -> None:
        self._begun.append(len(self.logs))
        if call.value and call.kind != "DELEGATECALL":
            receiver = call.code_address if call.kind == "CALLCODE" else call.target
            self._note(call.caller, receiver, call.value)

    def create(self, call: Call) -> None:
        self._begun.append(len(self.logs))
        if call.value:
            self._note(call.caller, None, call.value)  # who receives it is told at the end

    def call_end(self, end: CallEnd) -> None:
        begun = self._begun.pop()
        if not end.succeeded:
            del self.logs[begun:]

    def create_end(self, end: CallEnd) -> None:
        begun = self._begun[-1]
        self.call_end(end)
        if end.created is None or len(self.logs) <= begun:
            return
        log, number = self.logs[begun]
        if log.address == TRANSFERS and log.topics[2] == _UNKNOWN:
            topics = (*log.topics[:2], _topic(end.created))
            self.logs[begun] = NumberedLog(log._replace(topics=topics), number)

    def log(self, log: Log) -> None:
        self.logs.append(NumberedLog(log, self.next_number))
        self.next_number += 1

    def selfdestruct(self, address: Address, beneficiary: Address, amount: int) -> None:
        if amount:
            self._note(address, beneficiary, amount)

    def _note(self, payer: Address, receiver: Address | None, amount: int) -> None:
        if self._has_transfers:
            received = _UNKNOWN if receiver is None else _topic(receiver)
            topics = (_TRANSFER, _topic(payer), received)
            self.log(Log(TRANSFERS, topics, amount.to_bytes(32, "big")))


def _topic(address: Address) -> bytes:
    return bytes(12) + address
