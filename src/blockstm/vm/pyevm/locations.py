"""The locations of an Ethereum account: one exact key for each thing a transaction can look at.

=====================================  =====================================================
``(address, "balance")``               wei
``(address, "nonce")``                 transactions sent or contracts created
``(address, "code_hash")``             keccak of the code; what runs and what is reported
``("code", code_hash)``                the code itself, addressed by its content
``(address, "recorded")``              True: the account exists even if all else of it is zero
``(address, "epoch")``                 how often its storage has been cleared in this block
``(address, "storage", epoch, slot)``  a storage slot; every look at a slot reads the epoch first
=====================================  =====================================================

A location that is zero, or the hash of no code, holds no value. An account exists if it is
recorded or anything of it is not zero (`EIP-161`_ calls the rest empty), so that a transaction
that only pays an account writes one delta and asks nothing about the account's existence.

.. _EIP-161: https://eips.ethereum.org/EIPS/eip-161
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eth_typing import Address, Hash32

__all__ = [
    "EMPTY_CODE_HASH",
    "Account",
    "AccountState",
    "balance_of",
    "code_hash_of",
    "code_with",
    "epoch_of",
    "nonce_of",
    "recorded_of",
    "slot_of",
]

EMPTY_CODE_HASH = Hash32(
    bytes.fromhex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")
)
"""keccak of no bytes."""


def balance_of(address: Address) -> tuple[Address, str]:
    """The location of a balance, in wei."""
    return (address, "balance")


def nonce_of(address: Address) -> tuple[Address, str]:
    """The location of a nonce."""
    return (address, "nonce")


def code_hash_of(address: Address) -> tuple[Address, str]:
    """The location of the hash of an account's code."""
    return (address, "code_hash")


def code_with(code_hash: Hash32) -> tuple[str, Hash32]:
    """The location of the code that has this hash."""
    return ("code", code_hash)


def recorded_of(address: Address) -> tuple[Address, str]:
    """The location of the mark that an account exists although it is empty."""
    return (address, "recorded")


def epoch_of(address: Address) -> tuple[Address, str]:
    """The location of the count of how often the account's storage was cleared."""
    return (address, "epoch")


def slot_of(address: Address, epoch: int, slot: int) -> tuple[Address, str, int, int]:
    """The location of a storage slot in one epoch of its account."""
    return (address, "storage", epoch, slot)


@dataclass(frozen=True, slots=True)
class Account:
    """An account as a block finds it.

    Attributes:
        balance: in wei.
        nonce: transactions sent or contracts created.
        code: its code; None where only the hash is known (such code must never be run).
        code_hash: keccak of the code.
        storage: slot → value; a slot not named is zero.
    """

    balance: int = 0
    nonce: int = 0
    code: bytes | None = b""
    code_hash: Hash32 = EMPTY_CODE_HASH
    storage: Mapping[int, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether balance, nonce and code are all zero (EIP-161)."""
        return not self.balance and not self.nonce and self.code_hash == EMPTY_CODE_HASH


class AccountState:
    """Accounts as a state for the engine: location → value. Immutable, safe from any thread.

    ``accounts`` are all accounts there are; an address that is not among them does not exist.
    """

    def __init__(self, accounts: Mapping[Address, Account]) -> None:
        self._values: dict[Any, Any] = {}
        self._withheld: set[Any] = set()
        for address, account in accounts.items():
            self._values.update(_values_of(address, account))
            if account.code is None:
                self._withheld.add(code_with(account.code_hash))
        self._withheld.difference_update(self._values)

    def get(self, key: Any) -> Any:
        """The value at a location, None where there is none.

        Raises:
            LookupError: the code was asked for of an account of which only the hash is known.
        """
        if key in self._withheld:
            raise LookupError(f"the state has only the hash of the code 0x{key[1].hex()}")
        return self._values.get(key)

    def __len__(self) -> int:
        return len(self._values)


def _values_of(address: Address, account: Account) -> Iterable[tuple[Any, Any]]:
    if account.is_empty:
        yield recorded_of(address), True
    if account.balance:
        yield balance_of(address), account.balance
    if account.nonce:
        yield nonce_of(address), account.nonce
    if account.code_hash != EMPTY_CODE_HASH:
        yield code_hash_of(address), account.code_hash
        if account.code is not None:
            yield code_with(account.code_hash), account.code
    for slot, value in account.storage.items():
        if value:
            yield slot_of(address, 0, slot), value
