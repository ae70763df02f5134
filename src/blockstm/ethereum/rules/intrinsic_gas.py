"""Intrinsic gas: the cost of a transaction before its code runs (Yellow Paper 6.2, g0).

The figures are the native core's (``_native/wire/intrinsic_gas.hpp``), Amsterdam's in `amsterdam`.
This is what they mean, slowly: the EVM and the filter in front of the rules are tested against it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from blockstm._native.wire.plain_rules import INTRINSIC_GAS
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.chains import amsterdam
from blockstm.types import Address
from blockstm.vm.forks import AMSTERDAM, HOMESTEAD, ISTANBUL, PRAGUE, SHANGHAI, Fork

__all__ = [
    "INITCODE_MAX",
    "IntrinsicGas",
    "floor_token_gas",
    "initcode_max",
    "intrinsic_gas",
    "nonzero_byte_gas",
]

_TRANSACTION: Final[int] = INTRINSIC_GAS["transaction"]
_CREATE: Final[int] = INTRINSIC_GAS["creation"]
_ZERO_BYTE: Final[int] = INTRINSIC_GAS["zero_byte"]
_NONZERO_BYTE: Final[int] = INTRINSIC_GAS["other_byte_at_first"]
_NONZERO_BYTE_ISTANBUL: Final[int] = INTRINSIC_GAS["other_byte"]
_ACCESS_ADDRESS: Final[int] = INTRINSIC_GAS["listed_address"]
_ACCESS_SLOT: Final[int] = INTRINSIC_GAS["listed_slot"]
_INITCODE_WORD: Final[int] = INTRINSIC_GAS["initcode_word"]
_AUTHORIZATION: Final[int] = INTRINSIC_GAS["authorization"]
_FLOOR_TOKEN: Final[int] = INTRINSIC_GAS["floor_token"]
_TOKENS_OF_NONZERO_BYTE: Final[int] = INTRINSIC_GAS["tokens_of_other_byte"]

INITCODE_MAX: Final = 49_152
"""Of a creating transaction's code, in bytes, from Shanghai on (EIP-3860)."""


class IntrinsicGas(NamedTuple):
    """The charges at the start of a transaction.

    Attributes:
        total: charged before code runs.
        floor: what it pays at the least, whatever it does (EIP-7623); 0 before Prague.
    """

    total: int
    floor: int = 0


def initcode_max(fork: Fork) -> int | None:
    """How long a creating transaction's code may be, in bytes; None where it may be any."""
    if fork >= AMSTERDAM:
        return 2 * amsterdam.CODE_SIZE_MAX
    return INITCODE_MAX if fork >= SHANGHAI else None


def nonzero_byte_gas(fork: Fork) -> int:
    """The gas of a byte of data that is not zero."""
    return _NONZERO_BYTE_ISTANBUL if fork >= ISTANBUL else _NONZERO_BYTE


def floor_token_gas(fork: Fork) -> int:
    """The floor price of a token of data, before Amsterdam; 0 before Prague."""
    return _FLOOR_TOKEN if fork >= PRAGUE else 0


def intrinsic_gas(
    transaction: Transaction, fork: Fork, sender: Address | None = None
) -> IntrinsicGas:
    """The intrinsic gas of a transaction under ``fork``.

    From Amsterdam on a call to oneself costs less than others (EIP-2780). Where ``sender`` is
    None, a call is taken for one: the least that it may cost.
    """
    data = transaction.data
    zeros = data.count(0)
    data_gas = _ZERO_BYTE * zeros + nonzero_byte_gas(fork) * (len(data) - zeros)
    if transaction.to is None and fork >= SHANGHAI:
        data_gas += _INITCODE_WORD * ((len(data) + 31) // 32)
    if fork >= AMSTERDAM:
        return _amsterdam(transaction, data_gas, sender)
    regular = _TRANSACTION + data_gas
    slots = _slot_count(transaction)
    regular += _ACCESS_ADDRESS * len(transaction.access_list) + _ACCESS_SLOT * slots
    if transaction.to is None and fork >= HOMESTEAD:
        regular += _CREATE
    regular += _AUTHORIZATION * len(transaction.authorizations)
    tokens = zeros + _TOKENS_OF_NONZERO_BYTE * (len(data) - zeros)
    floor = _TRANSACTION + floor_token_gas(fork) * tokens if fork >= PRAGUE else 0
    return IntrinsicGas(regular, floor)


def _slot_count(transaction: Transaction) -> int:
    return sum(len(slots) for _, slots in transaction.access_list)


def _amsterdam(transaction: Transaction, data_gas: int, sender: Address | None) -> IntrinsicGas:
    """A byte costs the same at the floor, whatever it is (EIP-7976); so does a byte of an access
    list, and it is paid for in any case (EIP-7981)."""
    addresses, slots = len(transaction.access_list), _slot_count(transaction)
    listed = amsterdam.FLOOR_BYTE * (20 * addresses + 32 * slots)
    base = amsterdam.TRANSACTION + listed
    if transaction.to is None:
        base += amsterdam.TRANSACTION_CREATION
    elif sender is not None and transaction.to != sender:
        base += amsterdam.TRANSACTION_RECIPIENT
        base += amsterdam.TRANSACTION_VALUE if transaction.value else 0
    regular = base + data_gas
    regular += amsterdam.LISTED_ADDRESS * addresses + amsterdam.LISTED_SLOT * slots
    regular += amsterdam.AUTHORIZATION * len(transaction.authorizations)
    return IntrinsicGas(regular, base + amsterdam.FLOOR_BYTE * len(transaction.data))
