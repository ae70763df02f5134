"""The figures of Amsterdam, as of Glamsterdam's devnet 8, for rules that need no state.

The EVM has the same figures in `_native/evm/forks/amsterdam.hpp`, under the same names; a test
holds the two together. In gas where nothing else is said.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ACCESS_LIST_ITEM",
    "AUTHORIZATION",
    "CODE_SIZE_MAX",
    "FLOOR_BYTE",
    "LISTED_ADDRESS",
    "LISTED_SLOT",
    "NEW_ACCOUNT",
    "NEW_DELEGATION",
    "NEW_SLOT",
    "STATE_BYTE",
    "TRANSACTION",
    "TRANSACTION_CREATION",
    "TRANSACTION_RECIPIENT",
    "TRANSACTION_VALUE",
]

# EIP-8037: what makes the state grow costs by the byte.
STATE_BYTE: Final = 1530
NEW_ACCOUNT: Final = 120 * STATE_BYTE
NEW_SLOT: Final = 64 * STATE_BYTE
NEW_DELEGATION: Final = 23 * STATE_BYTE

# EIP-2780: what a transaction does is paid for apart.
TRANSACTION: Final = 12_000
TRANSACTION_VALUE: Final = 6_000
TRANSACTION_RECIPIENT: Final = 3_000
TRANSACTION_CREATION: Final = 12_000
AUTHORIZATION: Final = 101 * 16 + 2 * 3_000 + 2 * 100

# EIP-8038, EIP-7976, EIP-7981.
LISTED_ADDRESS: Final = 2_900
LISTED_SLOT: Final = 2_000
FLOOR_BYTE: Final = 64

CODE_SIZE_MAX: Final = 65_536
"""Of a contract's code, in bytes (EIP-7954); initcode may be twice as long."""

ACCESS_LIST_ITEM: Final = 2_000
"""A block's access list has at most one item for so much of its gas limit (EIP-7928)."""
