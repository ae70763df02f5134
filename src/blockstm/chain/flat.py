"""Accounts and slots as they stand in their tables, read without the tries: for audits and dumps.

======== =====================================================================================
account  nonce, 8 bytes big-endian; flags, 1: whether it has code; code hash, 32, if it has;
         balance, big-endian without leading zeros
slot     value, big-endian without leading zeros; of none, which is zero, nothing is kept
======== =====================================================================================

`_native/store/flat_values.hpp` is the same in the native core.
"""

from __future__ import annotations

from collections.abc import Iterator

from blockstm.chain.store import Snapshot, Table
from blockstm.errors import StoreDamaged
from blockstm.ethereum import Account, state_root
from blockstm.state.account import EMPTY_CODE_HASH
from blockstm.types import Address, Hash32

__all__ = ["flat_accounts", "flat_root"]

_ADDRESS_SIZE = 20
_HEAD_SIZE = 9
_HASH_SIZE = 32


def flat_root(snapshot: Snapshot) -> Hash32:
    """The state root of all accounts and slots of a store, computed anew.

    Raises:
        StoreError: one of them cannot be read, or is none.
    """
    return state_root(flat_accounts(snapshot))


def flat_accounts(snapshot: Snapshot) -> Iterator[tuple[Address, Account]]:
    """All accounts in the order of their addresses; of codes only the hash.

    Raises:
        StoreError: one of them cannot be read, or is none; or a slot is of no account.
    """
    slots = _Slots(snapshot)
    for key, value in snapshot.items(Table.ACCOUNTS):
        if len(key) != _ADDRESS_SIZE:
            raise StoreDamaged(f"accounts: the key 0x{key.hex()} is no address")
        address = Address(key)
        yield address, _account(address, value, slots.of(address))
    slots.end()


def _account(address: Address, value: bytes, storage: dict[int, int]) -> Account:
    code_hash, rest = EMPTY_CODE_HASH, value[_HEAD_SIZE:]
    is_right = len(value) >= _HEAD_SIZE and value[_HEAD_SIZE - 1] <= 1
    if is_right and value[_HEAD_SIZE - 1]:
        code_hash, rest = Hash32(rest[:_HASH_SIZE]), rest[_HASH_SIZE:]
    if not is_right or len(code_hash) != _HASH_SIZE or len(rest) > _HASH_SIZE:
        raise StoreDamaged(f"accounts: what stands at 0x{address.hex()} is no account")
    nonce = int.from_bytes(value[:8], "big")
    return Account(int.from_bytes(rest, "big"), nonce, None, code_hash, storage)


class _Slots:
    """The slots of all accounts, taken account by account in order."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._left = snapshot.items(Table.SLOTS)
        self._next = next(self._left, None)

    def of(self, address: Address) -> dict[int, int]:
        """The slots of the next account that is asked for."""
        found: dict[int, int] = {}
        while self._next is not None and self._next[0][:_ADDRESS_SIZE] == address:
            key, value = self._next
            found[int.from_bytes(key[_ADDRESS_SIZE:], "big")] = int.from_bytes(value, "big")
            self._next = next(self._left, None)
        return found

    def end(self) -> None:
        """Refuse slots that no account was asked for."""
        if self._next is not None:
            raise StoreDamaged(f"slots: 0x{self._next[0].hex()} is of no account")
