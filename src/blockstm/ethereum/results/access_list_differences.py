"""Two access lists (EIP-7928) compared entry by entry: what one has and the other has not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from blockstm.ethereum.blocks.access_list import AccountAccess, BlockAccessList
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.types import Address

__all__ = ["Difference", "Entry", "differences", "given_list_violations"]

_CODE_SHOWN_MAX = 32  # bytes


class _Part(IntEnum):
    """The parts of an account's entry, in the list's order."""

    ACCOUNT = 0
    STORAGE_CHANGES = 1
    STORAGE_READS = 2
    BALANCE_CHANGES = 3
    NONCE_CHANGES = 4
    CODE_CHANGES = 5


_NAMES = (
    "account",
    "storageChanges",
    "storageReads",
    "balanceChanges",
    "nonceChanges",
    "codeChanges",
)


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """The entry that a difference is about; entries sort in the order of a list.

    Attributes:
        address: of the account.
        part: "storageChanges", "balanceChanges", ..., by its place in the account's entry; 0 is
            the account itself.
        slot: of storage; 0 elsewhere.
        index: the block access index; 0 of the account and of reads.
    """

    address: Address
    part: int = _Part.ACCOUNT
    slot: int = 0
    index: int = 0

    @property
    def members(self) -> dict[str, str]:
        """The names that tell the entry from others, as in the list."""
        members = {"address": shown(self.address), "what": _NAMES[self.part]}
        if self.part in (_Part.STORAGE_CHANGES, _Part.STORAGE_READS):
            members["slot"] = shown(self.slot)
        if self.part not in (_Part.ACCOUNT, _Part.STORAGE_READS):
            members["blockAccessIndex"] = shown(self.index)
        return members

    def __str__(self) -> str:
        address, what, *rest = self.members.items()
        named = [f"account {address[1]}"]
        if self.part != _Part.ACCOUNT:
            named.append(what[1])
        return " ".join([*named, *(f"{name} {value}" for name, value in rest)])


@dataclass(frozen=True, slots=True)
class Difference:
    """An entry that two lists do not share.

    Attributes:
        entry: which one.
        expected, given: the value after the change in each of the lists; True of what has none, an
            account or a read; None where the list lacks the entry.
    """

    entry: Entry
    expected: int | bytes | bool | None
    given: int | bytes | bool | None

    def __str__(self) -> str:
        return f"{self.entry}: expected {_said(self.expected)}, given {_said(self.given)}"

    def to_json(self) -> dict[str, Any]:
        """The members of the entry, ``expected`` and ``given``."""
        values = {"expected": self.expected, "given": self.given}
        return self.entry.members | {
            name: value if value is None or value is True else shown(value)
            for name, value in values.items()
        }


def differences(expected: BlockAccessList, given: BlockAccessList) -> Iterator[Difference]:
    """Every entry that only one list has or that has another value, in the order of the entries.

    An account that one list lacks is one difference, whatever the other says of it. Of lists in
    canonical form, two are equal if and only if there is no difference.
    """
    ours, theirs = _entries(expected), _entries(given)
    lacking: Address | None = None
    for entry in sorted(ours.keys() | theirs.keys()):
        if entry.address == lacking or ours.get(entry) == theirs.get(entry):
            continue
        if entry.part == _Part.ACCOUNT:
            lacking = entry.address
        yield Difference(entry, ours.get(entry), theirs.get(entry))


def given_list_violations(expected: BlockAccessList, given: BlockAccessList) -> Iterator[Violation]:
    """The violations of the list that came with a block; ``expected`` is its execution's."""
    if expected == given:
        return
    for deviation in given.deviations():
        yield Violation(Reason.ACCESS_LIST_FORM, f"its access list has {deviation}")
    for difference in differences(expected, given):
        yield Violation(
            Reason.ACCESS_LIST_DIFFERS, f"its access list has another entry, {difference}"
        )


def _entries(access_list: BlockAccessList) -> dict[Entry, int | bytes | bool]:
    entries: dict[Entry, int | bytes | bool] = {}
    for account in access_list.accounts:
        entries[Entry(account.address)] = True
        entries.update(_entries_of(account))
    return entries


def _entries_of(account: AccountAccess) -> Iterator[tuple[Entry, int | bytes | bool]]:
    address = account.address
    for slot, changes in account.storage_changes:
        for index, value in changes:
            yield Entry(address, _Part.STORAGE_CHANGES, slot, index), value
    for slot in account.storage_reads:
        yield Entry(address, _Part.STORAGE_READS, slot), True
    of_account: tuple[tuple[_Part, Iterable[tuple[int, int | bytes]]], ...] = (
        (_Part.BALANCE_CHANGES, account.balance_changes),
        (_Part.NONCE_CHANGES, account.nonce_changes),
        (_Part.CODE_CHANGES, account.code_changes),
    )
    for part, listed in of_account:
        for index, after in listed:
            yield Entry(address, part, index=index), after


def _said(value: int | bytes | bool | None) -> str:
    if value is None:
        return "none"
    if value is True:
        return "one"
    if isinstance(value, bytes) and len(value) > _CODE_SHOWN_MAX:
        return f"{shown(value[:_CODE_SHOWN_MAX])}... ({len(value)} bytes)"
    return shown(value)
