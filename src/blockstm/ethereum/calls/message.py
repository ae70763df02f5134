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
from blockstm.ethereum.codecs.members import TRANSACTION, check_members
from blockstm.kinds import check_kind
from blockstm.messages import brief
from blockstm.types import Address, Hash32

__all__ = ["GAS_CAP", "Message", "checked", "message_of", "priced"]

GAS_CAP: Final = 50_000_000
"""How much gas a call has at most, unless its caller says otherwise; go-ethereum's default."""

_ADDRESS_SIZE: Final = 20
_UINT64_MAX: Final = 2**64 - 1
_NOTHING: Final = 0  # the defaults, by identity
_NO_LIST: Final[AccessList] = ()
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
    max_fee_per_gas: int = _NOTHING
    max_priority_fee_per_gas: int = _NOTHING
    max_fee_per_blob_gas: int = _NOTHING
    access_list: AccessList = _NO_LIST
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
    check_kind(transaction, Transaction, "transaction")
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
    if _is_plainly_right(message):
        return message  # type: ignore[no-any-return]  # it was checked
    check_kind(message, Message, place)
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


def _is_plainly_right(message: Any) -> bool:
    """Whether it surely is right; told at once, as there may be thousands."""
    return (
        type(message) is Message
        and type(message.sender) is bytes
        and len(message.sender) == _ADDRESS_SIZE
        and type(message.to) is bytes
        and len(message.to) == _ADDRESS_SIZE
        and type(message.data) is bytes
        and type(message.value) is int
        and 0 <= message.value <= _UINT64_MAX
        and (message.gas is None or (type(message.gas) is int and 0 <= message.gas <= _UINT64_MAX))
        and message.nonce is None
        and message.gas_price is None
        and message.blob_hashes is None
        and message.authorizations is None
        and message.max_fee_per_gas is message.max_priority_fee_per_gas is _NOTHING
        and message.max_fee_per_blob_gas is _NOTHING
        and message.access_list is _NO_LIST
    )


def priced(message: Message) -> Message:
    """The same with two fees, if its type has none by one price."""
    if message.gas_price is None or message.type <= TransactionType.ACCESS_LIST:
        return message
    price = message.gas_price
    return replace(message, gas_price=None, max_fee_per_gas=price, max_priority_fee_per_gas=price)
