"""Accounts as py-evm's database has them, as a state that a block starts from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from eth.constants import BLANK_ROOT_HASH

from blockstm.state.account import EMPTY_CODE_HASH
from blockstm.state.changes import AccountChange
from blockstm.state.protocol import AccountInfo
from blockstm.types import Address, Hash32

__all__ = ["RootedStateOfPyEvm", "StateOfPyEvm", "put"]


class StateOfPyEvm:
    """A state of py-evm, read by this EVM, by one thread at a time.

    Args:
        state: py-evm's, as the block before left it.
        codes: its database: the hash of a code → the code.
    """

    def __init__(self, state: Any, codes: Any) -> None:
        self._state = state
        self._codes = codes
        self._lock = threading.Lock()  # py-evm's caches are for one thread

    def account(self, address: Address) -> AccountInfo | None:
        """See `blockstm.ethereum.State`."""
        state = self._state
        with self._lock:
            if not state.account_exists(address):
                return None
            return AccountInfo(
                state.get_balance(address),
                state.get_nonce(address),
                bytes(state.get_code_hash(address)),
                self._storage_root(address) != BLANK_ROOT_HASH,
            )

    def _storage_root(self, address: Address) -> Any:
        accounts = self._state._account_db  # nothing public tells whether there is storage
        return accounts._get_account(address).storage_root

    def storage(self, address: Address, slot: int) -> int:
        """See `blockstm.ethereum.State`."""
        with self._lock:
            return int(self._state.get_storage(address, slot))

    def code(self, code_hash: Hash32) -> bytes:
        """See `blockstm.ethereum.State`."""
        with self._lock:
            return bytes(self._codes[code_hash])


class RootedStateOfPyEvm(StateOfPyEvm):
    """One that tells its root after changes, as receipts before Byzantium ask for.

    Args:
        state, codes: see `StateOfPyEvm`.
        again: makes another state like ``state``.
    """

    def __init__(self, state: Any, codes: Any, again: Callable[[], Any]) -> None:
        super().__init__(state, codes)
        self._again = again

    def root_after(self, writes: Mapping[Address, AccountChange]) -> Hash32:
        """See `blockstm.ethereum.State`."""
        after = self._again()
        with self._lock:
            put(after, self._codes, writes)
            after.lock_changes()
            return Hash32(after.make_state_root())


def put(state: Any, codes: Any, writes: Mapping[Address, AccountChange]) -> None:
    """Put the changes of accounts into a state of py-evm."""
    for address, change in writes.items():
        _put_one(state, codes, address, change)


def _put_one(state: Any, codes: Any, address: Address, change: AccountChange) -> None:
    if change.exists is False:
        state.delete_account(address)
        return
    if change.cleared:
        state.delete_storage(address)
    if change.nonce is not None:
        state.set_nonce(address, change.nonce)
    if change.balance is not None:
        state.set_balance(address, change.balance)
    if change.code_hash is not None:
        state.set_code(address, _code_of(codes, change))
    for slot, value in change.storage.items():
        state.set_storage(address, slot, value)
    if change.exists:
        state.touch_account(address)
    elif state.account_is_empty(address):
        state.delete_account(address)


def _code_of(codes: Any, change: AccountChange) -> bytes:
    if change.code is not None:
        return change.code
    return b"" if change.code_hash == EMPTY_CODE_HASH else bytes(codes[change.code_hash])
