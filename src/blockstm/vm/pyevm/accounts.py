"""py-evm's account database over a view: what one transaction sees and changes.

Reads go to the view at once and are read once; writes stay here, with an undo log for the
calls that revert, until `ViewAccounts.flush` hands them to the view. One object serves one
incarnation in one thread.
"""

from __future__ import annotations

from typing import Any, ClassVar

from eth.abc import AccountDatabaseAPI, MetaWitnessAPI
from eth.typing import JournalDBCheckpoint
from eth_hash.auto import keccak

from blockstm.errors import InputError
from blockstm.state.accounts import (
    EMPTY_CODE_HASH,
    balance_of,
    code_hash_of,
    code_with,
    epoch_of,
    nonce_of,
    recorded_of,
    slot_of,
)
from blockstm.types import Address, Hash32, View
from blockstm.values import WrappingDelta
from blockstm.vm.pyevm.balance import UnreadBalance

__all__ = ["EmptyKeepingViewAccounts", "ViewAccounts"]

_UNSET: Any = object()
_NO_ROOT = Hash32(bytes(32))
_WORD = 2**256  # what a balance is taken modulo, where it is shown or becomes final


class ViewAccounts(AccountDatabaseAPI):  # type: ignore[misc]  # py-evm's types are not followed
    """The accounts of one transaction, from EIP-161 on: what it leaves empty is deleted."""

    keeps_empty_accounts: ClassVar[bool] = False

    def __init__(self, view: View, state_root: Hash32 = _NO_ROOT) -> None:
        self._view = view
        self._log: list[tuple[dict[Any, Any], Any, Any]] = []
        self._before: dict[Any, Any] = {}  # location -> value before this transaction
        self._balance: dict[Address, int] = {}  # set; overrides what was there
        self._change: dict[Address, int] = {}  # added to what was there
        self._nonce: dict[Address, int] = {}
        self._code_hash: dict[Address, Hash32] = {}
        self._code: dict[Hash32, bytes] = {EMPTY_CODE_HASH: b""}
        self._recorded: dict[Address, bool] = {}
        self._epoch: dict[Address, int] = {}
        self._storage: dict[Any, int] = {}  # by location
        self._warm: dict[Any, bool] = {}
        self._transient: dict[Any, bytes] = {}
        self.reads_balances = False  # whether get_balance reads the number at once

    # -- the undo log --------------------------------------------------------------------

    def record(self) -> JournalDBCheckpoint:
        """A checkpoint: the length of the undo log."""
        return JournalDBCheckpoint(len(self._log))

    def discard(self, checkpoint: JournalDBCheckpoint) -> None:
        """Undo everything since ``checkpoint``."""
        log = self._log
        while len(log) > checkpoint:
            values, key, value = log.pop()
            if value is _UNSET:
                del values[key]
            else:
                values[key] = value

    def commit(self, checkpoint: JournalDBCheckpoint) -> None:
        """Keep everything since ``checkpoint``; an outer call may still undo it."""

    def _set(self, values: dict[Any, Any], key: Any, value: Any) -> None:
        self._log.append((values, key, values.get(key, _UNSET)))
        values[key] = value

    # -- reads ---------------------------------------------------------------------------

    def _read(self, location: Any, default: Any) -> Any:
        if location in self._before:
            return self._before[location]
        value = self._before[location] = self._view.get(location, default)
        return value

    def held(self, address: bytes) -> int:
        """The balance before this transaction, in wei."""
        return int(self._read(balance_of(Address(address)), 0))

    def holds_at_least(self, address: bytes, bound: int) -> bool:
        """Whether the balance before this transaction was ``bound`` wei or more."""
        location = balance_of(Address(address))
        if location in self._before:
            return bool(self._before[location] >= bound)
        return self._view.at_least(location, bound)

    # -- balance -------------------------------------------------------------------------

    def get_balance(self, address: Address) -> int:
        """The balance in wei; an `UnreadBalance` while nothing needed the number."""
        balance = self._balance.get(address)
        if balance is not None:
            return balance
        change = self._change.get(address, 0)
        if self.reads_balances:
            return (self.held(address) + change) % _WORD
        return UnreadBalance(self, address, change)  # type: ignore[return-value]  # acts as int

    def set_balance(self, address: Address, balance: int) -> None:
        self._set(self._balance, address, int(balance))
        self._record(address)

    def delta_balance(self, address: Address, delta: int) -> None:
        """Add ``delta`` wei without looking at the balance."""
        delta = int(delta)
        if address in self._balance:
            self._set(self._balance, address, self._balance[address] + delta)
        elif delta:
            self._set(self._change, address, self._change.get(address, 0) + delta)
        self._record(address)

    # -- nonce ---------------------------------------------------------------------------

    def get_nonce(self, address: Address) -> int:
        nonce = self._nonce.get(address)
        if nonce is None:
            nonce = self._nonce[address] = self._read(nonce_of(address), 0)
        return nonce

    def expect_nonce(self, address: Address, nonce: int) -> None:
        """Ask for a nonce as the one it should be; what it is, `get_nonce` tells."""
        location = nonce_of(address)
        if nonce and location not in self._before and self._view.expect(location, nonce):
            self._before[location] = nonce

    def set_nonce(self, address: Address, nonce: int) -> None:
        self._set(self._nonce, address, nonce)
        self._record(address)

    def increment_nonce(self, address: Address) -> None:
        self.set_nonce(address, self.get_nonce(address) + 1)

    # -- code ----------------------------------------------------------------------------

    def get_code_hash(self, address: Address) -> Hash32:
        code_hash = self._code_hash.get(address)
        if code_hash is None:
            code_hash = self._read(code_hash_of(address), EMPTY_CODE_HASH)
            self._code_hash[address] = code_hash
        return code_hash

    def get_code(self, address: Address) -> bytes:
        """The code that the account's hash names: hash and code come from one read.

        Raises:
            LookupError: the state has the hash, but no code that has it.
            InputError: the code that it has for the hash has another one.
        """
        code_hash = self.get_code_hash(address)
        code = self._code.get(code_hash)
        if code is None:
            code = self._read(code_with(code_hash), None)
            if code is None:
                raise LookupError(f"the state has no code with hash 0x{code_hash.hex()}")
            if keccak(code) != code_hash:
                raise InputError(
                    f"the code the state gave for the hash 0x{code_hash.hex()} has another hash"
                )
            self._code[code_hash] = code
        return code

    def set_code(self, address: Address, code: bytes) -> None:
        code_hash = Hash32(keccak(code))
        self._code[code_hash] = code
        self._set(self._code_hash, address, code_hash)
        self._record(address)

    def delete_code(self, address: Address) -> None:
        self._set(self._code_hash, address, EMPTY_CODE_HASH)

    # -- storage -------------------------------------------------------------------------

    def _epoch_of(self, address: Address) -> int:
        epoch = self._epoch.get(address)
        if epoch is None:
            epoch = self._epoch[address] = self._read(epoch_of(address), 0)
        return epoch

    def get_storage(self, address: Address, slot: int, from_journal: bool = True) -> int:
        """The value of a slot now or, with ``from_journal=False``, before this transaction."""
        epoch = self._epoch_of(address)
        epoch_before = self._before[epoch_of(address)]
        if not from_journal:
            return int(self._read(slot_of(address, epoch_before, slot), 0))
        location = slot_of(address, epoch, slot)
        value = self._storage.get(location)
        if value is not None:
            return value
        # An epoch that begins in this transaction begins with nothing in it.
        return int(self._read(location, 0)) if epoch == epoch_before else 0

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        self._set(self._storage, slot_of(address, self._epoch_of(address), slot), value)

    def delete_storage(self, address: Address) -> None:
        """Clear all slots: begin the account's next epoch."""
        self._set(self._epoch, address, self._epoch_of(address) + 1)

    # -- existence -----------------------------------------------------------------------

    def account_is_empty(self, address: Address) -> bool:
        if self._code_hash.get(address, EMPTY_CODE_HASH) != EMPTY_CODE_HASH:
            return False
        if self._nonce.get(address) or self.get_balance(address):
            return False
        return not self.account_has_code_or_nonce(address)

    def account_exists(self, address: Address) -> bool:
        if self._recorded.get(address):
            return True
        return not self.account_is_empty(address) or self._is_recorded(address)

    def account_has_code_or_nonce(self, address: Address) -> bool:
        return self.get_nonce(address) != 0 or self.get_code_hash(address) != EMPTY_CODE_HASH

    def touch_account(self, address: Address) -> None:
        self._record(address)

    def delete_account(self, address: Address) -> None:
        """Leave nothing of the account, its storage included."""
        self._set(self._balance, address, 0)
        self._set(self._nonce, address, 0)
        self._set(self._code_hash, address, EMPTY_CODE_HASH)
        self._set(self._recorded, address, False)
        self.delete_storage(address)

    def _is_recorded(self, address: Address) -> bool:
        recorded = self._recorded.get(address)
        if recorded is None:
            recorded = self._recorded[address] = self._read(recorded_of(address), False)
        return recorded

    def _record(self, address: Address) -> None:
        """Note that the account exists even if nothing of it is left.

        Needed only before EIP-161: since then every account that a transaction may have left
        empty is deleted at its end, so nothing empty can come to exist.
        """
        if self.keeps_empty_accounts and not self._recorded.get(address):
            self._set(self._recorded, address, True)

    # -- access lists and transient storage ----------------------------------------------

    def is_address_warm(self, address: Address) -> bool:
        return address in self._warm

    def mark_address_warm(self, address: Address) -> None:
        if address not in self._warm:
            self._set(self._warm, address, True)

    def is_storage_warm(self, address: Address, slot: int) -> bool:
        return (address, slot) in self._warm

    def mark_storage_warm(self, address: Address, slot: int) -> None:
        if (address, slot) not in self._warm:
            self._set(self._warm, (address, slot), True)

    def get_transient(self, address: Address, slot: int) -> bytes:
        """The transient value of a slot (EIP-1153), empty where there is none."""
        return self._transient.get((address, slot), b"")

    def set_transient(self, address: Address, slot: int, value: bytes) -> None:
        """Set the transient value of a slot, for the rest of this transaction."""
        self._set(self._transient, (address, slot), value)

    # -- the end of the transaction ------------------------------------------------------

    def flush(self) -> None:
        """Hand what the transaction changed to the view; call once, at its end."""
        for address in sorted(self._balance.keys() | self._change.keys()):
            self._flush_balance(address)
        for address, nonce in sorted(self._nonce.items()):
            self._flush(nonce_of(address), nonce, 0)
        for address, code_hash in sorted(self._code_hash.items()):
            self._flush_code(address, code_hash)
        for address, recorded in sorted(self._recorded.items()):
            self._flush(recorded_of(address), recorded, False)
        for address, epoch in sorted(self._epoch.items()):
            self._flush(epoch_of(address), epoch, 0)
        for location, value in sorted(self._storage.items()):
            if location[2] == self._epoch[location[0]]:  # a cleared slot is out of reach
                self._flush(location, value, 0)

    def _flush(self, location: Any, value: Any, zero: Any) -> None:
        if location in self._before and self._before[location] == value:
            return
        if value == zero:
            self._view.delete(location)
        else:
            self._view.put(location, value)

    def _flush_balance(self, address: Address) -> None:
        location = balance_of(address)
        change = self._change.get(address, 0)
        if address in self._balance:
            self._flush(location, self._balance[address] % _WORD, 0)
        elif location in self._before:
            self._flush(location, (self._before[location] + change) % _WORD, 0)
        elif change:
            self._view.add(location, WrappingDelta(change))

    def _flush_code(self, address: Address, code_hash: Hash32) -> None:
        location = code_hash_of(address)
        is_news = self._before.get(location) != code_hash
        if is_news and code_with(code_hash) not in self._before and code_hash != EMPTY_CODE_HASH:
            self._view.put(code_with(code_hash), self._code[code_hash])
        self._flush(location, code_hash, EMPTY_CODE_HASH)

    # -- what a database on a trie would do ----------------------------------------------

    @property
    def state_root(self) -> Hash32:
        """No root is kept here; py-evm only carries this value around."""
        return _NO_ROOT

    @state_root.setter
    def state_root(self, value: Hash32) -> None:
        """Nothing to go back to: see `discard`."""

    def has_root(self, state_root: bytes) -> bool:
        return False

    def lock_changes(self) -> None:
        """Nothing to lock: this object ends with its transaction."""

    def make_state_root(self) -> Hash32:
        raise NotImplementedError("a view has no state root")

    def persist(self) -> MetaWitnessAPI:
        raise NotImplementedError("a view is persisted by the engine")


class EmptyKeepingViewAccounts(ViewAccounts):
    """The accounts of one transaction before EIP-161: an account once touched exists."""

    keeps_empty_accounts = True
