"""Block-level access lists: what a block touched, and what became of it (EIP-7928, Amsterdam).

The header names the list's hash; the list itself travels beside the block. Places in it are
*block access indexes*: 0 is before the transactions, i + 1 the transaction at index i, and the one
after the last what comes after the transactions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, TypeVar

from blockstm.errors import DecodeError
from blockstm.ethereum.chains.amsterdam import ACCESS_LIST_ITEM
from blockstm.ethereum.codecs.fields import Fields, parse_word, shown
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import Item, Items, encode, encode_list
from blockstm.types import Address, Hash32

__all__ = ["ITEM_GAS", "AccountAccess", "BlockAccessList", "read_access_list"]

ITEM_GAS: Final = ACCESS_LIST_ITEM
"""A block's list has at most one item for so much of its gas limit."""

_INDEX_BITS: Final = 32

_T = TypeVar("_T", int, bytes)
_Changes = tuple[tuple[int, _T], ...]


@dataclass(frozen=True, slots=True)
class AccountAccess:
    """The accesses of a block to one account; changes are (block access index, value after it).

    Attributes:
        address: of the account.
        storage_changes: slot → its changes, by ascending slot.
        storage_reads: slots that were read and not changed, ascending.
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
            DecodeError: a member is malformed. Whether it is canonical is for `deviations` to say.
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
        return access

    @classmethod
    def from_fields(cls, fields: Fields) -> AccountAccess:
        """Read an account of a JSON list.

        Raises:
            DecodeError: a member is malformed. Whether it is canonical is for `deviations` to say.
        """
        return cls(
            fields.address("address"),
            tuple(
                (_number(entry, "slot"), _changes(entry, "slotChanges", _quantity("postValue")))
                for entry in map(_fields, fields.elements("storageChanges"))
            ),
            tuple(parse_word(*element) for element in fields.elements("storageReads")),
            _changes(fields, "balanceChanges", _quantity("postBalance")),
            _changes(fields, "nonceChanges", _quantity("postNonce")),
            _changes(fields, "codeChanges", lambda change: change.data("newCode")),
        )

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

    def deviations(self) -> Iterator[str]:
        """Where it is not in its one canonical form: what is out of order or twice, a slot that is
        changed and read, a slot without changes."""
        changed = [slot for slot, _ in self.storage_changes]
        yield from _disorder("storageChanges: slot", changed)
        for slot, changes in self.storage_changes:
            what = f"storageChanges of slot {slot:#x}"
            if not changes:
                yield f"{what}: none, expected one or more"
            yield from _disorder(f"{what}: blockAccessIndex", _indexes(changes))
        yield from _disorder("storageReads: slot", self.storage_reads)
        for slot in self.storage_reads:
            if slot in changed:
                yield f"storageReads: slot {slot:#x}, which is among storageChanges"
        yield from _disorder("balanceChanges: blockAccessIndex", _indexes(self.balance_changes))
        yield from _disorder("nonceChanges: blockAccessIndex", _indexes(self.nonce_changes))
        yield from _disorder("codeChanges: blockAccessIndex", _indexes(self.code_changes))


@dataclass(frozen=True, slots=True)
class BlockAccessList:
    """The accounts that a block touched, by ascending address."""

    accounts: tuple[AccountAccess, ...] = ()

    @classmethod
    def decode(
        cls, encoding: bytes, place: str = "blockAccessList", *, canonical: bool = True
    ) -> BlockAccessList:
        """Read a list.

        Args:
            encoding: its RLP.
            place: what messages call it.
            canonical: whether it must be in its one canonical form. Where it need not, `deviations`
                tells what is wrong with it.

        Raises:
            DecodeError: ``encoding`` is of no list, or not the only encoding of it.
        """
        accounts = map(AccountAccess.from_items, Items(encoding, place).rest())
        return cls._checked(accounts, place, canonical)

    @classmethod
    def from_fields(
        cls, fields: Fields, name: str = "blockAccessList", *, canonical: bool = True
    ) -> BlockAccessList:
        """Read the JSON list that is the member ``name``; ``canonical`` is as in `decode`.

        Raises:
            DecodeError: something is missing, malformed or out of order.
        """
        accounts = map(AccountAccess.from_fields, map(_fields, fields.elements(name)))
        return cls._checked(accounts, fields.place_of(name), canonical)

    @classmethod
    def _checked(
        cls, accounts: Iterable[AccountAccess], place: str, canonical: bool
    ) -> BlockAccessList:
        access_list = cls(tuple(accounts))
        deviation = next(access_list.deviations(), None) if canonical else None
        if deviation is not None:
            raise DecodeError(f"{place}: {deviation}", place)
        return access_list

    def deviations(self) -> Iterator[str]:
        """The deviations from the one canonical form (EIP-7928), each naming its entry."""
        yield from _disorder("address", [f"0x{each.address.hex()}" for each in self.accounts])
        for account in self.accounts:
            for deviation in account.deviations():
                yield f"account 0x{account.address.hex()}: {deviation}"

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
        """The hash that the header has."""
        return keccak(self.encode())


def read_access_list(fields: Fields, name: str = "blockAccessList") -> BlockAccessList | None:
    """The list that is the member ``name``, canonical or not: as JSON, or its RLP as data.

    None where it is missing or null.

    Raises:
        DecodeError: it is neither.
    """
    if name not in fields:
        return None
    if isinstance(fields.member(name), str):
        place = fields.place_of(name)
        return BlockAccessList.decode(fields.data(name), place, canonical=False)
    return BlockAccessList.from_fields(fields, name, canonical=False)


def _disorder(what: str, values: Sequence[Any]) -> Iterator[str]:
    """Every value that is not above the one before it."""
    for left, right in pairwise(values):
        if not left < right:
            left, right = (v if isinstance(v, str) else f"{v:#x}" for v in (left, right))
            behind = "twice" if left == right else f"behind {left}, expected in ascending order"
            yield f"{what} {right} {behind}"


def _indexes(changes: Iterable[tuple[int, object]]) -> list[int]:
    return [index for index, _ in changes]


def _fields(element: tuple[object, str]) -> Fields:
    return Fields(*element)


def _quantity(name: str) -> Callable[[Fields], int]:
    return lambda change: _number(change, name)


def _number(fields: Fields, name: str, bits: int = 256) -> int:
    """Some write numbers as quantities, others as words or with a leading zero."""
    number = parse_word(fields.member(name), fields.place_of(name))
    if number >> bits:
        place = fields.place_of(name)
        raise DecodeError(f"{place}: expected a number below 2**{bits}, not {number:#x}", place)
    return number


def _changes(fields: Fields, name: str, value: Callable[[Fields], _T]) -> _Changes[_T]:
    changes = map(_fields, fields.elements(name))
    return tuple(
        (_number(change, "blockAccessIndex", _INDEX_BITS), value(change)) for change in changes
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
