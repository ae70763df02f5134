"""What a block was found to read of a state."""

from __future__ import annotations

from blockstm.errors import MissingCode
from blockstm.state.account import EMPTY_CODE_HASH, Account
from blockstm.state.protocol import AccountFields, State
from blockstm.types import Address, Hash32

__all__ = ["Recorded"]


class Recorded:
    """A state that remembers what it is asked. Any thread, as that below it.

    Args:
        below: the state.
    """

    def __init__(self, below: State) -> None:
        self._below = below
        self._accounts: dict[Address, AccountFields | None] = {}
        self._slots: dict[Address, dict[int, int]] = {}

    def account(self, address: Address) -> AccountFields | None:
        """See `blockstm.ethereum.State`."""
        found = self._accounts[address] = self._below.account(address)
        return found

    def storage(self, address: Address, slot: int) -> int:
        """See `blockstm.ethereum.State`."""
        value = self._below.storage(address, slot)
        self._slots.setdefault(address, {})[slot] = value
        return value

    def code(self, code_hash: Hash32) -> bytes:
        """See `blockstm.ethereum.State`."""
        return self._below.code(code_hash)

    def accounts(self) -> dict[Address, Account]:
        """The accounts that there were, each with the slots that were read, and its code.

        Code that the state does not know was not run: its hash is all that is needed.
        """
        return {
            address: Account(
                account.balance,
                account.nonce,
                self._code(account.code_hash),
                account.code_hash,
                {slot: value for slot, value in self._slots.get(address, {}).items() if value},
            )
            for address, account in sorted(self._accounts.items())
            if account is not None
        }

    def _code(self, code_hash: bytes) -> bytes | None:
        if code_hash == EMPTY_CODE_HASH:
            return b""
        try:
            return self._below.code(Hash32(code_hash))
        except (LookupError, MissingCode):
            return None
