"""Ethereum accounts as a state: one exact location for each thing a transaction can look at.

=====================================  =====================================================
``(address, "balance")``               wei
``(address, "nonce")``                 transactions sent or contracts created
``(address, "code_hash")``             keccak of the code; what runs and what is reported
``("code", code_hash)``                the code itself, addressed by its content
``(address, "recorded")``              True: the account exists even if all else of it is zero
``(address, "epoch")``                 how often its storage has been cleared in this block
``(address, "stored")``                True: it has storage though neither nonce nor code (EIP-7610)
``(address, "storage", epoch, slot)``  a storage slot; every look at a slot reads the epoch first
=====================================  =====================================================

A location that is zero, or the hash of no code, holds no value. An account exists if it is
recorded or anything of it is not zero (`EIP-161`_ calls the rest empty), so that a transaction
that only pays an account writes one delta and asks nothing about the account's existence.

.. _EIP-161: https://eips.ethereum.org/EIPS/eip-161
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from eth_typing import Address, Hash32

from blockstm._native.evm.account_memory import AccountMemory
from blockstm._native.evm.account_records import records_of
from blockstm._native.evm.locations import LOCATION_VALUES, LOCATIONS
from blockstm._native.packed import PackedWrites
from blockstm.errors import UsageError
from blockstm.state.tries import KeptTries, Trie

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
    "stored_of",
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


def stored_of(address: Address) -> tuple[Address, str]:
    """The location of the mark that an account without nonce and code has storage."""
    return (address, "stored")


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
    """Accounts in native memory, as a state for the engine: location → value.

    Native transactions read it without the GIL. Between blocks ``state.apply(result.writes)``
    moves it on; while a block runs on it, changing it is refused with `UsageError`.

    Thread-safety: any thread may read; changes exclude each other and blocks that run on it.

    Args:
        accounts: an address that is not among them does not exist.
        partial: whether they are only the accounts that one block reads, so that nothing follows
            from one being absent that the block does not ask for, and there is no state root.

    Raises:
        InputError: an address, a number or a hash is not one.

    >>> alice = Address(bytes(19) + bytes([1]))
    >>> state = AccountState({alice: Account(balance=10)})
    >>> state.get((alice, "balance")), state.account(alice).balance
    (10, 10)
    """

    def __init__(
        self, accounts: Mapping[Address, Account] | None = None, *, partial: bool = False
    ) -> None:
        self.partial = partial
        self._tries = KeptTries()
        given = {} if accounts is None else accounts
        self._memory = AccountMemory.of(given)
        withheld = {each.code_hash for each in given.values() if each.code is None}
        self._withheld = {each for each in withheld if each not in self._memory}

    def get(self, key: Any, default: Any = None) -> Any:
        """The value at a location, ``default`` where there is none.

        Raises:
            LookupError: the code was asked for of an account of which only the hash is known.
        """
        data = self._memory.get(LOCATIONS.encode(key))
        if data is not None:
            return LOCATION_VALUES.decode_at(key, data)
        if key[0] == "code" and key[1] in self._withheld:
            raise LookupError(f"the state has only the hash of the code 0x{key[1].hex()}")
        return default

    def __len__(self) -> int:
        """How many locations hold a value."""
        return len(self._memory)

    # ---- accounts

    def account(self, address: Address) -> Account | None:
        """The account at an address; None where there is none."""
        balance = self.get(balance_of(address), 0)
        nonce = self.get(nonce_of(address), 0)
        code_hash = self.get(code_hash_of(address), EMPTY_CODE_HASH)
        if not (balance or nonce or code_hash != EMPTY_CODE_HASH or self.get(recorded_of(address))):
            return None
        code = b"" if code_hash == EMPTY_CODE_HASH else self._memory.get(code_hash)
        return Account(balance, nonce, code, code_hash, self._memory.slots(address))

    def accounts(self) -> Iterator[tuple[Address, Account]]:
        """All accounts there are, in the order in which their addresses came."""
        for address in map(Address, self._memory.addresses()):
            account = self.account(address)
            if account is not None:
                yield address, account

    def apply(self, writes: Mapping[Any, Any] | Iterable[tuple[Any, Any]]) -> None:
        """Make the writes of a block part of the state.

        Args:
            writes: location → value, as in ``BlockResult.writes``.

        Raises:
            InputError: a key or a value is of the wrong kind; nothing was changed.
            UsageError: a block is running on this state; nothing was changed.
        """
        given = writes if isinstance(writes, Mapping) else dict(writes)
        version = self._memory.changes
        tries = self._tries_after(given, version)
        self._withheld.difference_update(self._memory.move(given))
        moved = version + bool(given)
        if tries is not None and self._memory.changes == moved:  # nobody else has changed it
            self._tries.keep(moved, tries)

    # ---- for who computes roots

    def tries(self, make: Callable[[Iterator[tuple[Address, Account]]], Trie]) -> Any:
        """The tries of the state, not to be changed: those that are kept, or what ``make`` makes.

        They change nothing that the state says; they are kept so that a root costs what a block
        changes.
        """
        version = self._memory.changes
        tries = self._tries.now(version)
        if tries is None:
            tries = make(self.accounts())
            if self._memory.changes == version:  # nobody has changed it meanwhile
                self._tries.keep(version, tries)
        return tries

    def keep_tries_after(self, now: Trie, writes: Mapping[Any, Any], after: Trie) -> None:
        """Let `apply` know what ``writes`` make of the tries ``now``, which are the state's."""
        self._tries.keep_after(now, writes, after)

    def _tries_after(self, writes: Mapping[Any, Any], version: int) -> Trie | None:
        """The tries after writes that are not made yet, where those before them are known."""
        try:
            return self._tries.after(version, writes, self)
        except (UsageError, ArithmeticError, LookupError, TypeError, ValueError):
            return None  # the writes are no good, which is said where they are made

    def records_of(self, writes: PackedWrites) -> bytes | None:
        """What a native block's writes change on this state, for `StateTrie`, without decoding.

        None where they are of something else than accounts.

        Raises:
            InputError: a key or a value is of the wrong kind.
        """
        return records_of(writes, self._memory)

    def copy(self) -> AccountState:
        """Another state with the same accounts."""
        version = self._memory.changes
        copied = AccountState(partial=self.partial)
        copied._memory = self._memory.copy()
        copied._withheld = set(self._withheld)
        tries = self._tries.now(version)
        if tries is not None and self._memory.changes == version:
            copied._tries.keep(copied._memory.changes, tries)
        return copied

    # ---- for the executor

    def __blockstm_state__(self) -> object:
        return self._memory.__blockstm_state__()

    def _pin(self) -> None:
        self._memory._pin()

    def _unpin(self) -> None:
        self._memory._unpin()
