"""A `State` as the engine reads it: location → value, in place of accounts and slots."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

from blockstm._native.base.pins import pin_of
from blockstm.errors import InputError
from blockstm.messages import brief, kind_of
from blockstm.state.account import EMPTY_CODE_HASH
from blockstm.state.changes import AccountChanges, changes_of
from blockstm.state.protocol import AccountFields, RootedState, State
from blockstm.types import Address, Hash32

__all__ = ["LocatedState", "field_of", "located"]

_NONCE_MAX: Final = 2**64 - 1
_WORD_MAX: Final = 2**256 - 1
_UNASKED: Final = object()


def located(state: Any) -> Any:
    """What the engine can read, of a `State` or of what is read by location already.

    Raises:
        InputError: it is neither.
    """
    if callable(getattr(state, "get", None)):
        return state
    if isinstance(state, RootedState):
        return _RootedLocatedState(state)
    if isinstance(state, State):
        return LocatedState(state)
    raise InputError(
        "an Ethereum block starts from a blockstm.ethereum.AccountState, or from a "
        f"blockstm.ethereum.State with account(), storage() and code(), not {kind_of(state)}"
    )


class LocatedState:
    """A `State`, read by the locations of `blockstm.state.accounts`.

    Each account is asked for once, so that it is for one block only. What the state answers is
    checked, as a wrong answer would be a wrong block.

    Thread-safety: any thread may read.
    """

    __slots__ = ("_accounts", "_named", "state")

    def __init__(self, state: State) -> None:
        self.state = state
        self._accounts: dict[Address, AccountFields | None] = {}
        self._named: set[bytes] = set()  # codes that an account was found to have

    def get(self, key: Any, default: Any = None) -> Any:
        """The value at a location, ``default`` where there is none.

        Raises:
            InputError: the state answered something that is none.
            Exception: whatever the state raised.
        """
        if key[0] == "code":
            return self._code(key[1], default)
        account = self._account(key[0])
        if account is None:
            return default
        if len(key) == 4:
            value: Any = 0 if key[2] else self._slot(key[0], key[3])
        else:
            value = field_of(account, key[1])
        return value or default

    def _pin(self) -> AbstractContextManager[object]:
        return pin_of(self.state)

    def _resolve_before_changing(self, changes: Any) -> None:
        """What a block did is decoded at once: nobody tells when a `State` changes."""
        changes.resolve()

    def _account(self, address: Address) -> AccountFields | None:
        found: Any = self._accounts.get(address, _UNASKED)
        if found is _UNASKED:
            found = self.state.account(Address(address))
            if found is not None:
                _check(found, address)
                self._named.add(found.code_hash)
            self._accounts[address] = found
        account: AccountFields | None = found
        return account

    def _slot(self, address: Address, slot: int) -> int:
        value = self.state.storage(Address(address), slot)
        if not _is_number(value, _WORD_MAX):
            raise InputError(
                f"State.storage gives an int of 256 bits, not {brief(value)} for slot {slot:#x} "
                f"of 0x{address.hex()}"
            )
        return value

    def _code(self, code_hash: Hash32, default: Any) -> Any:
        """A code that no account was found to have is none: a block asks for what it creates."""
        if code_hash not in self._named:
            return default
        code = self.state.code(code_hash)
        if not isinstance(code, bytes):
            raise InputError(f"State.code gives bytes, not {kind_of(code)} for 0x{code_hash.hex()}")
        return code or default


class _RootedLocatedState(LocatedState):
    __slots__ = ()
    state: RootedState

    def root_after(self, writes: Mapping[Any, Any]) -> Hash32:
        changes = writes if isinstance(writes, AccountChanges) else changes_of(writes, self)
        return self.state.root_after(changes)


def field_of(account: AccountFields, name: str) -> Any:
    """The value at a location of an account that exists; what is zero or empty holds none."""
    is_named = account.nonce > 0 or account.code_hash != EMPTY_CODE_HASH
    match name:
        case "balance":
            return account.balance
        case "nonce":
            return account.nonce
        case "code_hash":
            return None if account.code_hash == EMPTY_CODE_HASH else account.code_hash
        case "recorded":
            return not is_named and account.balance == 0
        case "stored":
            return not is_named and account.has_storage
    return None  # an epoch: nothing was cleared in a block that has not run


def _check(account: AccountFields, address: Address) -> None:
    """Raise unless an answer is an account's."""
    try:
        is_right = (
            _is_number(account.balance, _WORD_MAX)
            and _is_number(account.nonce, _NONCE_MAX)
            and isinstance(account.code_hash, bytes)
            and len(account.code_hash) == 32
            and isinstance(account.has_storage, bool)
        )
    except AttributeError:
        is_right = False
    if not is_right:
        raise InputError(
            "State.account gives a blockstm.ethereum.AccountInfo or None, not "
            f"{brief(account)} for 0x{address.hex()}"
        )


def _is_number(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
