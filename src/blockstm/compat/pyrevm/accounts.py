"""Accounts, and points that an EVM is taken back to."""

from __future__ import annotations

from typing import NamedTuple

from blockstm.ethereum.codecs.hashing import keccak
from blockstm.state.account import EMPTY_CODE_HASH

__all__ = ["AccountInfo", "JournalCheckpoint"]

_NO_CODE = b"\0"  # what pyrevm shows where an account has none


class JournalCheckpoint(NamedTuple):
    """A point that `EVM.revert` takes back to.

    Attributes:
        log_i: how many logs there were.
        journal_i: tells it from others.
    """

    log_i: int
    journal_i: int


class AccountInfo:
    """An account without its storage. Immutable.

    Attributes:
        balance: in wei.
        nonce: transactions sent or contracts created.
        code: what it runs; one zero byte for nothing, as pyrevm has it; None where nobody said.
        code_hash: keccak of the code.
    """

    __slots__ = ("balance", "code", "code_hash", "nonce")

    def __init__(
        self,
        balance: int | None = None,
        nonce: int = 0,
        code_hash: bytes | None = None,
        code: bytes | None = None,
    ) -> None:
        self.balance = balance or 0
        self.nonce = nonce
        self.code = code
        if code_hash is None or len(code_hash) != len(EMPTY_CODE_HASH):
            code_hash = EMPTY_CODE_HASH if code is None else keccak(code)
        self.code_hash = bytes(code_hash)

    @classmethod
    def of_state(cls, balance: int, nonce: int, code_hash: bytes, code: bytes) -> AccountInfo:
        """One that an EVM has."""
        return cls(balance, nonce, code_hash, code or _NO_CODE)

    def __repr__(self) -> str:
        return (
            f"AccountInfo(balance={self.balance}, nonce={self.nonce}, "
            f"code_hash=0x{self.code_hash.hex()})"
        )
