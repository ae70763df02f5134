"""Transactions and accounts as the tools write them, which is more loosely than JSON-RPC.

A transaction that cannot be one is not an error of the input: it is rejected like one that breaks a
rule, and has the reason in go-ethereum's words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.own_transaction import decode_own
from blockstm.ethereum.blocks.transaction import AccessList, Authorization, Transaction, chain_of
from blockstm.ethereum.blocks.transaction import TransactionType as Type
from blockstm.ethereum.chains.rules import NO_RULES, OwnTransactionType, Rules
from blockstm.ethereum.codecs.loose_fields import LooseFields, loose_bytes, loose_word
from blockstm.ethereum.codecs.rlp import Items
from blockstm.ethereum.execution.senders import address_of_key
from blockstm.ethereum.rules.reasons import Reason
from blockstm.ethereum.transition.signing import sign
from blockstm.state.accounts import Account
from blockstm.types import Address, Hash32

__all__ = [
    "GivenTransaction",
    "accounts_from",
    "transactions_from_json",
    "transactions_from_rlp",
]

_TOO_SHORT: Final = "rlp: input string too short for common.Address, decoding into (types.{}).To"
_NEEDS_RECEIVER: Final = {
    Type.BLOB: ("BlobTx", Reason.BLOB_TRANSACTION_CREATES),
    Type.SET_CODE: ("SetCodeTx", Reason.SET_CODE_TRANSACTION_CREATES),
}
_LEGACY_LIST: Final = 0xC0

OwnTypes = Mapping[int, OwnTransactionType]


@dataclass(frozen=True, slots=True)
class GivenTransaction:
    """A transaction that was handed in: as it is, or why it is none.

    Attributes:
        transaction: None where it could not be read.
        error: why not, in words; empty where it was read.
        reason: the rule that it breaks, where it is one that a `Transaction` may break, too.
    """

    transaction: Transaction | None
    error: str = ""
    reason: Reason | None = None


def accounts_from(value: object, place: str = "alloc") -> dict[Address, Account]:
    """The accounts of an ``alloc``; what one of them lacks is zero.

    Raises:
        DecodeError: a member is malformed, or an account is there twice.
    """
    fields = LooseFields({} if value is None else value, place)
    found = fields.by_key(lambda key, where: Address(loose_bytes(key, where, 20)), "account")
    return {address: _account(LooseFields(each, where)) for address, each, where in found}


def _account(fields: LooseFields) -> Account:
    storage = fields.loose("storage").by_key(loose_word, "slot")
    slots = {slot: loose_word(stored, where) for slot, stored, where in storage}
    return Account(
        fields.number("balance"),
        fields.number("nonce", bits=64),
        fields.loose_bytes("code"),
        storage={slot: stored for slot, stored in slots.items() if stored},
    )


# ---- transactions


def transactions_from_json(
    value: object, chain_id: int, place: str = "txs"
) -> list[GivenTransaction]:
    """The transactions of a list of JSON objects, those without a signature signed.

    One that has a ``secretKey`` and neither v, r nor s is signed with it, for ``chain_id`` unless
    it says that it is not ``protected``.

    Raises:
        DecodeError: a member is missing or malformed.
    """
    elements = LooseFields({"txs": [] if value is None else value}, "").elements("txs")
    return [
        _from_json(LooseFields(each, f"{place}[{index}]"), chain_id)
        for index, (each, _) in enumerate(elements)
    ]


def transactions_from_rlp(
    encoding: bytes, place: str = "txs", *, rules: Rules = NO_RULES
) -> list[GivenTransaction]:
    """The transactions of the RLP of a block's list of them.

    ``rules`` are those of their chain, which may have types of transactions of its own.

    Raises:
        DecodeError: it is no list.
    """
    return list(_each_from_rlp(Items(encoding, place), rules.types))


def _each_from_rlp(items: Items, own_types: OwnTypes) -> Iterator[GivenTransaction]:
    index = 0
    while items:
        name = f"[{index}]"
        is_list = items.next_is_list()
        encoded = items.items(name).encoding if is_list else items.data(name)
        yield _from_rlp(encoded, items.place_of(name), is_list, own_types)
        index += 1


def _from_rlp(encoded: bytes, place: str, is_list: bool, own_types: OwnTypes) -> GivenTransaction:
    if not is_list and encoded[:1] >= bytes((_LEGACY_LIST,)):
        return GivenTransaction(None, "rlp: a transaction without a type is no bytes")
    try:
        if encoded and not is_list and encoded[0] in own_types:
            return GivenTransaction(decode_own(own_types, encoded, place))
        transaction = Transaction.decode(encoded, place)
        return _checked(transaction)
    except DecodeError as error:
        is_unknown = not is_list and encoded[:1] > bytes((Type.SET_CODE,))
        if is_unknown and encoded[0] not in own_types:
            words = "transaction type not supported"
            return GivenTransaction(None, words, Reason.TYPE_NOT_SUPPORTED)
        return GivenTransaction(None, f"rlp: {error}")


def _checked(transaction: Transaction) -> GivenTransaction:
    """Types of their own that must have a receiver cannot even be written without one."""
    if transaction.to is None and transaction.type in _NEEDS_RECEIVER:
        name, reason = _NEEDS_RECEIVER[transaction.type]
        return GivenTransaction(transaction, _TOO_SHORT.format(name), reason)
    return GivenTransaction(transaction)


def _from_json(fields: LooseFields, chain_id: int) -> GivenTransaction:
    kind = fields.number("type", bits=8)
    if kind > Type.SET_CODE:
        return GivenTransaction(None, "transaction type not supported", Reason.TYPE_NOT_SUPPORTED)
    members = _members(fields, kind)
    transaction = Transaction(**members)
    if "secretKey" in fields and not (members["v"] or members["r"] or members["s"]):
        key = fields.loose_bytes("secretKey", 32)
        address_of_key(key, fields.place_of("secretKey"))  # or it is no key
        protected = "protected" not in fields or fields.member("protected") is not False
        transaction = sign(transaction, key, chain_id, protected=protected)
    return _checked(transaction)


def _members(fields: LooseFields, kind: int) -> dict[str, Any]:
    fields.member("nonce")
    data = "input" if "input" in fields else "data"
    members: dict[str, Any] = {
        "type": kind,
        "nonce": fields.number("nonce", bits=64),
        "gas": fields.number("gas" if "gas" in fields else "gasLimit", bits=64),
        "to": _address_or_none(fields, "to"),
        "value": fields.number("value"),
        "data": fields.loose_bytes(data),
        "r": fields.number("r"),
        "s": fields.number("s"),
        **_signature(fields, kind),
    }
    if kind <= Type.ACCESS_LIST:
        members["gas_price"] = fields.number("gasPrice")
    else:
        members["max_fee_per_gas"] = fields.number("maxFeePerGas")
        members["max_priority_fee_per_gas"] = fields.number("maxPriorityFeePerGas")
    if kind >= Type.ACCESS_LIST:
        members["access_list"] = _access_list(fields)
    if kind == Type.BLOB:
        members["max_fee_per_blob_gas"] = fields.number("maxFeePerBlobGas")
        members["blob_hashes"] = tuple(
            Hash32(loose_bytes(value, where, 32))
            for value, where in fields.elements_or_none("blobVersionedHashes") or ()
        )
    if kind == Type.SET_CODE:
        listed = fields.elements_or_none("authorizationList") or ()
        members["authorizations"] = tuple(_authorization(LooseFields(*each)) for each in listed)
    return members


def _signature(fields: LooseFields, kind: int) -> dict[str, int | None]:
    if kind != Type.LEGACY:
        name = "yParity" if "yParity" in fields else "v"
        return {"v": fields.number(name, bits=8), "chain_id": fields.number("chainId")}
    v = fields.number("v")
    return {"v": v, "chain_id": chain_of(v)}


def _address_or_none(fields: LooseFields, name: str) -> Address | None:
    if name not in fields or fields.member(name) in ("", "0x"):
        return None
    return Address(fields.loose_bytes(name, 20))


def _access_list(fields: LooseFields) -> AccessList:
    entries = (LooseFields(*each) for each in fields.elements_or_none("accessList") or ())
    return tuple(
        (
            Address(entry.loose_bytes("address", 20)),
            tuple(loose_word(*slot) for slot in entry.elements_or_none("storageKeys") or ()),
        )
        for entry in entries
    )


def _authorization(fields: LooseFields) -> Authorization:
    name = "yParity" if "yParity" in fields else "v"
    return Authorization(
        fields.number("chainId"),
        Address(fields.loose_bytes("address", 20)),
        fields.number("nonce", bits=64),
        fields.number(name),
        fields.number("r"),
        fields.number("s"),
    )
