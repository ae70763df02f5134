"""The receipts of a block: the flat bytes that the native EVM left, until one is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, overload

from blockstm._native.wire.receipts import EncodedReceipts, ReceiptColumns
from blockstm._native.wire.transaction_list import TransactionList
from blockstm.ethereum.blocks.receipt import Receipt, contract_address
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.types import Address, Hash32
from blockstm.vm.evm.execution import read_logs

__all__ = ["FlatReceipts"]


class FlatReceipts(Sequence[Receipt]):
    """Receipts of a block, from Byzantium on with a status; equal to a tuple of the same.

    Immutable, safe from any thread.

    Args:
        columns: what they are made of; logs as flat bytes (`_native/wire/logs.hpp`).
        transactions: of the block, as many, for the addresses of contracts; or none.
        senders: of the transactions.
        state_roots: of the state after each, before Byzantium; None from then on.
    """

    def __init__(
        self,
        columns: ReceiptColumns,
        transactions: Sequence[Transaction] | TransactionList = (),
        senders: Sequence[Address] = (),
        state_roots: Sequence[Hash32] | None = None,
    ) -> None:
        self._columns = columns
        self._transactions = transactions
        self._senders = senders
        self._state_roots = state_roots

    def with_state_roots(self, roots: Sequence[Hash32]) -> FlatReceipts:
        """The same with the roots that receipts before Byzantium have."""
        return FlatReceipts(self._columns, self._transactions, self._senders, roots)

    def encode(self, workers: int) -> None:
        """Encode them now, and keep that, by so many threads where they are many."""
        self.__dict__["_encoded"] = self._columns.encode(workers, self._state_roots)

    @cached_property
    def _encoded(self) -> EncodedReceipts:
        return self._columns.encode(1, self._state_roots)

    @property
    def encodings(self) -> Sequence[bytes]:
        """The encodings of the receipts, as the receipts trie has them."""
        return self._encoded.encodings

    def encode_list(self) -> bytes:
        """These encodings as one RLP list, each a string."""
        return self._encoded.encode()

    @property
    def root(self) -> Hash32:
        """The root that the header names."""
        return Hash32(self._encoded.root)

    @property
    def bloom(self) -> bytes:
        """The Bloom filter over all logs, 256 bytes."""
        return self._encoded.bloom

    def mentioning(self, address: bytes) -> Iterator[tuple[int, Receipt]]:
        """The receipts in whose logs the bytes of an address stand, as whose log or otherwise."""
        return ((place, self[place]) for place in self._columns.mentioning(address))

    def __len__(self) -> int:
        return len(self._columns)

    @overload
    def __getitem__(self, place: int) -> Receipt: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Receipt, ...]: ...

    def __getitem__(self, place: int | slice) -> Receipt | tuple[Receipt, ...]:
        if isinstance(place, slice):
            return tuple(self[each] for each in range(*place.indices(len(self))))
        kind, succeeded, total, gas_used, logs = self._columns.at(place)
        return Receipt(
            kind,
            succeeded,
            total,
            read_logs(logs),
            None if self._state_roots is None else self._state_roots[place],
            gas_used,
            self._contract_address(place),
        )

    def _contract_address(self, place: int) -> Address | None:
        if not self._transactions:
            return None
        return contract_address(self._transactions[place], self._senders[place])

    def __iter__(self) -> Iterator[Receipt]:
        return (self[place] for place in range(len(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        parts = self._columns, self._transactions, self._senders, self._state_roots
        return FlatReceipts, parts

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FlatReceipts):
            return self._columns == other._columns and _listed(self) == _listed(other)
        return tuple(self) == other

    __hash__ = None  # type: ignore[assignment]  # as any sequence that compares by content

    def __repr__(self) -> str:
        return f"<{len(self)} receipts>"


def _listed(receipts: FlatReceipts) -> tuple[Hash32, ...] | None:
    return None if receipts._state_roots is None else tuple(receipts._state_roots)
