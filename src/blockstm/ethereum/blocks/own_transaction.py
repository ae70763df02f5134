"""Transactions of a type of a chain's own, which say who sent them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blockstm.errors import ConfigError, DecodeError, InputError
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.codecs.members import OWN_TRANSACTION, check_members
from blockstm.messages import brief
from blockstm.types import Address

__all__ = ["OwnTransaction", "decode_own"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTransaction(Transaction):
    """A transaction of a type that no fork has; see `blockstm.ethereum.OwnTransactionType`.

    A class made of it, a frozen dataclass, has the members of the type beside these, and gives its
    encoding by `payload`.

    Attributes:
        sender: who sent it, as the type tells it.
        mint: what its sender gets first, in wei; only where the type is prepaid.
        nonce, max_fee_per_gas, max_priority_fee_per_gas, access_list: as of a transaction of type
            2, only where the type is not prepaid.

    Immutable; safe from any thread.
    """

    sender: Address
    mint: int = 0
    nonce: int = 0
    v: int = 0
    r: int = 0
    s: int = 0

    def payload(self) -> bytes:
        """What stands behind the type's number in its encoding."""
        raise NotImplementedError(f"{type(self).__name__} has no payload(self) -> bytes")

    def encode(self) -> bytes:
        """The encoding that blocks carry and tries hold (EIP-2718).

        Raises:
            InputError: a member is of the wrong kind or out of range, or `payload` gives no bytes.
        """
        if self._encoding is not None:
            return self._encoding
        check_members(self, OWN_TRANSACTION, "transaction")
        payload = self.payload()
        if type(payload) is not bytes:
            raise InputError(f"the payload of a transaction is bytes, not {brief(payload)}")
        encoding = bytes((self.type,)) + payload
        object.__setattr__(self, "_encoding", encoding)  # what it is made of cannot change
        return encoding

    def to_json(self) -> dict[str, Any]:
        """The members of a JSON-RPC transaction that those of all types have.

        Raises:
            InputError: a member is of the wrong kind or out of range.
        """
        check_members(self, OWN_TRANSACTION, "transaction")
        members = {
            "type": shown(self.type),
            "from": shown(self.sender),
            "nonce": shown(self.nonce),
            "gas": shown(self.gas),
            "to": None if self.to is None else shown(self.to),
            "value": shown(self.value),
            "input": shown(self.data),
        }
        return members | ({"mint": shown(self.mint)} if self.mint else {})


def decode_own(types: Mapping[int, Any], encoding: bytes, place: str) -> OwnTransaction:
    """A transaction of one of these types, from its encoding.

    Raises:
        DecodeError: it is none, or not the only encoding of it.
        ConfigError: ``decode`` of the type gives something else.
    """
    number = encoding[0]
    try:
        made = types[number].decode(encoding[1:])
    except (ConfigError, MemoryError):
        raise
    except Exception as error:
        said = error if isinstance(error, DecodeError) else brief(error)
        raise DecodeError(f"{place}: no transaction of type {number}: {said}", place) from error
    if not isinstance(made, OwnTransaction) or made.type != number:
        raise ConfigError(
            f"decode of type {number} gives an OwnTransaction of this type, not {brief(made)}"
        )
    try:
        again = made.encode()
    except InputError as error:
        raise DecodeError(f"{place}: {error}", place) from error
    if again != encoding:
        raise DecodeError(f"{place}: not the only encoding of its transaction", place)
    return made
