"""Messages as transactions that nobody signed: in simulated blocks, and for tracers."""

from __future__ import annotations

from typing import Any

from blockstm.ethereum.blocks.transaction import Transaction, TransactionType
from blockstm.ethereum.calls.message import Message

__all__ = ["unsigned_transaction"]


def unsigned_transaction(message: Message, chain_id: int) -> Transaction:
    """The transaction of a message, of the newest type with its members, and with zeros signed.

    Args:
        message: with gas and nonce.
        chain_id: that it would sign.
    """
    kind = _type_of(message)
    members: dict[str, Any] = {
        "type": kind,
        "nonce": message.nonce,
        "gas": message.gas,
        "to": message.to,
        "value": message.value,
        "data": message.data,
        "v": 0,
        "r": 0,
        "s": 0,
    }
    if kind == TransactionType.LEGACY:
        return Transaction(**members, gas_price=message.gas_price or 0)
    return Transaction(
        **members,
        chain_id=chain_id,
        max_fee_per_gas=message.max_fee_per_gas,
        max_priority_fee_per_gas=message.max_priority_fee_per_gas,
        max_fee_per_blob_gas=message.max_fee_per_blob_gas,
        access_list=message.access_list,
        blob_hashes=message.blob_hashes or (),
        authorizations=message.authorizations or (),
    )


def _type_of(message: Message) -> int:
    """That of go-ethereum: a price makes it legacy."""
    if message.gas_price is not None:
        return TransactionType.LEGACY
    if message.authorizations is not None:
        return TransactionType.SET_CODE
    return TransactionType.DYNAMIC_FEE if message.blob_hashes is None else TransactionType.BLOB
