"""Receipts: what a block commits to about each of its transactions (Yellow Paper 4.3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import rlp
from eth_typing import Address, Hash32

from blockstm.ethereum.hashing import keccak
from blockstm.ethereum.trie import list_root

__all__ = ["Log", "Receipt", "bloom_of", "receipts_root"]

Log = tuple[Address, tuple[bytes, ...], bytes]
"""Address, up to 4 topics of 32 bytes, data."""

_BLOOM_SIZE = 256


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt since Byzantium (EIP-658).

    Attributes:
        type: the transaction's type.
        succeeded: whether it was not reverted and did not run out of gas.
        cumulative_gas_used: by the block up to and with this transaction, in gas.
        logs: in order.
    """

    type: int
    succeeded: bool
    cumulative_gas_used: int
    logs: tuple[Log, ...]

    @property
    def bloom(self) -> bytes:
        """The Bloom filter over the addresses and topics of the logs, 256 bytes."""
        return bloom_of(self.logs)

    def encode(self) -> bytes:
        """The encoding that the receipts trie holds (EIP-2718)."""
        logs = [[address, list(topics), data] for address, topics, data in self.logs]
        items = [int(self.succeeded), self.cumulative_gas_used, self.bloom, logs]
        payload = bytes(rlp.encode(items))
        return bytes([self.type]) + payload if self.type else payload


def receipts_root(receipts: Sequence[Receipt]) -> Hash32:
    """The root that the header names."""
    return list_root([receipt.encode() for receipt in receipts])


def bloom_of(logs: Iterable[Log]) -> bytes:
    """The Bloom filter over logs: three of 2,048 bits for each address and topic."""
    bits = 0
    for address, topics, _ in logs:
        for element in (address, *topics):
            digest = keccak(element)
            for i in (0, 2, 4):
                bits |= 1 << (int.from_bytes(digest[i : i + 2], "big") & 2047)
    return bits.to_bytes(_BLOOM_SIZE, "big")
