"""The receipts of a block: the flat bytes that the native EVM left, until one is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, overload

from eth_typing import Hash32

from blockstm._native.trie.receipts import receipts as encode_all
from blockstm.ethereum.receipt import Receipt
from blockstm.vm.evm.execution import read_logs

__all__ = ["FlatReceipts"]


class FlatReceipts(Sequence[Receipt]):
    """Receipts of a block, from Byzantium on with a status; equal to a tuple of the same.

    Immutable, safe from any thread.

    Args:
        types: of the transactions.
        successes: 1 or 0 for each.
        gas_used: by each, in gas.
        logs: of each, as flat bytes (`_native/trie/logs.hpp`).
    """

    def __init__(
        self, types: bytes, successes: bytes, gas_used: Sequence[int], logs: Sequence[bytes]
    ) -> None:
        self._types = types
        self._successes = successes
        self._totals = list(accumulate(gas_used))
        self.flat_logs = logs

    def encode(self, workers: int) -> None:
        """Encode them now, and keep that, by so many threads where they are many."""
        parts = self._types, self._successes, self._totals, self.flat_logs
        self.__dict__["_encoded"] = encode_all(*parts, workers)

    @cached_property
    def _encoded(self) -> tuple[list[bytes], bytes, bytes]:
        return encode_all(self._types, self._successes, self._totals, self.flat_logs)

    @property
    def encodings(self) -> Sequence[bytes]:
        """What the receipts trie holds."""
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
        succeeded = bool(self._successes[place])
        logs = read_logs(self.flat_logs[place])
        return Receipt(self._types[place], succeeded, self._totals[place], logs)

    def __iter__(self) -> Iterator[Receipt]:
        return (self[place] for place in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FlatReceipts):
            return self._content() == other._content()
        return tuple(self) == other

    def _content(self) -> tuple[Any, ...]:
        return self._types, self._successes, self._totals, self.flat_logs

    __hash__ = None  # type: ignore[assignment]  # as any sequence that compares by content

    def __repr__(self) -> str:
        return f"<{len(self)} receipts>"
