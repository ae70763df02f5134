"""What an Ethereum block needs of the state that it starts from, as a protocol to be met.

`AccountState` meets it natively. A state of one's own is a Python class with three methods, read
under the GIL; `located` has it read by the engine::

    class MyState:
        def account(self, address): ...        # AccountInfo, or None
        def storage(self, address, slot): ...  # int
        def code(self, code_hash): ...         # bytes

The names are revm's (``Database``), where it has one: its ``basic`` is `State.account`, its
``code_by_hash`` is `State.code`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from blockstm.state.account import EMPTY_CODE_HASH
from blockstm.state.changes import AccountChanges
from blockstm.types import Address, Hash32

__all__ = ["AccountFields", "AccountInfo", "RootedState", "State"]


class AccountFields(Protocol):
    """What is read of an account; `AccountInfo`, `Account` and a trie's account have it."""

    @property
    def balance(self) -> int:
        """In wei."""

    @property
    def nonce(self) -> int:
        """Transactions sent or contracts created."""

    @property
    def code_hash(self) -> bytes:
        """keccak of the code, 32 bytes."""

    @property
    def has_storage(self) -> bool:
        """Whether any slot is not zero; asked of accounts without nonce and code (EIP-7610)."""


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """An account without its code and its slots: what `State.account` returns.

    Attributes:
        balance: in wei.
        nonce: transactions sent or contracts created.
        code_hash: keccak of the code.
        has_storage: whether any slot is not zero. It matters only of an account without nonce and
            code, which no contract may be created at then (EIP-7610).
    """

    balance: int = 0
    nonce: int = 0
    code_hash: bytes = EMPTY_CODE_HASH
    has_storage: bool = False


@runtime_checkable
class State(Protocol):
    """The state that a block starts from.

    Every method may be called from any thread, several at a time, and gives the same answer for
    as long as a block runs on the state. What cannot be told is an exception, whatever its
    class: it ends the block with `blockstm.StateError`, whose ``__cause__`` it is. Never
    answer zero for what is unknown.
    """

    def account(self, address: Address, /) -> AccountFields | None:
        """The account at an address; None where there is none.

        An account that is there and empty, as before EIP-161, is not None.
        """

    def storage(self, address: Address, slot: int, /) -> int:
        """The value at a slot of an account; 0 where none was written."""

    def code(self, code_hash: Hash32, /) -> bytes:
        """The code with this hash, which an account of this state has.

        Raises:
            LookupError: it is not known.
        """


@runtime_checkable
class RootedState(State, Protocol):
    """A state that knows its root: of a block that runs on it, the header's root is checked."""

    def root_after(self, writes: AccountChanges, /) -> Hash32:
        """The root of the state with a block's writes on top; the state stays as it is."""
