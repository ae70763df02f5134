"""A block with its transactions, ommers and withdrawals."""

from __future__ import annotations

from dataclasses import dataclass

import rlp
from eth_typing import Address, Hash32

from blockstm.errors import DecodeError
from blockstm.ethereum.fields import Fields
from blockstm.ethereum.hashing import keccak
from blockstm.ethereum.header import Header
from blockstm.ethereum.transaction import Transaction
from blockstm.ethereum.trie import list_root

__all__ = ["Block", "Withdrawal"]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A payment from the beacon chain (EIP-4895); the amount in Gwei."""

    index: int
    validator_index: int
    address: Address
    amount_gwei: int

    @classmethod
    def from_fields(cls, fields: Fields) -> Withdrawal:
        """Read one element of ``withdrawals``."""
        return cls(
            fields.quantity("index", 64),
            fields.quantity("validatorIndex", 64),
            fields.address("address"),
            fields.quantity("amount", 64),
        )

    def encode(self) -> bytes:
        """The encoding that the withdrawals trie holds."""
        items = [self.index, self.validator_index, self.address, self.amount_gwei]
        return bytes(rlp.encode(items))


@dataclass(frozen=True, slots=True)
class Block:
    """A block.

    Attributes:
        hash: what the source says the block's hash is.
        header: see `Header`.
        transactions: in order.
        withdrawals: in order; None before Shanghai.
        ommers: headers of side blocks; None where the source has only their hashes.
        transaction_hashes: what the source says the transactions hash to.
        senders: who the source says sent them; None where it does not say.
    """

    hash: Hash32
    header: Header
    transactions: tuple[Transaction, ...]
    withdrawals: tuple[Withdrawal, ...] | None = None
    ommers: tuple[Header, ...] | None = ()
    transaction_hashes: tuple[Hash32, ...] = ()
    senders: tuple[Address | None, ...] = ()

    @classmethod
    def from_fields(cls, fields: Fields) -> Block:
        """Read a JSON-RPC block with full transactions.

        Raises:
            DecodeError: something is missing or malformed.
        """
        header = Header.from_fields(fields)
        transactions = [Fields(*element) for element in fields.elements("transactions")]
        withdrawals = fields.elements_or_none("withdrawals")
        if (withdrawals is None) != (header.withdrawals_root is None):
            place = fields.place_of("withdrawals")
            raise DecodeError(f"{place}: withdrawals and withdrawalsRoot belong together", place)
        return cls(
            fields.hash("hash"),
            header,
            tuple(Transaction.from_fields(each) for each in transactions),
            None
            if withdrawals is None
            else tuple(Withdrawal.from_fields(Fields(*e)) for e in withdrawals),
            _ommers(fields),
            tuple(each.hash("hash") for each in transactions),
            tuple(each.address_or_none("from") for each in transactions),
        )

    @property
    def transactions_root(self) -> Hash32:
        """The root of the transactions."""
        return list_root([transaction.encode() for transaction in self.transactions])

    @property
    def withdrawals_root(self) -> Hash32 | None:
        """The root of the withdrawals; None before Shanghai."""
        if self.withdrawals is None:
            return None
        return list_root([withdrawal.encode() for withdrawal in self.withdrawals])

    @property
    def ommers_hash(self) -> Hash32 | None:
        """The hash of the ommers' headers; None where they are not known."""
        if self.ommers is None:
            return None
        return keccak(rlp.encode([rlp.decode(ommer.encode()) for ommer in self.ommers]))


def _ommers(fields: Fields) -> tuple[Header, ...] | None:
    elements = fields.elements_or_none("ommers")
    if elements is not None:
        return tuple(Header.from_fields(Fields(*element)) for element in elements)
    return None if fields.elements_or_none("uncles") else ()
