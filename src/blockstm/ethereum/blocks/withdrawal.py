"""Withdrawals: payments from the beacon chain (EIP-4895, from Shanghai on)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from blockstm.ethereum.codecs.fields import Fields, shown
from blockstm.ethereum.codecs.members import WITHDRAWAL, check_members
from blockstm.ethereum.codecs.rlp import Items, encode
from blockstm.types import Address

__all__ = ["Withdrawal"]

_WEI_PER_GWEI: Final = 10**9


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A payment from the beacon chain; the amount in Gwei."""

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

    @classmethod
    def from_items(cls, items: Items) -> Withdrawal:
        """Read one element of a block's list of them."""
        withdrawal = cls(
            items.quantity("index", 64),
            items.quantity("validatorIndex", 64),
            items.address("address"),
            items.quantity("amount", 64),
        )
        items.end()
        return withdrawal

    @classmethod
    def decode(cls, encoding: bytes, place: str = "withdrawal") -> Withdrawal:
        """Read a withdrawal as the withdrawals trie holds it.

        Raises:
            DecodeError: ``encoding`` is of none, or not the only encoding of it.
        """
        return cls.from_items(Items(encoding, place))

    @property
    def amount_wei(self) -> int:
        """The amount, in wei."""
        return self.amount_gwei * _WEI_PER_GWEI

    def encode(self) -> bytes:
        """The encoding that the withdrawals trie holds.

        Raises:
            InputError: a member is of the wrong kind or out of range.
        """
        check_members(self, WITHDRAWAL, "withdrawal")
        return encode([self.index, self.validator_index, self.address, self.amount_gwei])

    def to_json(self) -> dict[str, Any]:
        """The members of a JSON-RPC withdrawal.

        Raises:
            InputError: a member is of the wrong kind or out of range.
        """
        check_members(self, WITHDRAWAL, "withdrawal")
        return {
            "index": shown(self.index),
            "validatorIndex": shown(self.validator_index),
            "address": shown(self.address),
            "amount": shown(self.amount_gwei),
        }
