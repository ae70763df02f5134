"""A balance that has not been read: it records only what is asked about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

__all__ = ["Ledger", "UnreadBalance"]


class Ledger(Protocol):
    """The questions of an `UnreadBalance`: conditions on the balance before the transaction."""

    def holds_at_least(self, address: bytes, bound: int) -> bool:
        """Whether ``address`` held ``bound`` wei or more before this transaction."""

    def held(self, address: bytes) -> int:
        """The balance of ``address`` before this transaction, in wei: an exact read."""


def _exactly(operation: Callable[[int, int], int]) -> Callable[[UnreadBalance, int], int]:
    return lambda self, other: operation(int(self), int(other))


class UnreadBalance:
    """A balance in wei at one moment of a transaction, ``change`` more than before it.

    py-evm fetches the balance of the caller at every CALL and compares it with the value to
    send. Answering that comparison needs a bound, not the number: ``<`` records "at least",
    so two calls through one contract stay independent. Whatever needs the number itself reads
    it exactly. The object stands for the moment it was made at, whatever happens afterwards.
    """

    __slots__ = ("_address", "_change", "_ledger")

    def __init__(self, ledger: Ledger, address: bytes, change: int) -> None:
        self._ledger = ledger
        self._address = address
        self._change = change

    def __lt__(self, bound: int) -> bool:
        needed = int(bound) - self._change
        # No balance is below zero, so such a bound holds and there is nothing to record.
        return needed > 0 and not self._ledger.holds_at_least(self._address, needed)

    def __ge__(self, bound: int) -> bool:
        return not self < bound

    def __bool__(self) -> bool:
        return self >= 1

    def __int__(self) -> int:
        return (self._ledger.held(self._address) + self._change) % 2**256

    __index__ = __int__
    __add__ = _exactly(lambda left, right: left + right)
    __radd__ = _exactly(lambda left, right: right + left)
    __sub__ = _exactly(lambda left, right: left - right)
    __rsub__ = _exactly(lambda left, right: right - left)
    __mul__ = _exactly(lambda left, right: left * right)
    __rmul__ = _exactly(lambda left, right: right * left)

    def __neg__(self) -> int:
        return -int(self)

    def __eq__(self, other: object) -> bool:
        return int(self) == other

    __hash__ = None  # type: ignore[assignment]  # a hash would have to read the number

    def __repr__(self) -> str:
        return f"<unread balance of 0x{self._address.hex()}>"
