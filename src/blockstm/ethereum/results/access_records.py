"""What a step reports of its accesses: records in flat bytes, as the native EVM leaves them."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from blockstm.types import Address

__all__ = [
    "READ_BALANCE",
    "READ_CODE",
    "READ_NONCE",
    "AccountRecord",
    "SlotRecord",
    "records_in",
]

# As in `_native/evm/transaction/accesses.hpp`.
READ_BALANCE, READ_NONCE, READ_CODE = 1, 2, 4
_ACCOUNT, _SLOT_READ = 1, 2
_GREW, _SHRANK, _GONE, _NONCE, _CODE, _MADE_HERE = 1, 2, 4, 8, 16, 32
_U32: Final = Struct("<I")
_U64: Final = Struct("<Q")
_WORD: Final = 32
_ADDRESS_END, _ACCOUNT_HEAD, _SLOT_END, _BEFORE_END, _AFTER_END = 21, 23, 53, 85, 117


class AccountRecord(NamedTuple):
    """What a transaction looked at and changed of an account.

    Attributes:
        reads: of `READ_BALANCE`, `READ_NONCE`, `READ_CODE`: what it looked at.
        amount: by how much the balance grew, in wei.
        is_gone: it was deleted, with all that it had.
        is_made_here: beside that: the same transaction had created it.
        nonce, code: after it, where they changed.
    """

    address: Address
    reads: int = 0
    amount: int = 0
    is_gone: bool = False
    is_made_here: bool = False
    nonce: int | None = None
    code: bytes | None = None


class SlotRecord(NamedTuple):
    """A slot that was looked at, and its values before and after where it changed."""

    address: Address
    slot: int
    change: tuple[int, int] | None = None


def records_in(report: bytes) -> Iterator[AccountRecord | SlotRecord]:
    """The records of a report; one that is several transactions has those of each in turn."""
    place = 0
    while place < len(report):
        address = Address(report[place + 1 : place + _ADDRESS_END])
        if report[place] == _ACCOUNT:
            record, place = _account(report, place, address)
            yield record
        elif report[place] == _SLOT_READ:
            yield SlotRecord(address, _number(report, place + _ADDRESS_END))
            place += _SLOT_END
        else:
            change = _number(report, place + _SLOT_END), _number(report, place + _BEFORE_END)
            yield SlotRecord(address, _number(report, place + _ADDRESS_END), change)
            place += _AFTER_END


def _account(report: bytes, place: int, address: Address) -> tuple[AccountRecord, int]:
    """The record of an account at ``place``, and its end."""
    reads, changes = report[place + _ADDRESS_END], report[place + _ADDRESS_END + 1]
    place += _ACCOUNT_HEAD
    if not changes:
        return AccountRecord(address, reads), place
    amount, nonce, code = 0, None, None
    if changes & (_GREW | _SHRANK):
        amount = _number(report, place) * (1 if changes & _GREW else -1)
        place += _WORD
    if changes & _NONCE:
        (nonce,) = _U64.unpack_from(report, place)
        place += _U64.size
    if changes & _CODE:
        (size,) = _U32.unpack_from(report, place)
        place += _U32.size + size
        code = report[place - size : place]
    gone, made_here = bool(changes & _GONE), bool(changes & _MADE_HERE)
    return AccountRecord(address, reads, amount, gone, made_here, nonce, code), place


def _number(report: bytes, place: int) -> int:
    return int.from_bytes(report[place : place + _WORD], "little")
