"""The receipts of a block: the flat bytes that the native EVM left, until one is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, overload

from blockstm._native.wire.receipts import receipts as encode_all
from blockstm.ethereum.blocks.receipt import Receipt, contract_address
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.types import Address, Hash32
from blockstm.vm.evm.execution import read_logs

__all__ = ["FlatReceipts"]


class FlatReceipts(Sequence[Receipt]):
    """Receipts of a block, from Byzantium on with a status; equal to a tuple of the same.

    Immutable, safe from any thread.

    Args:
        types: of the transactions.
        successes: 1 or 0 for each.
        gas_used: by each, in gas.
        logs: of each, as flat bytes (`_native/wire/logs.hpp`).
        transactions: of the block, as many, for the addresses of contracts; or none.
        senders: of the transactions.
        state_roots: of the state after each, before Byzantium; None from then on.
    """

    def __init__(
        self,
        types: bytes,
        successes: bytes,
        gas_used: Sequence[int],
        logs: Sequence[bytes],
        transactions: Sequence[Transaction] = (),
        senders: Sequence[Address] = (),
        state_roots: Sequence[Hash32] | None = None,
    ) -> None:
        self._types = types
        self._successes = successes
        self._gas_used = gas_used
        self._totals = list(accumulate(gas_used))
        self.flat_logs = logs
        self._transactions = transactions
        self._senders = senders
        self._state_roots = state_roots

    def with_state_roots(self, roots: Sequence[Hash32]) -> FlatReceipts:
        """The same with the roots that receipts before Byzantium have."""
        parts = self._types, self._successes, self._gas_used, self.flat_logs
        return FlatReceipts(*parts, self._transactions, self._senders, roots)

    def encode(self, workers: int) -> None:
        """Encode them now, and keep that, by so many threads where they are many."""
        self.__dict__["_encoded"] = self._encode(workers)

    @cached_property
    def _encoded(self) -> tuple[list[bytes], bytes, bytes]:
        return self._encode(1)

    def _encode(self, workers: int) -> tuple[list[bytes], bytes, bytes]:
        outcomes = self._successes if self._state_roots is None else list(self._state_roots)
        return encode_all(self._types, outcomes, self._totals, self.flat_logs, workers)

    @property
    def encodings(self) -> Sequence[bytes]:
        """The encodings of the receipts, as the receipts trie has them."""
        return self._encoded[0]

    @property
    def root(self) -> Hash32:
        """The root that the header names."""
        return Hash32(self._encoded[1])

    @property
    def bloom(self) -> bytes:
        """The Bloom filter over all logs, 256 bytes."""
        return self._encoded[2]

    def mentioning(self, address: bytes) -> Iterator[tuple[int, Receipt]]:
        """The receipts in whose logs the bytes of an address stand, as whose log or otherwise."""
        return (
            (place, self[place]) for place, logs in enumerate(self.flat_logs) if address in logs
        )

    def __len__(self) -> int:
        return len(self._types)

    @overload
    def __getitem__(self, place: int) -> Receipt: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Receipt, ...]: ...

    def __getitem__(self, place: int | slice) -> Receipt | tuple[Receipt, ...]:
        if isinstance(place, slice):
            return tuple(self[each] for each in range(*place.indices(len(self))))
        return Receipt(
            self._types[place],
            bool(self._successes[place]),
            self._totals[place],
            read_logs(self.flat_logs[place]),
            None if self._state_roots is None else self._state_roots[place],
            self._gas_used[place],
            self._contract_address(place),
        )

    def _contract_address(self, place: int) -> Address | None:
        if not self._transactions:
            return None
        return contract_address(self._transactions[place], self._senders[place])

    def __iter__(self) -> Iterator[Receipt]:
        return (self[place] for place in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FlatReceipts):
            return self._content() == other._content()
        return tuple(self) == other

    def _content(self) -> tuple[Any, ...]:
        roots = self._state_roots and tuple(self._state_roots)
        return self._types, self._successes, self._totals, self.flat_logs, roots

    __hash__ = None  # type: ignore[assignment]  # as any sequence that compares by content

    def __repr__(self) -> str:
        return f"<{len(self)} receipts>"
