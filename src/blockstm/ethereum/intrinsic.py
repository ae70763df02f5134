"""What a transaction costs before any of its code runs (Yellow Paper 6.2, g0), in gas.

Each figure stands with the fork that set it. The EVM charges by its own table; that both agree is
tested on the official tests.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from blockstm.ethereum.forks import (
    AMSTERDAM,
    HOMESTEAD,
    ISTANBUL,
    PRAGUE,
    SHANGHAI,
    Fork,
)
from blockstm.ethereum.transaction import Transaction

__all__ = [
    "INITCODE_MAX",
    "IntrinsicGas",
    "floor_token_gas",
    "initcode_max",
    "intrinsic_gas",
    "nonzero_byte_gas",
    "state_byte_cost",
]

_TRANSACTION: Final = 21_000
_CREATE: Final = 32_000  # from Homestead on (EIP-2)
_ZERO_BYTE: Final = 4
_NONZERO_BYTE: Final = 68
_NONZERO_BYTE_ISTANBUL: Final = 16  # EIP-2028
_ACCESS_ADDRESS: Final = 2_400  # EIP-2930
_ACCESS_SLOT: Final = 1_900
_INITCODE_WORD: Final = 2  # EIP-3860
_AUTHORIZATION: Final = 25_000  # EIP-7702
_FLOOR_TOKEN: Final = 10  # EIP-7623; a zero byte is a token, another byte four

_ACCOUNT_BYTES: Final = 112  # EIP-8037: state is charged by the byte
_DELEGATION_BYTES: Final = 23
_CREATE_AMSTERDAM: Final = 9_000
_AUTHORIZATION_AMSTERDAM: Final = 7_500
_FLOOR_TOKEN_AMSTERDAM: Final = 16  # EIP-7976: every byte is four tokens
_ADDRESS_TOKENS: Final = 4 * 20  # EIP-7981: an access list's bytes are tokens too
_SLOT_TOKENS: Final = 4 * 32

INITCODE_MAX: Final = 49_152
"""Of a creating transaction's code, in bytes, from Shanghai on (EIP-3860)."""

_INITCODE_MAX_AMSTERDAM: Final = 65_536  # EIP-7954

# EIP-8037: the state is to grow by this many bytes a year, with blocks half full.
_STATE_BYTES_A_YEAR: Final = 100 << 30
_BLOCKS_A_YEAR: Final = 2_628_000
_STATE_BYTE_OFFSET: Final = 9_578
_STATE_BYTE_BITS: Final = 5


class IntrinsicGas(NamedTuple):
    """What a transaction is charged at its start.

    Attributes:
        regular: for what it makes nodes do.
        state: for what it makes nodes keep (EIP-8037); 0 before Amsterdam.
        floor: what it pays at the least, whatever it does (EIP-7623); 0 before Prague.
    """

    regular: int
    state: int = 0
    floor: int = 0

    @property
    def total(self) -> int:
        """What is charged before code runs."""
        return self.regular + self.state


def initcode_max(fork: Fork) -> int | None:
    """How long a creating transaction's code may be, in bytes; None where it may be any."""
    if fork >= AMSTERDAM:
        return _INITCODE_MAX_AMSTERDAM
    return INITCODE_MAX if fork >= SHANGHAI else None


def state_byte_cost(gas_limit: int) -> int:
    """What a byte of new state costs in a block of this gas limit, in gas (EIP-8037).

    It follows the limit in coarse steps: only the first five bits of it, past an offset, count.
    """
    exact = -(-gas_limit * _BLOCKS_A_YEAR // (2 * _STATE_BYTES_A_YEAR)) + _STATE_BYTE_OFFSET
    dropped = max(exact.bit_length() - _STATE_BYTE_BITS, 0)
    return max((exact >> dropped << dropped) - _STATE_BYTE_OFFSET, 1)


def nonzero_byte_gas(fork: Fork) -> int:
    """What a byte of data that is not zero is charged."""
    return _NONZERO_BYTE_ISTANBUL if fork >= ISTANBUL else _NONZERO_BYTE


def floor_token_gas(fork: Fork) -> int:
    """What a token of data costs at the least, before Amsterdam; 0 before Prague."""
    return _FLOOR_TOKEN if fork >= PRAGUE else 0


def intrinsic_gas(transaction: Transaction, fork: Fork, gas_limit: int) -> IntrinsicGas:
    """The intrinsic gas of a transaction under ``fork``, in a block of ``gas_limit``."""
    data = transaction.data
    zeros = data.count(0)
    regular = _TRANSACTION + _ZERO_BYTE * zeros + nonzero_byte_gas(fork) * (len(data) - zeros)
    slots = sum(len(slots) for _, slots in transaction.access_list)
    regular += _ACCESS_ADDRESS * len(transaction.access_list) + _ACCESS_SLOT * slots
    if transaction.to is None and fork >= SHANGHAI:
        regular += _INITCODE_WORD * ((len(data) + 31) // 32)
    if fork >= AMSTERDAM:
        return _amsterdam(transaction, regular, slots, gas_limit)
    if transaction.to is None and fork >= HOMESTEAD:
        regular += _CREATE
    regular += _AUTHORIZATION * len(transaction.authorizations)
    tokens = zeros + 4 * (len(data) - zeros)
    floor = _TRANSACTION + floor_token_gas(fork) * tokens if fork >= PRAGUE else 0
    return IntrinsicGas(regular, floor=floor)


def _amsterdam(transaction: Transaction, regular: int, slots: int, gas_limit: int) -> IntrinsicGas:
    authorizations = len(transaction.authorizations)
    state_bytes = (_ACCOUNT_BYTES + _DELEGATION_BYTES) * authorizations
    if transaction.to is None:
        regular += _CREATE_AMSTERDAM
        state_bytes += _ACCOUNT_BYTES
    regular += _AUTHORIZATION_AMSTERDAM * authorizations
    listed = _ADDRESS_TOKENS * len(transaction.access_list) + _SLOT_TOKENS * slots
    regular += _FLOOR_TOKEN_AMSTERDAM * listed
    floor = _TRANSACTION + _FLOOR_TOKEN_AMSTERDAM * (4 * len(transaction.data) + listed)
    return IntrinsicGas(regular, state_byte_cost(gas_limit) * state_bytes, floor)
