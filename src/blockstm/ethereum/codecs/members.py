"""Types and ranges of the members of headers, transactions, receipts and withdrawals, checked.

A decoded object is right already. An object made from other data may have a number where bytes
belong, or a number that no encoding holds; these checks name the member before anything computes
with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from blockstm.errors import InputError
from blockstm.kinds import check_kind
from blockstm.messages import brief

__all__ = [
    "AUTHORIZATION",
    "HEADER",
    "OWN_TRANSACTION",
    "RECEIPT",
    "TRANSACTION",
    "WITHDRAWAL",
    "Kind",
    "address",
    "check_members",
    "check_members_of_type",
    "hash32",
    "sequence",
    "uint64",
    "word",
]

Kind = Callable[[Any], str]
"""The type that a member should have, in words; empty where it has it."""


def _number(bits: int, value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << bits:
        return ""
    return f"an int from 0 to 2**{bits} - 1"


def _bytes(size: int | None, value: Any) -> str:
    if isinstance(value, bytes) and size in (None, len(value)):
        return ""
    return "bytes" if size is None else f"{size} bytes"


def _or_none(kind: Kind, value: Any) -> str:
    expected = "" if value is None else kind(value)
    return expected and f"{expected}, or None"


def _each(kind: Kind, value: Any) -> str:
    if not isinstance(value, list | tuple):
        return "a tuple"
    return next((f"a tuple of {expected} each" for each in value if (expected := kind(each))), "")


def _access_list_entry(value: Any) -> str:
    if isinstance(value, list | tuple) and len(value) == 2:
        listed, slots = value
        if not address(listed) and not _each(word, slots):
            return ""
    return "an address and a tuple of slots"


uint64: Final = partial(_number, 64)
word: Final = partial(_number, 256)
_data: Final = partial(_bytes, None)
address: Final = partial(_bytes, 20)
hash32: Final = partial(_bytes, 32)

HEADER: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("parent_hash", "ommers_hash", "state_root"), hash32),
    **dict.fromkeys(("transactions_root", "receipts_root", "mix_hash"), hash32),
    "coinbase": address,
    "logs_bloom": partial(_bytes, 256),
    "difficulty": word,
    **dict.fromkeys(("number", "gas_limit", "gas_used", "timestamp"), uint64),
    "extra_data": _data,
    "nonce": partial(_bytes, 8),
    "base_fee_per_gas": partial(_or_none, word),
    **dict.fromkeys(("blob_gas_used", "excess_blob_gas", "slot_number"), partial(_or_none, uint64)),
    **dict.fromkeys(
        ("withdrawals_root", "parent_beacon_block_root", "requests_hash", "block_access_list_hash"),
        partial(_or_none, hash32),
    ),
}
"""Of a `blockstm.ethereum.Header`."""

AUTHORIZATION: Final[Mapping[str, Kind]] = {
    "chain_id": word,
    "address": address,
    "nonce": uint64,
    "y_parity": partial(_number, 8),
    "r": word,
    "s": word,
}
"""Of a `blockstm.ethereum.Authorization`."""


def _authorization(value: Any) -> str:
    right = all(not kind(getattr(value, name, None)) for name, kind in AUTHORIZATION.items())
    return "" if right else "a blockstm.ethereum.Authorization"


TRANSACTION: Final[Mapping[str, Kind]] = {
    "type": lambda value: "" if not uint64(value) and value <= 4 else "an int from 0 to 4",
    "nonce": uint64,
    "gas": uint64,
    "to": partial(_or_none, address),
    "value": word,
    "data": _data,
    **dict.fromkeys(("v", "r", "s"), word),
    "chain_id": partial(_or_none, word),
    **dict.fromkeys(("gas_price", "max_fee_per_gas"), word),
    **dict.fromkeys(("max_priority_fee_per_gas", "max_fee_per_blob_gas"), word),
    "access_list": partial(_each, _access_list_entry),
    "blob_hashes": partial(_each, hash32),
    "authorizations": partial(_each, _authorization),
}
"""Of a `blockstm.ethereum.Transaction`."""

OWN_TRANSACTION: Final[Mapping[str, Kind]] = {
    **TRANSACTION,
    "type": lambda value: "" if not uint64(value) and 4 < value < 0x80 else "an int from 5 to 127",
    "sender": address,
    "mint": word,
    **dict.fromkeys(
        ("blob_hashes", "authorizations"),
        lambda value: "" if value == () else "an empty tuple: its type has none",
    ),
}
"""Of a `blockstm.ethereum.OwnTransaction`."""

# Which types of transactions have lists that not all have. Prices are left out: nodes give the
# price that was paid beside the fees that were signed.
_TYPES_WITH: Final[Mapping[str, tuple[int, ...]]] = {
    "access_list": (1, 2, 3, 4),
    "blob_hashes": (3,),
    "authorizations": (4,),
}

WITHDRAWAL: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("index", "validator_index", "amount_gwei"), uint64),
    "address": address,
}
"""Of a `blockstm.ethereum.Withdrawal`."""


def _log(value: Any) -> str:
    if isinstance(value, list | tuple) and len(value) == 3:
        emitter, topics, data = value
        if not address(emitter) and not _each(hash32, topics) and not _data(data):
            return ""
    return "an address, a tuple of topics and data"


def _named_number(value: Any) -> str:
    is_pair = isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)
    return "" if is_pair and not word(value[1]) else "a name and a number of 256 bits"


RECEIPT: Final[Mapping[str, Kind]] = {
    "type": partial(_number, 7),
    "succeeded": lambda value: "" if isinstance(value, bool) else "a bool",
    "cumulative_gas_used": uint64,
    "logs": partial(_each, _log),
    "state_root": partial(_or_none, hash32),
    "gas_used": partial(_or_none, uint64),
    "contract_address": partial(_or_none, address),
    "extra": partial(_each, _named_number),
}
"""Of a `blockstm.ethereum.Receipt`."""


def check_members(what: object, kinds: Mapping[str, Kind], place: str) -> None:
    """Check all members of an object.

    Args:
        what: the object.
        kinds: its members' names → what they should be.
        place: of the object, for messages.

    Raises:
        InputError: a member is something else; the message names it.
    """
    for name, kind in kinds.items():
        value = getattr(what, name)
        expected = kind(value)
        if expected:
            raise InputError(f"{place}.{name} is {expected}, not {brief(value)}")


def check_members_of_type(transaction: Any) -> None:
    """Check that a transaction has no list that its type does not encode: it would be lost.

    Raises:
        InputError: it has such a member.
    """
    kind = transaction.type
    for name, types in _TYPES_WITH.items():
        if kind not in types and getattr(transaction, name):
            raise InputError(f"a transaction of type {kind} has no {name}")


def sequence(what: object, kind: type, place: str) -> Sequence[Any]:
    """The same as a sequence of objects of a class.

    Raises:
        InputError: it is none.
    """
    if not isinstance(what, list | tuple):
        raise InputError(f"{place} is a tuple, not {brief(what)}")
    if set(map(type, what)) <= {kind}:  # told at once, as a block may have many
        return what
    for index, each in enumerate(what):
        check_kind(each, kind, f"{place}[{index}]")
    return what
