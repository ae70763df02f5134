"""An account as a block finds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from blockstm._native.state.account_values import checked_account
from blockstm.types import Hash32

__all__ = ["EMPTY_CODE_HASH", "Account"]

EMPTY_CODE_HASH = Hash32(
    bytes.fromhex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")
)
"""keccak of no bytes."""


@dataclass(frozen=True, slots=True, init=False)
class Account:
    """An account as a block finds it.

    Args:
        code_hash: derived where it is not given, as it must be where only the hash is known.

    Attributes:
        balance: in wei.
        nonce: transactions sent or contracts created.
        code: its code; None where only the hash is known (such code must never be run).
        code_hash: keccak of the code.
        storage: slot → value; a slot not named is zero.

    Raises:
        InputError: a number is not an int or out of range, code is not bytes or has another hash.

    >>> Account(code=b"").code_hash == EMPTY_CODE_HASH
    True
    """

    balance: int
    nonce: int
    code: bytes | None
    code_hash: Hash32
    storage: Mapping[int, int]

    def __init__(
        self,
        balance: int = 0,
        nonce: int = 0,
        code: bytes | None = b"",
        code_hash: bytes | None = None,
        storage: Mapping[int, int] | None = None,
    ) -> None:
        storage = {} if storage is None else storage
        _fill(self, *checked_account(balance, nonce, code, code_hash, storage), storage)

    @property
    def is_empty(self) -> bool:
        """Whether balance, nonce and code are all zero (EIP-161)."""
        return not self.balance and not self.nonce and self.code_hash == EMPTY_CODE_HASH

    @property
    def has_storage(self) -> bool:
        """Whether any slot is not zero."""
        return any(self.storage.values())


def account_from_state(
    balance: int, nonce: int, code: bytes | None, code_hash: bytes, storage: Mapping[int, int]
) -> Account:
    """An account whose members were checked when they came into the state: nothing is hashed."""
    account: Account = object.__new__(Account)
    _fill(account, balance, nonce, code, code_hash, storage)
    return account


def _fill(
    account: Account,
    balance: int,
    nonce: int,
    code: bytes | None,
    code_hash: bytes,
    storage: Mapping[int, int],
) -> None:
    put = object.__setattr__  # it is frozen for everybody else
    put(account, "balance", balance)
    put(account, "nonce", nonce)
    put(account, "code", code)
    put(account, "code_hash", code_hash)
    put(account, "storage", storage)
