"""Ethereum accounts as a state: one exact location for each thing that a transaction can read.

=====================================  =====================================================
``(address, "balance")``               wei
``(address, "nonce")``                 transactions sent or contracts created
``(address, "code_hash")``             keccak of the code; what runs and what is reported
``("code", code_hash)``                the code itself, addressed by its content
``(address, "recorded")``              True: the account exists even if all else of it is zero
``(address, "epoch")``                 how often its storage has been cleared in this block
``(address, "stored")``                True: it has storage though neither nonce nor code (EIP-7610)
``(address, "storage", epoch, slot)``  a storage slot; every read of a slot reads the epoch first
=====================================  =====================================================

A location that is zero, or the hash of no code, holds no value. An account exists if it is
recorded or anything of it is not zero (`EIP-161`_ calls the rest empty), so that a transaction
that only pays an account writes one delta and asks nothing about the account's existence.

.. _EIP-161: https://eips.ethereum.org/EIPS/eip-161
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final, Literal, overload
from weakref import WeakSet, ref

from blockstm._native.base.packed import PackedWrites
from blockstm._native.state.account_memory import AccountMemory
from blockstm._native.state.account_packing import packed_locations
from blockstm._native.state.account_records import records_of
from blockstm._native.state.locations import LOCATION_VALUES, LOCATIONS
from blockstm.errors import InputError, UsageError
from blockstm.messages import brief, kind_of
from blockstm.state.account import EMPTY_CODE_HASH, Account, account_from_state
from blockstm.state.changes import (
    AccountChanges,
    ChangesByAddress,
    RecordedChanges,
    records_and_codes,
)
from blockstm.state.protocol import AccountInfo
from blockstm.state.tries import KeptTries, Trie
from blockstm.types import Address, Hash32

__all__ = [
    "EMPTY_CODE_HASH",
    "Account",
    "AccountState",
    "Undo",
    "balance_of",
    "code_hash_of",
    "code_with",
    "epoch_of",
    "nonce_of",
    "recorded_of",
    "slot_of",
    "stored_of",
]


def balance_of(address: bytes) -> tuple[bytes, str]:
    """The location of a balance, in wei."""
    return (address, "balance")


def nonce_of(address: bytes) -> tuple[bytes, str]:
    """The location of a nonce."""
    return (address, "nonce")


def code_hash_of(address: bytes) -> tuple[bytes, str]:
    """The location of the hash of an account's code."""
    return (address, "code_hash")


def code_with(code_hash: Hash32) -> tuple[str, Hash32]:
    """The location of the code that has this hash."""
    return ("code", code_hash)


def recorded_of(address: bytes) -> tuple[bytes, str]:
    """The location of the mark that an account exists although it is empty."""
    return (address, "recorded")


def epoch_of(address: bytes) -> tuple[bytes, str]:
    """The location of the count of how often the account's storage was cleared."""
    return (address, "epoch")


def stored_of(address: bytes) -> tuple[bytes, str]:
    """The location of the mark that an account without nonce and code has storage."""
    return (address, "stored")


def slot_of(address: bytes, epoch: int, slot: int) -> tuple[bytes, str, int, int]:
    """The location of a storage slot in one epoch of its account."""
    return (address, "storage", epoch, slot)


_UNRESOLVED_MAX: Final = 64
"""From this many remembered blocks on, those without another reference are forgotten."""

AccountsByAddress = Mapping[Address, Account] | Mapping[bytes, Account]
Writes = Mapping[Any, Any] | Iterable[tuple[Any, Any]]
"""Address → `AccountChange`, or location → value."""

Given = AccountChanges | PackedWrites | ChangesByAddress
"""The same in one of the forms that a state takes."""


class Undo(AccountChanges):
    """What takes a state back to before some writes: ``state.apply(undo)``, the last writes first.

    It is a mapping as `AccountChanges` is: each account that changed, as it was, with the slots
    that changed. `AccountState.apply` makes it; it fits the state that it was made by, and copies
    of it, as long as nothing else was applied since.
    """

    __slots__ = ("_content", "_content_after", "_withheld")

    def __init__(
        self,
        packed: PackedWrites,
        withheld: frozenset[bytes],
        before: object,
        after: object,
    ) -> None:
        super().__init__(packed, {}, trusted=True)
        self.resolve()  # it names all members of each account: there is nothing to ask
        self._withheld = withheld
        self._content, self._content_after = before, after


class AccountState:
    """Accounts in native memory, as a state for the engine: location → value.

    Native transactions read it without the GIL. Between blocks ``state.apply(executed.writes)``
    moves it on; while a block runs on it, changing it is refused with `UsageError`.

    Thread-safety: any thread may read; changes exclude each other and blocks that run on it.

    Args:
        accounts: an address that is not among them does not exist.
        partial: whether they are only the accounts that one block reads, so that nothing follows
            from one being absent that the block does not ask for, and there is no state root.

    Raises:
        InputError: an address, a number or a hash is not one, or a code has another hash.

    >>> from blockstm.state.changes import AccountChange
    >>> alice = Address(bytes(19) + bytes([1]))
    >>> state = AccountState({alice: Account(balance=10)})
    >>> state.get((alice, "balance")), state.account(alice).balance
    (10, 10)
    >>> undo = state.apply({alice: AccountChange(balance=7, storage={1: 2})}, undo=True)
    >>> state.account(alice).balance, undo[alice].balance, undo[alice].storage
    (7, 10, {1: 0})
    >>> state.apply(undo)
    >>> state.account(alice) == Account(balance=10)
    True
    """

    def __init__(self, accounts: AccountsByAddress | None = None, *, partial: bool = False) -> None:
        given = {} if accounts is None else accounts
        if not isinstance(given, Mapping):
            raise InputError(f"accounts are a mapping of addresses to them, not {brief(given)}")
        memory = AccountMemory.of(given, Account)
        hashes = {bytes(each.code_hash) for each in given.values() if each.code is None}
        self._fill(memory, partial, _withheld(hashes, memory))

    def _fill(self, memory: AccountMemory, partial: bool, withheld: frozenset[bytes]) -> None:
        self.partial = partial
        self._tries = KeptTries()
        self._memory = memory
        self._withheld = withheld  # hashes of codes of which there is only the hash
        self._content = object()  # what the state holds now; another object whenever that changes
        self._changing = _new_lock()
        # Changes of blocks for which it may be unknown yet which accounts exist afterwards.
        self._unresolved: list[ref[AccountChanges]] = []
        self._unresolved_max = _UNRESOLVED_MAX
        _STATES.add(self)

    def get(self, key: Any, default: Any = None) -> Any:
        """The value at a location, ``default`` where there is none.

        Raises:
            InputError: it is no location of an account.
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

    def account(self, address: bytes) -> Account | None:
        """The account at an address; None where there is none."""
        balance = self.get(balance_of(address), 0)
        nonce = self.get(nonce_of(address), 0)
        code_hash = self.get(code_hash_of(address), EMPTY_CODE_HASH)
        if not (balance or nonce or code_hash != EMPTY_CODE_HASH or self.get(recorded_of(address))):
            return None
        code = b"" if code_hash == EMPTY_CODE_HASH else self._memory.get(code_hash)
        return account_from_state(balance, nonce, code, code_hash, self._memory.slots(address))

    def info(self, address: bytes) -> AccountInfo | None:
        """The account at an address without its code and slots; None where there is none.

        Whether it has storage is told of an account alone that has neither nonce nor code.
        """
        balance = self.get(balance_of(address), 0)
        nonce = self.get(nonce_of(address), 0)
        code_hash = self.get(code_hash_of(address), EMPTY_CODE_HASH)
        if not (balance or nonce or code_hash != EMPTY_CODE_HASH or self.get(recorded_of(address))):
            return None
        return AccountInfo(balance, nonce, code_hash, self.get(stored_of(address), False))

    def storage(self, address: bytes, slot: int) -> int:
        """The value at a slot of an account; 0 where there is none."""
        value: int = self.get(slot_of(address, 0, slot), 0)
        return value

    def code(self, code_hash: bytes) -> bytes:
        """The code with a hash.

        Raises:
            LookupError: the state does not have it.
        """
        code = b"" if code_hash == EMPTY_CODE_HASH else self.get(code_with(Hash32(code_hash)))
        if code is None:
            raise LookupError(f"the state has no code 0x{code_hash.hex()}")
        found: bytes = code
        return found

    def accounts(self) -> Iterator[tuple[Address, Account]]:
        """All accounts there are, in the order in which their addresses came."""
        for address in map(Address, self._memory.addresses()):
            account = self.account(address)
            if account is not None:
                yield address, account

    # ---- changing

    @overload
    def apply(self, writes: Writes, *, undo: Literal[False] = False) -> None: ...
    @overload
    def apply(self, writes: Writes, *, undo: Literal[True]) -> Undo: ...
    def apply(self, writes: Writes, *, undo: bool = False) -> Undo | None:
        """Make what a block did part of the state.

        Args:
            writes: ``ExecutedBlock.writes``, ``BlockResult.writes`` of steps, or what you make
                yourself: address → `AccountChange`, or location → value. Or an `Undo`: the state is
                then what it was before the writes that it was made for.
            undo: whether to return what takes these writes back. Finding old values costs a few
                times as much as putting new ones.

        Raises:
            InputError: a key or a value is of the wrong kind, or a code has another hash than that
                it is given for; nothing was changed.
            UsageError: a block is running on this state, or the `Undo` is not of the last writes
                that it was given; nothing was changed.
        """
        given = _given(writes)
        with self._changing:
            self._resolve(given)
            content, withheld = self._content, self._withheld
            if isinstance(given, Undo) and given._content_after is not content:
                raise UsageError(
                    "the undo is not of the last writes applied to this state; blocks are undone"
                    " in reverse order"
                )
            version = self._memory.changes
            tries = self._tries_after(given, version)
            self._content = object()  # whatever happens from here on
            try:
                undoing = self._move(given, undo)
            except UsageError:
                self._content = content
                raise
            if isinstance(given, Undo):
                self._content, self._withheld = given._content, given._withheld
            if tries is not None and self._memory.changes <= version + 1:
                self._tries.keep(self._memory.changes, tries)
            if undoing is None:
                return None
            return Undo(undoing, withheld, content, self._content)

    def _move(self, given: Given, undo: bool) -> PackedWrites | None:
        """Change the memory; the writes that undo it if they are wanted."""
        if isinstance(given, RecordedChanges):
            codes = list(given.codes)
            undoing = self._memory.move_by_records(given.records, given.codes, undo=undo)
        elif isinstance(given, AccountChanges):
            codes, undoing = self._memory.move(given.packed, trusted=given.trusted, undo=undo)
        elif isinstance(given, PackedWrites):
            codes, undoing = self._memory.move(given, undo=undo)
        else:
            records, added = records_and_codes(given)
            undoing = self._memory.move_by_records(records, added, undo=undo)
            codes = list(added)
            hashes = {each.code_hash or b"" for each in given.values() if each.code is None}
            self._withheld |= _withheld(hashes - {b""}, self._memory)
        if not self._withheld.isdisjoint(codes):
            self._withheld = self._withheld.difference(codes)
        return undoing

    def _resolve(self, applied: Given) -> None:
        """Decode the changes of earlier blocks against the state as they found it.

        What is applied now can be read afterwards as well: all it asks is what it does not change.
        """
        unresolved, self._unresolved = self._unresolved, []
        for reference in unresolved:
            changes = reference()
            if changes is applied:
                self._unresolved.append(reference)
            elif changes is not None:
                changes.resolve()

    def _resolve_before_changing(self, changes: AccountChanges) -> None:
        with self._changing:
            if len(self._unresolved) >= self._unresolved_max:
                self._unresolved = [each for each in self._unresolved if each() is not None]
                self._unresolved_max = max(_UNRESOLVED_MAX, 2 * len(self._unresolved))
            self._unresolved.append(ref(changes))

    # ---- for the computation of roots

    def tries(self, make: Callable[[Iterator[tuple[Address, Account]]], Trie]) -> Any:
        """The tries of the state, not to be changed: those that are kept, or what ``make`` makes.

        They change nothing that the state says; they are kept so that a root costs what a block
        changes.
        """
        version = self._memory.changes
        tries = self._tries.now(version)
        if tries is None:
            tries = make(self.accounts())
            if self._memory.changes == version:  # no other thread has changed it meanwhile
                self._tries.keep(version, tries)
        return tries

    def keep_tries_after(self, now: Trie, writes: Mapping[Any, Any], after: Trie) -> None:
        """Let `apply` know what ``writes`` make of the tries ``now``, which are the state's."""
        self._tries.keep_after(now, writes, after)

    def _tries_after(self, writes: Given, version: int) -> Trie | None:
        """The tries after writes that are not made yet, where those before them are known."""
        try:
            return self._tries.after(version, writes, self)
        except (UsageError, ArithmeticError, LookupError, TypeError, ValueError):
            return None  # the writes are no good, which is said where they are made

    def records_of(self, writes: PackedWrites) -> bytes:
        """The changes of a block's writes to this state, for `StateTrie`, without decoding.

        Raises:
            InputError: a key or a value is of the wrong kind.
        """
        return records_of(writes, self._memory)[0]

    def copy(self) -> AccountState:
        """Another state with the same accounts; neither follows the other."""
        copied = AccountState.__new__(AccountState)
        with self._changing:
            copied._fill(self._memory.copy(), self.partial, self._withheld)
            copied._content = self._content
            tries = self._tries.now(self._memory.changes)
            if tries is not None:
                copied._tries.keep(copied._memory.changes, tries)
        return copied

    def __copy__(self) -> AccountState:
        return self.copy()

    def __deepcopy__(self, memo: object) -> AccountState:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._memory, self.partial, self._withheld)

    # ---- for the executor

    def __blockstm_state__(self) -> object:
        return self._memory.__blockstm_state__()

    def __blockstm_prefetch__(self) -> object:
        return self._memory.__blockstm_prefetch__()

    def _pin(self) -> AbstractContextManager[object]:
        return self._memory._pin()


def _new_lock() -> threading.RLock:
    """One that a signal handler in the middle of a change may take once more."""
    try:
        return threading.RLock()
    except RuntimeError as error:
        raise MemoryError("no memory for the lock of a state") from error


_STATES: WeakSet[AccountState] = WeakSet()


def _renew_locks() -> None:
    """In a forked child no thread is left that would release the lock of a state."""
    for state in list(_STATES):
        state._changing = _new_lock()


os.register_at_fork(after_in_child=_renew_locks)


def _restored(memory: AccountMemory, partial: bool, withheld: frozenset[bytes]) -> AccountState:
    """A pickled state."""
    state = AccountState.__new__(AccountState)
    state._fill(memory, partial, withheld)
    return state


def _withheld(hashes: set[bytes], memory: AccountMemory) -> frozenset[bytes]:
    """Those of which the memory has no code."""
    return frozenset(each for each in hashes - {EMPTY_CODE_HASH} if each not in memory)


def _given(writes: Writes) -> Given:
    """Writes in one of the forms that a state takes."""
    if isinstance(writes, AccountChanges | PackedWrites):
        return writes if isinstance(writes, AccountChanges) else packed_locations(writes)
    try:
        given = writes if isinstance(writes, Mapping) else dict(writes)
    except (TypeError, ValueError):
        raise InputError(
            f"writes are a mapping or pairs of its items, not {kind_of(writes)}"
        ) from None
    if any(isinstance(key, tuple) for key in given):
        return packed_locations(given)
    return given
