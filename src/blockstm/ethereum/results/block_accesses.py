"""What the transactions of a block looked at and changed, and which of them read whose writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, overload

from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.blocks.transaction import AccessList
from blockstm.ethereum.results.access_records import (
    READ_BALANCE,
    READ_CODE,
    READ_NONCE,
    AccountRecord,
    SlotRecord,
    records_in,
)
from blockstm.types import Address

__all__ = ["BlockAccesses", "TransactionAccesses", "accesses_of"]

_FIELDS: Final = ((READ_BALANCE, "balance"), (READ_NONCE, "nonce"), (READ_CODE, "code_hash"))
_ALL: Final = "all"
"""Of an account: what its deletion writes."""

Location = tuple[Address, str | int]
"""An account's ``"balance"``, ``"nonce"`` or ``"code_hash"``, or a slot of it by number."""


@dataclass(frozen=True, slots=True)
class TransactionAccesses:
    """What a transaction looked at and changed, wherever it ended.

    A location is an address and ``"balance"``, ``"nonce"``, ``"code_hash"`` or a slot's number.

    Attributes:
        reads: those whose value it looked at. No reads are: a balance that was only asked whether
            it suffices, and the sender's nonce, which the transaction names itself.
        writes: those whose value it set to another one. A deletion (SELFDESTRUCT) writes the
            account's balance, and of one that was there before, nonce, code and each slot, of which
            none is named.
        adds: balances that it only added to or took from.
        access_list: all accounts that it asked for anything, with the slots that it looked at,
            sorted (EIP-2930); its sender, its receiver and precompiles are among them.
    """

    reads: frozenset[Location]
    writes: frozenset[Location]
    adds: frozenset[Location]
    access_list: AccessList


@dataclass(frozen=True, slots=True)
class BlockAccesses(Sequence[TransactionAccesses]):
    """The accesses of a block's transactions, one after another. Immutable.

    Attributes:
        access_list: of the block, of whatever fork, with what comes before and after its
            transactions, in the form of EIP-7928. Of what SELFDESTRUCT deletes (before Cancun) it
            names balance, nonce and code, not the slots.
        dependencies: for each transaction the indices of the earlier ones that wrote what it read,
            ascending: the last that set the location, and those that have added to it since. It
            depends on those of before the last writer through that one alone. `bor_extra_data`,
            `from_dependencies` and `Expected` take them.
    """

    access_list: BlockAccessList
    dependencies: Sequence[tuple[int, ...]]
    _transactions: Sequence[TransactionAccesses]

    def __len__(self) -> int:
        return len(self._transactions)

    @overload
    def __getitem__(self, place: int) -> TransactionAccesses: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[TransactionAccesses]: ...

    def __getitem__(self, place: Any) -> Any:
        return self._transactions[place]


def accesses_of(
    reports: Iterable[bytes], senders: Iterable[Address], access_list: BlockAccessList
) -> BlockAccesses:
    """The accesses of a block, from what each transaction reports."""
    writers = _Writers()
    found, dependencies = [], []
    for index, (report, sender) in enumerate(zip(reports, senders, strict=True)):
        records = [*records_in(report)]
        accesses = _accesses(records, sender)
        dependencies.append(writers.of(accesses.reads))
        writers.note(index, accesses, [each.address for each in records if _loses_all(each)])
        found.append(accesses)
    return BlockAccesses(access_list, tuple(dependencies), tuple(found))


def _accesses(
    records: Sequence[AccountRecord | SlotRecord], sender: Address
) -> TransactionAccesses:
    reads: set[Location] = set()
    writes: set[Location] = set()
    adds: set[Location] = set()
    touched: defaultdict[Address, list[int]] = defaultdict(list)
    for record in records:
        slots = touched[record.address]
        if isinstance(record, SlotRecord):
            slots.append(record.slot)
            reads.add((record.address, record.slot))
            if record.change is not None:
                writes.add((record.address, record.slot))
            continue
        reads.update((record.address, name) for bit, name in _FIELDS if record.reads & bit)
        writes.update((record.address, name) for name in _written(record))
        if record.amount and not record.reads & READ_BALANCE:
            adds.add((record.address, "balance"))
    reads.discard((sender, "nonce"))
    listed = tuple((address, tuple(sorted(touched[address]))) for address in sorted(touched))
    return TransactionAccesses(frozenset(reads), frozenset(writes), frozenset(adds), listed)


def _written(record: AccountRecord) -> Iterator[str]:
    if record.is_gone or (record.amount and record.reads & READ_BALANCE):
        yield "balance"
    if _loses_all(record) or record.nonce is not None:
        yield "nonce"
    if _loses_all(record) or record.code is not None:
        yield "code_hash"


def _loses_all(record: AccountRecord | SlotRecord) -> bool:
    """Whether an account is gone that was there before the transaction."""
    return isinstance(record, AccountRecord) and record.is_gone and not record.is_made_here


@dataclass(slots=True)
class _Writers:
    """Who of the transactions so far made the values that there are."""

    _last: dict[Location, int] = field(default_factory=dict)
    _adders: defaultdict[Location, list[int]] = field(default_factory=lambda: defaultdict(list))

    def of(self, reads: Iterable[Location]) -> tuple[int, ...]:
        """Those whose writes a transaction reads."""
        found = set()
        for location in reads:
            last = self._last.get(location, -1)
            if isinstance(location[1], int):
                last = max(last, self._last.get((location[0], _ALL), -1))
            if last >= 0:
                found.add(last)
            found.update(self._adders.get(location, ()))
        return tuple(sorted(found))

    def note(self, index: int, accesses: TransactionAccesses, gone: Iterable[Address]) -> None:
        """What a transaction did."""
        for location in accesses.adds:
            self._adders[location].append(index)
        for location in accesses.writes:
            self._last[location] = index
            self._adders.pop(location, None)
        for address in gone:
            self._last[address, _ALL] = index
