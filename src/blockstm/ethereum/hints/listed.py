"""Hints from access lists: the block's own (EIP-7928) and its transactions' (EIP-2930).

Neither tells a read from a write of the same transaction, and the block's tells of a read-only
access nothing but that there was one. What is taken from them are slots: EIP-2200 has every SSTORE
read the slot first. Balances and nonces are left out, as the EVM adds to the first and expects the
second, so that they order nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.hints.hints import Expected, Hints

__all__ = ["from_access_list", "from_transactions"]

_READ, _WRITE = 0, 2


def from_access_list(access_list: BlockAccessList, transactions: int) -> Hints:
    """Hints from a block's access list: a transaction that changes a slot depends on the one that
    changed it last.

    Args:
        access_list: right or wrong, as it came with the block.
        transactions: how many the block has; what is listed of others is left out.
    """
    changed: list[list[int]] = [[] for _ in range(transactions)]
    for location, indexes in enumerate(_changes_of_slots(access_list)):
        for index in indexes:
            if 0 < index <= transactions:
                changed[index - 1].append(location)
    return Hints.from_arrays(transactions, accesses=_read_and_written(changed))


def from_transactions(transactions: Iterable[Transaction]) -> Hints:
    """Hints from the access lists of transactions: those that list the same slot depend on each
    other, in order."""
    return Hints.of(_expected(each) for each in transactions)


def _changes_of_slots(access_list: BlockAccessList) -> Iterable[Sequence[int]]:
    for account in access_list.accounts:
        for _, changes in account.storage_changes:
            yield [index for index, _ in changes]


def _read_and_written(
    changed: Sequence[Sequence[int]],
) -> tuple[memoryview, memoryview, memoryview]:
    """Locations that transactions read and write, as `Hints.from_arrays` takes accesses."""
    starts, locations, kinds = array("q", [0]), array("q"), array("B")
    for listed in changed:
        for location in listed:
            locations.extend((location, location))
            kinds.extend((_READ, _WRITE))
        starts.append(len(locations))
    return memoryview(starts), memoryview(locations), memoryview(kinds)


def _expected(transaction: Transaction) -> Expected:
    slots = [(address, slot) for address, listed in transaction.access_list for slot in listed]
    return Expected(reads=slots, writes=slots)
