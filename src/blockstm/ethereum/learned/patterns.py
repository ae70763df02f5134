"""Locations by where they come from: fixed ones, and entries of mappings by sender or argument.

A contract compiled from Solidity keeps ``mapping[key]`` of the variable at place *p* at
``keccak256(key ++ p)``, keys and places of 32 bytes; Vyper keeps it at ``keccak256(p ++ key)``. So
a slot that a transaction touched is compared with those that its sender and the first words of its
call data would give.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.types import Address

__all__ = ["ARGUMENTS", "SENDER", "Call", "Method", "Pattern", "Slot"]

_WORD: Final = 32
_SELECTOR: Final = 4
_PLACES: Final = 12

ARGUMENTS: Final = 4
"""How many words of a call's data may be keys."""

SENDER: Final = -1
"""The source of keys that are the sender."""

Slot = tuple[Address, int]
"""An account and the number of its slot."""


class Method(NamedTuple):
    """What a transaction calls: a contract, and the first four bytes of the call data."""

    to: bytes
    selector: bytes


class Pattern(NamedTuple):
    """Where a slot comes from.

    Attributes:
        address: whose slot it is.
        source: -1 the sender, 0 and up the argument with this place; None: a slot that is fixed.
        place: of the mapping among the contract's variables; of a fixed slot its number.
        key_first: whether the key stands before the place in what is hashed.
    """

    address: bytes
    source: int | None
    place: int
    key_first: bool = True


class Call:
    """A transaction as its patterns see it.

    Args:
        transaction: that calls a contract.
        sender: who sent it.
    """

    def __init__(self, transaction: Transaction, sender: Address) -> None:
        data = transaction.data
        self.method = Method(transaction.to or b"", data[:_SELECTOR])
        words = [
            data[at : at + _WORD].ljust(_WORD, b"\0") for at in range(_SELECTOR, len(data), _WORD)
        ]
        self._keys: dict[int, bytes] = {SENDER: sender.rjust(_WORD, b"\0")}
        self._keys |= enumerate(words[:ARGUMENTS])
        self._found: dict[int, tuple[int, int, bool]] = {}

    def slot_of(self, pattern: Pattern) -> Slot | None:
        """The slot that a pattern stands for in this call; None where it has no such argument."""
        if pattern.source is None:
            return Address(pattern.address), pattern.place
        key = self._keys.get(pattern.source)
        if key is None:
            return None
        return Address(pattern.address), _entry(key, pattern.place, pattern.key_first)

    def pattern_of(self, slot: Slot) -> Pattern:
        """Where a slot that the call touched comes from."""
        address, number = slot
        found = self._entries().get(number)
        if found is None:
            return Pattern(address, None, number)
        return Pattern(address, *found)

    def _entries(self) -> dict[int, tuple[int, int, bool]]:
        """Slot → what gives it, of all mappings at the first places."""
        if not self._found:
            self._found = {
                _entry(key, place, key_first): (source, place, key_first)
                for source, key in self._distinct()
                for place in range(_PLACES)
                for key_first in (True, False)
            }
        return self._found

    def _distinct(self) -> Iterator[tuple[int, bytes]]:
        """The keys; of equal ones the first."""
        seen: set[bytes] = set()
        for source, key in self._keys.items():
            if key not in seen:
                seen.add(key)
                yield source, key


def _entry(key: bytes, place: int, key_first: bool) -> int:
    where = place.to_bytes(_WORD, "big")
    return int.from_bytes(keccak(key + where if key_first else where + key), "big")
