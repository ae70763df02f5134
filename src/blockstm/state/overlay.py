"""Changes on top of a state: another state, in memory, and the one below stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from blockstm._native.base.pins import Pins
from blockstm.errors import InputError
from blockstm.messages import brief, kind_of
from blockstm.state.account import EMPTY_CODE_HASH
from blockstm.state.changes import (
    AccountChange,
    AccountChanges,
    ChangesByAddress,
    RecordedChanges,
    changes_of,
)
from blockstm.state.located import LocatedState
from blockstm.state.protocol import AccountFields, AccountInfo, RootedState, State
from blockstm.types import Address, Hash32

__all__ = ["Overlay", "merged", "overlay"]

_NO_CHANGE = AccountChange()
_GONE = AccountChange(cleared=True, exists=False)


def overlay(below: State, changes: Mapping[Any, Any] | None = None) -> Overlay:
    """A state that is another one with changes on top; it knows its root if that does.

    Args:
        below: must not change for as long as the overlay is used.
        changes: what `Overlay.apply` takes.

    Raises:
        InputError: it is no `State`, or the changes are of the wrong kind.

    Thread-safety: any thread may read; `Overlay.apply` must not meet a reader, and while a block
    runs on the overlay it is refused with `UsageError`, as are changes of the state below.

    >>> from blockstm.state.accounts import Account, AccountState
    >>> alice = Address(bytes(19) + bytes([1]))
    >>> below = AccountState({alice: Account(balance=10)})
    >>> above = overlay(below, {alice: AccountChange(balance=7)})
    >>> above.account(alice).balance, below.account(alice).balance
    (7, 10)
    """
    if not isinstance(below, State):
        raise InputError(f"an overlay stands on a blockstm.ethereum.State, not {kind_of(below)}")
    above = _RootedOverlay(below) if isinstance(below, RootedState) else Overlay(below)
    if changes is not None:
        above.apply(changes)
    return above


class Overlay:
    """A `State` below, and what has changed since; see `overlay`."""

    __slots__ = ("_changes", "_codes", "_pins", "below")

    def __init__(self, below: State) -> None:
        self.below = below
        self._changes: dict[Address, AccountChange] = {}
        self._codes: dict[bytes, bytes] = {}
        self._pins = Pins()

    @property
    def changes(self) -> Mapping[Address, AccountChange]:
        """All changes on top of the state below, as one of each account. Not to be changed."""
        return self._changes

    def account(self, address: Address) -> AccountFields | None:
        """See `State`."""
        change = self._changes.get(address)
        if change is not None and change.exists is False:
            return None
        find = getattr(self.below, "info", self.below.account)  # where slots need not be copied
        found: AccountFields | None = find(address)
        return found if change is None else _changed(found or AccountInfo(), change)

    def storage(self, address: Address, slot: int) -> int:
        """See `State`."""
        change = self._changes.get(address)
        if change is not None:
            if slot in change.storage:
                return change.storage[slot]
            if change.cleared:
                return 0
        return self.below.storage(address, slot)

    def code(self, code_hash: Hash32) -> bytes:
        """See `State`."""
        code = self._codes.get(code_hash)
        return self.below.code(code_hash) if code is None else code

    def apply(self, writes: Mapping[Any, Any]) -> None:
        """Make what a block did part of the state.

        Args:
            writes: ``ExecutedBlock.writes``, or address → `AccountChange`, or location → value.

        Raises:
            InputError: a key or a value is of the wrong kind; nothing was changed.
            UsageError: a block is running on the state; nothing was changed.
        """
        changes = _by_address(writes, self)
        self._pins.check()
        for change in changes.values():
            if change.code and change.code_hash is not None:
                self._codes[change.code_hash] = change.code
        for address, change in changes.items():
            before = self._changes.get(address, _NO_CHANGE)
            self._changes[address] = merged(before, change)

    def _pin(self) -> AbstractContextManager[object]:
        """For the executor: this is not to be changed meanwhile, nor what is below."""
        return self._pins.pin(self.below)


class _RootedOverlay(Overlay):
    """On a state that knows its root."""

    __slots__ = ()
    below: RootedState

    def root_after(self, writes: Mapping[Any, Any]) -> Hash32:
        """See `RootedState`."""
        above = Overlay(self)
        above._changes = dict(self._changes)
        above.apply(writes)
        return self.below.root_after(RecordedChanges.of(above._changes))


def merged(first: AccountChange, then: AccountChange) -> AccountChange:
    """Two changes of one account, one after the other, as one."""
    if then.exists is False:
        return _GONE
    if first.exists is False:
        first = AccountChange(0, 0, EMPTY_CODE_HASH, cleared=True, code=b"")
    recoded = then.code_hash is not None
    return AccountChange(
        first.nonce if then.nonce is None else then.nonce,
        first.balance if then.balance is None else then.balance,
        then.code_hash if recoded else first.code_hash,
        then.storage if then.cleared else {**first.storage, **then.storage},
        first.cleared or then.cleared,
        then.exists,
        then.code if recoded else first.code,
    )


def _changed(account: AccountFields, change: AccountChange) -> AccountInfo | None:
    """An account after a change; None where it is empty then, and nothing says that it is there."""
    after = AccountInfo(
        account.balance if change.balance is None else change.balance,
        account.nonce if change.nonce is None else change.nonce,
        account.code_hash if change.code_hash is None else change.code_hash,
        any(change.storage.values()) or (not change.cleared and account.has_storage),
    )
    is_empty = not after.balance and not after.nonce and after.code_hash == EMPTY_CODE_HASH
    return None if is_empty and not change.exists else after


def _by_address(writes: Mapping[Any, Any], before: Overlay) -> ChangesByAddress:
    """Writes in any form, account by account."""
    if isinstance(writes, AccountChanges):
        return dict(writes)
    if any(isinstance(key, tuple) for key in writes):
        return dict(changes_of(writes, LocatedState(before)))
    for address, change in writes.items():
        if not isinstance(change, AccountChange):
            raise InputError(
                f"what changes at {brief(address)} is an AccountChange, not {kind_of(change)}"
            )
    return writes
