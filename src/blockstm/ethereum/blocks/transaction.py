"""A signed transaction of any type: from RLP and JSON, to its encoding, to what was signed.

Types: 0 legacy (with EIP-155), 1 access list (EIP-2930), 2 dynamic fee (EIP-1559), 3 blob
(EIP-4844), 4 set code (EIP-7702).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from blockstm._native.wire.decoding import cut_out, decode_one, fill
from blockstm.errors import DecodeError
from blockstm.ethereum.codecs.fields import Fields, parse_hash, parse_word, shown
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.members import (
    AUTHORIZATION,
    TRANSACTION,
    check_members,
    check_members_of_type,
)
from blockstm.ethereum.codecs.rlp import Item, Items, check_encoding, encode
from blockstm.types import Address, Hash32

__all__ = [
    "AccessList",
    "Authorization",
    "Transaction",
    "TransactionType",
    "chain_of",
    "not_encoded",
]


class TransactionType:
    """The numbers of the transaction types (EIP-2718)."""

    LEGACY: Final = 0
    ACCESS_LIST: Final = 1
    DYNAMIC_FEE: Final = 2
    BLOB: Final = 3
    SET_CODE: Final = 4


_LEGACY_LIST: Final = 0xC0  # the first byte of a list: of a transaction without a type
_GAS_BITS: Final = 64
_IS_DECODED: Final = attrgetter("_is_decoded")

AccessList = tuple[tuple[Address, tuple[int, ...]], ...]
"""Address → slots that a transaction says it will use (EIP-2930)."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """A signed wish to run another account's code (EIP-7702)."""

    chain_id: int
    address: Address
    nonce: int
    y_parity: int
    r: int
    s: int

    @classmethod
    def from_fields(cls, fields: Fields) -> Authorization:
        """Read one element of ``authorizationList``."""
        return cls(
            fields.quantity("chainId"),
            fields.address("address"),
            fields.quantity("nonce", 64),
            _parity(fields),
            fields.word("r"),
            fields.word("s"),
        )

    @classmethod
    def from_items(cls, items: Items) -> Authorization:
        """Read one element of a transaction's list of them."""
        authorization = cls(
            items.quantity("chainId"),
            items.address("address"),
            items.quantity("nonce", 64),
            items.quantity("yParity", 8),
            items.quantity("r"),
            items.quantity("s"),
        )
        items.end()
        return authorization

    def to_json(self) -> dict[str, Any]:
        """The members of a JSON-RPC authorization.

        Raises:
            InputError: a member is of the wrong kind or out of range.
        """
        check_members(self, AUTHORIZATION, "authorization")
        names = ("chainId", "address", "nonce", "yParity", "r", "s")
        return dict(zip(names, map(shown, self.rlp_items()), strict=True))

    def rlp_items(self) -> list[bytes | int]:
        """The items of a transaction's encoding."""
        return [self.chain_id, self.address, self.nonce, self.y_parity, self.r, self.s]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A signed transaction; fees in wei per gas, value in wei.

    ``y_parity`` is None for a legacy transaction whose ``v`` names no curve point at all.
    ``gas_price`` stands for both fees in types 0 and 1. ``chain_id`` is None where a legacy
    transaction is valid on every chain. ``to`` None creates a contract.

    That it is decoded says nothing of its being valid: see `transaction_rules`.

    One that is decoded reads its members off its encoding when the first of them is asked for.
    Until then, one that a block was decoded with holds the block's bytes, and no copy of its own.
    Immutable all the same; safe from any thread: each thread that fills it puts the same values in.
    """

    type: int
    nonce: int
    gas: int
    to: Address | None
    value: int
    data: bytes
    v: int
    r: int
    s: int
    chain_id: int | None = None
    gas_price: int = 0
    max_fee_per_gas: int = 0
    max_priority_fee_per_gas: int = 0
    max_fee_per_blob_gas: int = 0
    access_list: AccessList = ()
    blob_hashes: tuple[Hash32, ...] = ()
    authorizations: tuple[Authorization, ...] = ()
    _encoding: bytes | None = field(default=None, init=False, repr=False, compare=False)
    _is_decoded: bool = field(default=False, init=False, repr=False, compare=False)

    @classmethod
    def from_fields(cls, fields: Fields) -> Transaction:
        """Read a JSON-RPC transaction.

        Raises:
            DecodeError: a member is missing or malformed, or the type is unknown.
        """
        kind = fields.quantity_or_none("type", 8) or TransactionType.LEGACY
        if kind > TransactionType.SET_CODE:
            place = fields.place_of("type")
            raise DecodeError(f"{place}: no transaction type {kind} is known", place)
        members: dict[str, Any] = {
            "type": kind,
            "nonce": fields.quantity("nonce", 64),
            "gas": fields.quantity("gas", _GAS_BITS),
            "to": fields.address_or_none("to"),
            "value": fields.quantity("value"),
            "data": fields.data(fields.named("input", "data")),
            "r": fields.word("r"),
            "s": fields.word("s"),
            **_signature_and_chain(fields, kind),
        }
        if kind <= TransactionType.ACCESS_LIST:
            members["gas_price"] = fields.quantity("gasPrice")
        else:
            members["max_fee_per_gas"] = fields.quantity("maxFeePerGas")
            members["max_priority_fee_per_gas"] = fields.quantity("maxPriorityFeePerGas")
        if kind >= TransactionType.ACCESS_LIST:
            members["access_list"] = _access_list(fields)
        if kind == TransactionType.BLOB:
            members["max_fee_per_blob_gas"] = fields.quantity("maxFeePerBlobGas")
            members["blob_hashes"] = tuple(
                parse_hash(*element) for element in fields.elements("blobVersionedHashes")
            )
        if kind == TransactionType.SET_CODE:
            members["authorizations"] = tuple(
                Authorization.from_fields(Fields(*element))
                for element in fields.elements("authorizationList")
            )
        return cls(**members)

    @classmethod
    def decode(cls, encoding: bytes, place: str = "transaction") -> Transaction:
        """Read a transaction as blocks carry and tries hold it (EIP-2718).

        Raises:
            DecodeError: ``encoding`` is of no transaction, or not the only encoding of it.
        """
        decoded = decode_one(cls, encoding)
        return cls._decode_now(encoding, place) if decoded is None else decoded

    @classmethod
    def _decode_now(cls, encoding: bytes, place: str) -> Transaction:
        """`decode` with all members at once, item by item, and whatever is wrong in words."""
        check_encoding(encoding, place)
        if not encoding:
            raise DecodeError(f"{place}: no bytes at all", place)
        if encoding[0] >= _LEGACY_LIST:
            transaction = cls._from_items(Items(encoding, place), TransactionType.LEGACY)
        elif TransactionType.LEGACY < encoding[0] <= TransactionType.SET_CODE:
            transaction = cls._from_items(Items(encoding[1:], place), encoding[0])
        else:
            raise DecodeError(f"{place}: no transaction type {encoding[0]} is known", place)
        object.__setattr__(transaction, "_encoding", encoding)
        object.__setattr__(transaction, "_is_decoded", True)
        return transaction

    if not TYPE_CHECKING:  # a checker would take any name for a member's

        def __getattr__(self, name: str) -> Any:
            """Called where a member is not there yet: all are read off the encoding."""
            if name == "_encoding":
                return cut_out(self)
            if name not in _MEMBERS:
                kind = type(self).__name__
                raise AttributeError(f"'{kind}' object has no attribute '{name}'")
            if not fill(self):
                read = self._decode_now(self._encoding, "transaction")
                for member in _MEMBERS:
                    object.__setattr__(self, member, getattr(read, member))
            return object.__getattribute__(self, name)

    @classmethod
    def _from_items(cls, items: Items, kind: int) -> Transaction:
        members: dict[str, Any] = {"type": kind}
        if kind != TransactionType.LEGACY:
            members["chain_id"] = items.quantity("chainId")
        members["nonce"] = items.quantity("nonce", 64)
        if kind <= TransactionType.ACCESS_LIST:
            members["gas_price"] = items.quantity("gasPrice")
        else:
            members["max_priority_fee_per_gas"] = items.quantity("maxPriorityFeePerGas")
            members["max_fee_per_gas"] = items.quantity("maxFeePerGas")
        members["gas"] = items.quantity("gas", _GAS_BITS)
        members["to"] = items.address_or_none("to")
        members["value"] = items.quantity("value")
        members["data"] = items.data("input")
        if kind >= TransactionType.ACCESS_LIST:
            members["access_list"] = _access_list_from(items)
        if kind == TransactionType.BLOB:
            members["max_fee_per_blob_gas"] = items.quantity("maxFeePerBlobGas")
            members["blob_hashes"] = tuple(items.items("blobVersionedHashes").hashes())
        if kind == TransactionType.SET_CODE:
            authorizations = items.lists("authorizationList")
            members["authorizations"] = tuple(map(Authorization.from_items, authorizations))
        if kind == TransactionType.LEGACY:
            members["v"] = items.quantity("v")
            members["chain_id"] = chain_of(members["v"])
        else:
            members["v"] = items.quantity("yParity", 8)
        members["r"] = items.quantity("r")
        members["s"] = items.quantity("s")
        items.end()
        return cls(**members)

    @property
    def y_parity(self) -> int | None:
        """Which of two curve points signed: 0 or 1; None if ``v`` says neither."""
        if self.type != TransactionType.LEGACY:
            parity = self.v
        elif self.chain_id is None:
            parity = self.v - 27
        else:
            parity = self.v - 35 - 2 * self.chain_id
        return parity if parity in (0, 1) else None

    def encode(self) -> bytes:
        """The encoding that blocks carry and tries hold (EIP-2718).

        Raises:
            InputError: a member is of the wrong kind or out of range, or a list that the type does
                not have, which can only be in a transaction that was made by hand.
        """
        if self._encoding is None:
            check_members(self, TRANSACTION, "transaction")
            check_members_of_type(self)
            encoding = self._encode([*self._unsigned_items(), self.v, self.r, self.s])
            object.__setattr__(self, "_encoding", encoding)  # what it is made of cannot change
            return encoding
        return self._encoding

    def to_json(self) -> dict[str, Any]:
        """The members of a JSON-RPC transaction that `from_fields` reads.

        Raises:
            InputError: a member is of the wrong kind or out of range.
        """
        check_members(self, TRANSACTION, "transaction")
        members: dict[str, Any] = {
            "type": shown(self.type),
            "nonce": shown(self.nonce),
            "gas": shown(self.gas),
            "to": None if self.to is None else shown(self.to),
            "value": shown(self.value),
            "input": shown(self.data),
            "v" if self.type == TransactionType.LEGACY else "yParity": shown(self.v),
            "r": shown(self.r),
            "s": shown(self.s),
        }
        if self.chain_id is not None:
            members["chainId"] = shown(self.chain_id)
        if self.type <= TransactionType.ACCESS_LIST:
            members["gasPrice"] = shown(self.gas_price)
        else:
            members["maxFeePerGas"] = shown(self.max_fee_per_gas)
            members["maxPriorityFeePerGas"] = shown(self.max_priority_fee_per_gas)
        if self.type >= TransactionType.ACCESS_LIST:
            members["accessList"] = [
                {
                    "address": shown(address),
                    "storageKeys": [shown(slot.to_bytes(32, "big")) for slot in slots],
                }
                for address, slots in self.access_list
            ]
        if self.type == TransactionType.BLOB:
            members["maxFeePerBlobGas"] = shown(self.max_fee_per_blob_gas)
            members["blobVersionedHashes"] = [shown(each) for each in self.blob_hashes]
        if self.type == TransactionType.SET_CODE:
            members["authorizationList"] = [each.to_json() for each in self.authorizations]
        return members

    @property
    def hash(self) -> Hash32:
        """The transaction's hash."""
        return keccak(self.encode())

    @property
    def signing_hash(self) -> Hash32:
        """The hash that was signed.

        Raises:
            InputError: a member is of the wrong kind or out of range.
        """
        if self._encoding is None:
            check_members(self, TRANSACTION, "transaction")
        items = self._unsigned_items()
        if self.type == TransactionType.LEGACY and self.chain_id is not None:
            items += [self.chain_id, 0, 0]
        return keccak(self._encode(items))

    def _encode(self, items: list[Item]) -> bytes:
        payload = encode(items)
        return payload if self.type == TransactionType.LEGACY else bytes([self.type]) + payload

    def _unsigned_items(self) -> list[Item]:
        receiver_and_data: list[Item] = [self.gas, self.to or b"", self.value, self.data]
        if self.type == TransactionType.LEGACY:
            return [self.nonce, self.gas_price, *receiver_and_data]
        items: list[Item] = [self.chain_id or 0, self.nonce]
        if self.type == TransactionType.ACCESS_LIST:
            items += [self.gas_price]
        else:
            items += [self.max_priority_fee_per_gas, self.max_fee_per_gas]
        items += [*receiver_and_data, _access_list_items(self.access_list)]
        if self.type == TransactionType.BLOB:
            items += [self.max_fee_per_blob_gas, self.blob_hashes]
        if self.type == TransactionType.SET_CODE:
            items += [[authorization.rlp_items() for authorization in self.authorizations]]
        return items


_MEMBERS: Final = frozenset(each.name for each in fields(Transaction) if each.init)


def not_encoded(transactions: Sequence[Transaction]) -> Sequence[int]:
    """The places of those that were neither decoded nor encoded so far: those made by hand."""
    if all(map(_IS_DECODED, transactions)):
        return ()
    return [place for place, each in enumerate(transactions) if each._encoding is None]


def _signature_and_chain(fields: Fields, kind: int) -> dict[str, int | None]:
    if kind != TransactionType.LEGACY:
        return {"v": _parity(fields), "chain_id": fields.quantity("chainId")}
    v = fields.quantity("v")
    return {"v": v, "chain_id": chain_of(v)}


def _parity(fields: Fields) -> int:
    """``yParity``; ``v`` of nodes that have only that: beside it, nodes mean different things."""
    return fields.quantity("yParity" if "yParity" in fields else "v", 8)


def chain_of(v: int) -> int | None:
    """The chain that a legacy transaction's signature names (EIP-155)."""
    return (v - 35) // 2 if v >= 35 else None


def _access_list(fields: Fields) -> AccessList:
    entries = (Fields(*element) for element in fields.elements("accessList"))
    return tuple(
        (
            entry.address("address"),
            tuple(parse_word(*element) for element in entry.elements("storageKeys")),
        )
        for entry in entries
    )


def _access_list_from(items: Items) -> AccessList:
    entries = []
    for entry in items.lists("accessList"):
        address = entry.address("address")
        slots = entry.items("storageKeys")
        entries.append((address, tuple(int.from_bytes(slot, "big") for slot in slots.hashes())))
        entry.end()
    return tuple(entries)


def _access_list_items(entries: AccessList) -> list[Item]:
    return [[address, [slot.to_bytes(32, "big") for slot in slots]] for address, slots in entries]
