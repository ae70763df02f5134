"""Messages: what a call is made of, a transaction that nobody signs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from blockstm.errors import InputError
from blockstm.ethereum.blocks.transaction import (
    AccessList,
    Authorization,
    Transaction,
    TransactionType,
)
from blockstm.ethereum.codecs.members import TRANSACTION, check_members, check_one
from blockstm.messages import brief
from blockstm.types import Address, Hash32

__all__ = ["GAS_CAP", "Message", "checked", "message_of", "resolved"]

GAS_CAP: Final = 50_000_000
"""How much gas a call has at most, unless its caller says otherwise; go-ethereum's default."""

_NOBODY: Final = Address(bytes(20))


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A call or a creation, with the members of a transaction that are no signature's.

    Attributes:
        sender: whose nonce, balance and address it has; anybody may be named.
        to: whose code runs; None creates a contract, whose initcode is ``data``.
        value: in wei, which the sender must have.
        data: the input.
        gas: how much it may use; None: as much as a call may have.
        nonce: read only where calls are validated; None: the sender's.
        gas_price: in wei per gas, in place of the two after it; None: those are meant.
        max_fee_per_gas, max_priority_fee_per_gas: in wei per gas. Where both are zero, nothing is
            paid for gas and BASEFEE gives 0.
        max_fee_per_blob_gas: in wei per blob gas; where it is zero, blobs cost nothing.
        access_list: address → slots that are warm from the start (EIP-2930).
        blob_hashes: of a message with blobs (EIP-4844); None of one without.
        authorizations: of a message that sets codes (EIP-7702); None of one that does not.
    """

    sender: Address = _NOBODY
    to: Address | None = None
    value: int = 0
    data: bytes = b""
    gas: int | None = None
    nonce: int | None = None
    gas_price: int | None = None
    max_fee_per_gas: int = 0
    max_priority_fee_per_gas: int = 0
    max_fee_per_blob_gas: int = 0
    access_list: AccessList = ()
    blob_hashes: tuple[Hash32, ...] | None = None
    authorizations: tuple[Authorization, ...] | None = None

    @property
    def type(self) -> int:
        """The type of a transaction with these members."""
        if self.blob_hashes is not None:
            return TransactionType.BLOB
        if self.authorizations is not None:
            return TransactionType.SET_CODE
        if self.gas_price is None:
            return TransactionType.DYNAMIC_FEE
        return TransactionType.ACCESS_LIST if self.access_list else TransactionType.LEGACY

    @property
    def fee_cap(self) -> int:
        """The most that it pays for gas, in wei per gas."""
        return self.max_fee_per_gas if self.gas_price is None else self.gas_price

    @property
    def is_free(self) -> bool:
        """Whether it pays nothing for its gas, whatever the base fee is."""
        return not (self.fee_cap or self.max_priority_fee_per_gas)


def message_of(transaction: Transaction, sender: Address) -> Message:
    """The message that a transaction sends."""
    kind = transaction.type
    has_price = kind <= TransactionType.ACCESS_LIST
    return Message(
        sender=sender,
        to=transaction.to,
        value=transaction.value,
        data=transaction.data,
        gas=transaction.gas,
        nonce=transaction.nonce,
        gas_price=transaction.gas_price if has_price else None,
        max_fee_per_gas=0 if has_price else transaction.max_fee_per_gas,
        max_priority_fee_per_gas=0 if has_price else transaction.max_priority_fee_per_gas,
        max_fee_per_blob_gas=transaction.max_fee_per_blob_gas,
        access_list=transaction.access_list,
        blob_hashes=transaction.blob_hashes if kind == TransactionType.BLOB else None,
        authorizations=transaction.authorizations if kind == TransactionType.SET_CODE else None,
    )


_GIVEN: Final[dict[str, Callable[[Any], str]]] = {
    "to": TRANSACTION["to"],
    "sender": lambda value: TRANSACTION["to"](b"" if value is None else value),
    **{
        name: TRANSACTION[name]
        for name in (
            "value",
            "data",
            "max_fee_per_gas",
            "max_priority_fee_per_gas",
            "max_fee_per_blob_gas",
            "access_list",
        )
    },
}
_OPTIONAL: Final = ("gas", "nonce", "gas_price", "blob_hashes", "authorizations")


def checked(message: Any, place: str = "message") -> Message:
    """The same message, if it is one.

    Raises:
        InputError: it is something else, a member is of the wrong kind, or there are fees of both
            kinds.
    """
    check_one(message, Message, place)
    check_members(message, _GIVEN, place)
    given = {name: TRANSACTION[name] for name in _OPTIONAL if getattr(message, name) is not None}
    check_members(message, given, place)
    if message.gas_price is not None and (
        message.max_fee_per_gas or message.max_priority_fee_per_gas
    ):
        raise InputError(
            f"{place} has a gas_price and fees per gas as well: {brief(message.gas_price)} and "
            f"{brief(message.max_fee_per_gas)}"
        )
    return message  # type: ignore[no-any-return]  # it was checked


def resolved(message: Message, gas_max: int, nonce: int = 0) -> Message:
    """A message with all that running it takes: gas, at most ``gas_max``, a nonce, two fees."""
    gas = gas_max if message.gas is None else min(message.gas, gas_max)
    price = message.gas_price
    if gas == message.gas and message.nonce is not None and price is None:
        return message
    return replace(
        message,
        gas=gas,
        nonce=nonce if message.nonce is None else message.nonce,
        gas_price=None,
        max_fee_per_gas=message.max_fee_per_gas if price is None else price,
        max_priority_fee_per_gas=message.max_priority_fee_per_gas if price is None else price,
    )
