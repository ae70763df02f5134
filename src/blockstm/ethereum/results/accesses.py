"""A block's access list (EIP-7928), put together from what its steps report.

A step knows by how much it changed a balance but not what it was: payments of a block commute, so
that it need not be known before the block's order is final. Here it is, and balances are added up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from blockstm.ethereum.blocks.access_list import AccountAccess, BlockAccessList
from blockstm.ethereum.results.access_records import AccountRecord, SlotRecord, records_in
from blockstm.state.accounts import code_hash_of, nonce_of
from blockstm.types import Address

__all__ = ["fold_accesses"]


@dataclass(slots=True)
class _Step:
    """What one step did with an account: its values after it where they changed, and of its slots
    those before and after, or None where it only read."""

    balance: int | None = None
    nonce: int | None = None
    code: bytes | None = None
    is_gone: bool = False
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

    def note(self, record: AccountRecord) -> None:
        """What a record says of its account's balance."""
        self[record.address] = 0 if record.is_gone else self[record.address] + record.amount


def fold_accesses(
    reports: Iterable[bytes],
    balance_before: Callable[[Address], int],
    has_before: Callable[[Any], bool] = lambda location: False,
) -> BlockAccessList:
    """The access list of a block.

    Args:
        reports: what each step accessed, as flat bytes, in order: the block's start, its
            transactions, its end.
        balance_before: an account's balance before the block, in wei.
        has_before: whether there was anything at the location of a nonce or of a code's hash before
            the block; asked of accounts that are deleted, which since EIP-6780 had nothing.
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
            if step.is_gone:
                _note_deletion(account, index, address, has_before)
            for slot, change in step.slots.items():
                changes = account.slots[slot]
                if change is not None and change[0] != change[1]:
                    changes[index] = change[1]
    listed = sorted(accounts.items())
    return BlockAccessList(tuple(account.access(address) for address, account in listed))


def _note_deletion(
    account: _Account, index: int, address: Address, has_before: Callable[[Any], bool]
) -> None:
    """What is deleted has neither nonce nor code; its slots go without being named."""
    nonces, codes = [*account.nonces.values()], [*account.codes.values()]
    if nonces[-1] if nonces else has_before(nonce_of(address)):
        account.nonces[index] = 0
    if codes[-1] if codes else has_before(code_hash_of(address)):
        account.codes[index] = b""


def _read(report: bytes, balances: _Balances) -> dict[Address, _Step]:
    """The accesses of a step; ``balances`` are advanced past it."""
    steps: defaultdict[Address, _Step] = defaultdict(_Step)
    at_start: dict[Address, int] = {}
    for record in records_in(report):
        step = steps[record.address]
        if isinstance(record, SlotRecord):
            _note_slot(record, step)
            continue
        if record.amount or record.is_gone:
            at_start.setdefault(record.address, balances[record.address])
            balances.note(record)
        step.is_gone = record.is_gone and not record.is_made_here
        step.nonce = step.nonce if record.nonce is None else record.nonce
        step.code = step.code if record.code is None else record.code
    for address, before in at_start.items():
        if balances[address] != before:
            steps[address].balance = balances[address]
    return steps


def _note_slot(record: SlotRecord, step: _Step) -> None:
    """A step of several parts changed a slot from what it was before the first of them."""
    if record.change is None:
        step.slots.setdefault(record.slot, None)
        return
    known = step.slots.get(record.slot)
    before = record.change[0] if known is None else known[0]
    step.slots[record.slot] = before, record.change[1]
