"""Transactions in eth-tester's words: a dictionary with snake-cased names, some left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from blockstm.ethereum import Authorization, Message, Transaction
from blockstm.ethereum.blocks.transaction import chain_of
from blockstm.types import Address

__all__ = ["message_of", "unsigned"]

_FEES: Final = ("max_fee_per_gas", "max_priority_fee_per_gas")
_FEE: Final = 10**9


def _priced(transaction: Mapping[str, Any], base_fee: int) -> dict[str, int]:
    """Its price, or its two fees, which are 1 gwei where it says nothing."""
    if "gas_price" in transaction:
        return {"gas_price": transaction["gas_price"]}
    if not any(name in transaction for name in _FEES):
        return dict.fromkeys(_FEES, _FEE)
    tip = transaction.get("max_priority_fee_per_gas", _FEE)
    return {
        "max_fee_per_gas": transaction.get("max_fee_per_gas", tip + 2 * base_fee),
        "max_priority_fee_per_gas": tip,
    }


def _authorizations(transaction: Mapping[str, Any]) -> tuple[Authorization, ...]:
    return tuple(map(_authorization, transaction.get("authorization_list", ())))


def _authorization(given: Any) -> Authorization:
    if isinstance(given, Authorization):
        return given
    names = ("chain_id", "address", "nonce", "y_parity", "r", "s")
    values = [given[name] for name in names] if isinstance(given, Mapping) else list(given)
    return Authorization(values[0], Address(bytes(values[1])), *values[2:])


def _access_list(transaction: Mapping[str, Any]) -> tuple[tuple[Address, tuple[int, ...]], ...]:
    given = transaction.get("access_list", ())
    return tuple((Address(bytes(each[0])), tuple(each[1])) for each in given)


def unsigned(
    transaction: Mapping[str, Any], nonce: int, gas: int, chain_id: int, base_fee: int
) -> Transaction:
    """The transaction that is meant, with its signature where it has one."""
    members: dict[str, Any] = {
        "nonce": transaction.get("nonce", nonce),
        "gas": transaction.get("gas", gas),
        "to": transaction.get("to") or None,
        "value": transaction.get("value", 0),
        "data": transaction.get("data", b""),
        "v": transaction.get("y_parity", transaction.get("v", 0)),
        "r": transaction.get("r", 0),
        "s": transaction.get("s", 0),
        "chain_id": transaction.get("chain_id", chain_id),
        **_priced(transaction, base_fee),
    }
    access = _access_list(transaction)
    if "gas_price" in members:
        if "access_list" not in transaction:
            v = members["v"]
            members["chain_id"] = chain_of(v)
            return Transaction(type=0, **members)
        return Transaction(type=1, access_list=access, **members)
    authorizations = _authorizations(transaction)
    kind = 4 if "authorization_list" in transaction else 2
    return Transaction(type=kind, access_list=access, authorizations=authorizations, **members)


def message_of(transaction: Mapping[str, Any]) -> Message:
    """The call that is meant: it pays nothing for its gas."""
    return Message(
        sender=Address(transaction["from"]),
        to=Address(transaction["to"]) if transaction.get("to") else None,
        value=transaction.get("value", 0),
        data=transaction.get("data", b""),
        gas=transaction.get("gas"),
        access_list=_access_list(transaction),
        authorizations=_authorizations(transaction) or None,
    )
