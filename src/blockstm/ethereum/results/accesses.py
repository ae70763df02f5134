"""A block's access list (EIP-7928), put together from what its steps report.

A step knows by how much it changed a balance but not what it was: payments of a block commute, so
that it need not be known before the block's order is final. Here it is, and balances are added up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from struct import Struct
from typing import Final

from blockstm.ethereum.blocks.access_list import AccountAccess, BlockAccessList
from blockstm.types import Address

__all__ = ["fold_accesses"]

# As in `_native/evm/transaction/accesses.hpp`.
_ACCOUNT, _SLOT_READ = 1, 2
_GREW, _SHRANK, _GONE, _NONCE, _CODE = 1, 2, 4, 8, 16
_U32: Final = Struct("<I")
_U64: Final = Struct("<Q")
_WORD = 32
_SLOT_AT, _SLOT_END, _BEFORE_END, _AFTER_END = 21, 53, 85, 117


@dataclass(slots=True)
class _Step:
    """What one step did with an account: its values after it where they changed, and of its slots
    those before and after, or None where it only read."""

    balance: int | None = None
    nonce: int | None = None
    code: bytes | None = None
    slots: dict[int, tuple[int, int] | None] = field(default_factory=dict)


@dataclass(slots=True)
class _Account:
    """The accesses of the steps so far to an account; changes by block access index."""

    balances: dict[int, int] = field(default_factory=dict)
    nonces: dict[int, int] = field(default_factory=dict)
    codes: dict[int, bytes] = field(default_factory=dict)
    slots: defaultdict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))

    def access(self, address: Address) -> AccountAccess:
        """The entry of the list."""
        slots = sorted(self.slots.items())
        return AccountAccess(
            address,
            tuple((slot, tuple(changes.items())) for slot, changes in slots if changes),
            tuple(slot for slot, changes in slots if not changes),
            tuple(self.balances.items()),
            tuple(self.nonces.items()),
            tuple(self.codes.items()),
        )


class _Balances(dict[Address, int]):
    """The balances of accounts after the steps so far."""

    def __init__(self, before: Callable[[Address], int]) -> None:
        super().__init__()
        self._before = before

    def __missing__(self, address: Address) -> int:
        balance = self._before(address)
        self[address] = balance
        return balance


def fold_accesses(
    reports: Iterable[bytes], balance_before: Callable[[Address], int]
) -> BlockAccessList:
    """The access list of a block.

    Args:
        reports: what each step accessed, as flat bytes, in order: the block's start, its
            transactions, its end.
        balance_before: an account's balance before the block, in wei.
    """
    accounts: defaultdict[Address, _Account] = defaultdict(_Account)
    balances = _Balances(balance_before)
    for index, report in enumerate(reports):
        for address, step in _read(report, balances).items():
            account = accounts[address]
            if step.balance is not None:
                account.balances[index] = step.balance
            if step.nonce is not None:
                account.nonces[index] = step.nonce
            if step.code is not None:
                account.codes[index] = step.code
            for slot, change in step.slots.items():
                changes = account.slots[slot]
                if change is not None and change[0] != change[1]:
                    changes[index] = change[1]
    listed = sorted(accounts.items())
    return BlockAccessList(tuple(account.access(address) for address, account in listed))


def _read(report: bytes, balances: _Balances) -> dict[Address, _Step]:
    """The accesses of a step; ``balances`` are advanced past it."""
    steps: defaultdict[Address, _Step] = defaultdict(_Step)
    at_start: dict[Address, int] = {}
    place = 0
    while place < len(report):
        tag, address = report[place], Address(report[place + 1 : place + _SLOT_AT])
        step = steps[address]
        if tag == _ACCOUNT:
            changes = report[place + _SLOT_AT]
            if changes & (_GREW | _SHRANK | _GONE):
                at_start.setdefault(address, balances[address])
            place = _read_account(report, place + _SLOT_AT, address, step, balances)
        else:
            place = _read_slot(report, place, step)
    for address, before in at_start.items():
        if balances[address] != before:
            steps[address].balance = balances[address]
    return steps


def _read_account(
    report: bytes, place: int, address: Address, step: _Step, balances: _Balances
) -> int:
    """The end of an account's part of a report whose changes begin at ``place``."""
    changes = report[place]
    place += 1
    if changes & _GONE:
        balances[address] = 0
    elif changes & (_GREW | _SHRANK):
        amount = _number(report, place)
        balances[address] += amount if changes & _GREW else -amount
        place += _WORD
    if changes & _NONCE:
        (step.nonce,) = _U64.unpack_from(report, place)
        place += _U64.size
    if changes & _CODE:
        (size,) = _U32.unpack_from(report, place)
        place += _U32.size + size
        step.code = report[place - size : place]
    return place


def _read_slot(report: bytes, place: int, step: _Step) -> int:
    """The end of a slot's part of a report that begins at ``place``."""
    slot = _number(report, place + _SLOT_AT)
    if report[place] == _SLOT_READ:
        step.slots.setdefault(slot, None)
        return place + _SLOT_END
    known = step.slots.get(slot)
    before = _number(report, place + _SLOT_END) if known is None else known[0]
    step.slots[slot] = before, _number(report, place + _BEFORE_END)
    return place + _AFTER_END


def _number(report: bytes, place: int) -> int:
    return int.from_bytes(report[place : place + _WORD], "little")
