"""Block-level access lists: what a block touched, and what became of it (EIP-7928, Amsterdam).

The header names the list's hash; the list itself travels beside the block. Places in it are
*block access indexes*: 0 is before the transactions, i + 1 the transaction at index i, and the one
after the last what comes after the transactions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, TypeVar

from eth_typing import Address, Hash32

from blockstm.errors import DecodeError
from blockstm.ethereum.amsterdam import ACCESS_LIST_ITEM
from blockstm.ethereum.fields import Fields, shown
from blockstm.ethereum.hashing import keccak
from blockstm.ethereum.rlp import Item, Items, encode, encode_list

__all__ = ["ITEM_GAS", "AccountAccess", "BlockAccessList"]

ITEM_GAS: Final = ACCESS_LIST_ITEM
"""A block's list has at most one item for so much of its gas limit."""

_INDEX_BITS: Final = 32

_T = TypeVar("_T", int, bytes)
_Changes = tuple[tuple[int, _T], ...]


@dataclass(frozen=True, slots=True)
class AccountAccess:
    """What a block did with one account; changes are (block access index, value after it).

    Attributes:
        address: of the account.
        storage_changes: slot → its changes, by ascending slot.
        storage_reads: slots that were looked at and have no changes, ascending.
        balance_changes: in wei.
        nonce_changes: with the nonce after each.
        code_changes: with the code after each.
    """

    address: Address
    storage_changes: tuple[tuple[int, _Changes[int]], ...] = ()
    storage_reads: tuple[int, ...] = ()
    balance_changes: _Changes[int] = ()
    nonce_changes: _Changes[int] = ()
    code_changes: _Changes[bytes] = ()

    @property
    def item_count(self) -> int:
        """How many items it is towards the list's limit: itself and each slot."""
        return 1 + len(self.storage_changes) + len(self.storage_reads)

    def encode(self) -> bytes:
        """The account's RLP."""
        items: list[Item] = [
            self.address,
            self.storage_changes,
            self.storage_reads,
            self.balance_changes,
            self.nonce_changes,
            self.code_changes,
        ]
        return encode(items)

    @classmethod
    def from_items(cls, items: Items) -> AccountAccess:
        """Read an account of a list.

        Raises:
            DecodeError: a member is malformed, or something is not in ascending order.
        """
        access = cls(
            items.address("address"),
            tuple(map(_slot_changes_from, items.lists("storageChanges"))),
            tuple(items.items("storageReads").quantities()),
            _changes_from(items, "balanceChanges", lambda change: change.quantity("postBalance")),
            _changes_from(items, "nonceChanges", lambda change: change.quantity("postNonce", 64)),
            _changes_from(items, "codeChanges", lambda change: change.data("newCode")),
        )
        items.end()
        access.check_order(items.place)
        return access

    @classmethod
    def from_fields(cls, fields: Fields) -> AccountAccess:
        """Read an account of a JSON list.

        Raises:
            DecodeError: a member is malformed, or something is not in ascending order.
        """
        access = cls(
            fields.address("address"),
            tuple(
                (entry.quantity("slot"), _changes(entry, "slotChanges", _quantity("postValue")))
                for entry in map(_fields, fields.elements("storageChanges"))
            ),
            tuple(fields.quantities("storageReads")),
            _changes(fields, "balanceChanges", _quantity("postBalance")),
            _changes(fields, "nonceChanges", _quantity("postNonce")),
            _changes(fields, "codeChanges", lambda change: change.data("newCode")),
        )
        access.check_order(fields.place)
        return access

    def to_json(self) -> dict[str, Any]:
        """The members that `from_fields` reads."""
        return {
            "address": shown(self.address),
            "nonceChanges": _changes_to_json(self.nonce_changes, "postNonce"),
            "balanceChanges": _changes_to_json(self.balance_changes, "postBalance"),
            "codeChanges": _changes_to_json(self.code_changes, "newCode"),
            "storageChanges": [
                {"slot": shown(slot), "slotChanges": _changes_to_json(changes, "postValue")}
                for slot, changes in self.storage_changes
            ],
            "storageReads": [*map(shown, self.storage_reads)],
        }

    def check_order(self, place: str) -> None:
        """That everything ascends, without one thing twice, and no slot is read and changed.

        Raises:
            DecodeError: it does not.
        """
        changed = [slot for slot, _ in self.storage_changes]
        in_order = [changed, self.storage_reads]
        in_order += (_indexes(changes) for _, changes in self.storage_changes)
        in_order += map(_indexes, (self.balance_changes, self.nonce_changes))
        in_order.append(_indexes(self.code_changes))
        if not all(map(_ascends, in_order)) or not set(changed).isdisjoint(self.storage_reads):
            raise DecodeError(f"{place}: slots or changes out of order, or twice", place)
        if not all(changes for _, changes in self.storage_changes):
            raise DecodeError(f"{place}: a changed slot without changes", place)


@dataclass(frozen=True, slots=True)
class BlockAccessList:
    """The accounts that a block touched, by ascending address."""

    accounts: tuple[AccountAccess, ...] = ()

    @classmethod
    def decode(cls, encoding: bytes, place: str = "blockAccessList") -> BlockAccessList:
        """Read a list.

        Raises:
            DecodeError: ``encoding`` is of no list, or not the only encoding of it.
        """
        return cls._checked(map(AccountAccess.from_items, Items(encoding, place).rest()), place)

    @classmethod
    def from_fields(cls, fields: Fields, name: str = "blockAccessList") -> BlockAccessList:
        """Read the JSON list that is the member ``name``.

        Raises:
            DecodeError: something is missing, malformed or out of order.
        """
        accounts = map(AccountAccess.from_fields, map(_fields, fields.elements(name)))
        return cls._checked(accounts, fields.place_of(name))

    @classmethod
    def _checked(cls, accounts: Iterable[AccountAccess], place: str) -> BlockAccessList:
        access_list = cls(tuple(accounts))
        if not _ascends([account.address for account in access_list.accounts]):
            raise DecodeError(f"{place}: accounts out of order, or twice", place)
        return access_list

    @property
    def item_count(self) -> int:
        """How many items it has; a block may have one for each `ITEM_GAS` of its gas limit."""
        return sum(account.item_count for account in self.accounts)

    def encode(self) -> bytes:
        """The list's RLP."""
        return encode_list([account.encode() for account in self.accounts])

    def to_json(self) -> list[dict[str, Any]]:
        """The list that `from_fields` reads."""
        return [account.to_json() for account in self.accounts]

    @property
    def hash(self) -> Hash32:
        """What the header names."""
        return keccak(self.encode())


def _ascends(values: Sequence[Any]) -> bool:
    return all(left < right for left, right in pairwise(values))


def _indexes(changes: Iterable[tuple[int, object]]) -> list[int]:
    return [index for index, _ in changes]


def _fields(element: tuple[object, str]) -> Fields:
    return Fields(*element)


def _quantity(name: str) -> Callable[[Fields], int]:
    return lambda change: change.quantity(name)


def _changes(fields: Fields, name: str, value: Callable[[Fields], _T]) -> _Changes[_T]:
    changes = map(_fields, fields.elements(name))
    return tuple(
        (change.quantity("blockAccessIndex", _INDEX_BITS), value(change)) for change in changes
    )


def _changes_from(items: Items, name: str, value: Callable[[Items], _T]) -> _Changes[_T]:
    return tuple(_change_from(change, value) for change in items.lists(name))


def _change_from(change: Items, value: Callable[[Items], _T]) -> tuple[int, _T]:
    index, after = change.quantity("blockAccessIndex", _INDEX_BITS), value(change)
    change.end()
    return index, after


def _slot_changes_from(items: Items) -> tuple[int, _Changes[int]]:
    slot = items.quantity("slot")
    changes = _changes_from(items, "slotChanges", lambda change: change.quantity("postValue"))
    items.end()
    return slot, changes


def _changes_to_json(changes: Iterable[tuple[int, int | bytes]], name: str) -> list[Any]:
    return [{"blockAccessIndex": shown(index), name: shown(value)} for index, value in changes]
