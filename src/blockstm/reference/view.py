"""The view of one transaction that runs alone on the exact state before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from blockstm.errors import ViewError
from blockstm.values import ABSENT, NativeDelta, check_number, plus

__all__ = ["ReferenceView", "Stop"]


class Stop(BaseException):
    """Leaves a VM at once; not an Exception, so a VM's own handlers let it pass."""


class Delta:
    """A pending write that adds ``amount`` to whatever is below it."""

    __slots__ = ("amount",)

    def __init__(self, amount: Any) -> None:
        self.amount = amount


class ReferenceView:
    """See `blockstm.types.View`.

    ``read(key)`` returns the value before this transaction, or ABSENT. What it raises is kept
    in ``failure`` and ends the transaction, whatever the VM does with it.
    """

    def __init__(self, index: int, read: Callable[[Any], Any]) -> None:
        self._index = index
        self._read = read
        self._seen: dict[Any, Any] = {}
        self.writes: dict[Any, Any] = {}  # key -> value, ABSENT or Delta; in order of first write
        self.gas_used = 0
        self.failure: BaseException | None = None
        self.closed = False

    @property
    def index(self) -> int:
        self._check_open()
        return self._index

    def get(self, key: Any, default: Any = None) -> Any:
        value = self._value(key)
        return default if value is ABSENT else value

    def put(self, key: Any, value: Any) -> None:
        self._check_open()
        self.writes[key] = value

    def delete(self, key: Any) -> None:
        self._check_open()
        self.writes[key] = ABSENT

    def add(self, key: Any, delta: Any) -> None:
        self._check_open()
        check_number("a delta", delta)
        pending = self.writes.get(key)
        if key not in self.writes:
            self.writes[key] = Delta(delta)
        elif isinstance(pending, Delta):
            self.writes[key] = Delta(pending.amount + delta)
        else:
            self.writes[key] = plus(pending, delta)

    def expect(self, key: Any, value: Any) -> bool:
        found = self._value(key)
        return found is not ABSENT and bool(found == value)

    def at_least(self, key: Any, bound: Any) -> bool:
        self._check_open()
        check_number("a bound", bound)
        return bool(self._number(key) >= bound)

    def try_add(self, key: Any, delta: Any, lower: Any = None, upper: Any = None) -> bool:
        self._check_open()
        check_number("a delta", delta)
        for bound in (lower, upper):
            if bound is not None:
                check_number("a bound", bound)
        total = self._number(key) + delta
        if (lower is not None and not lower <= total) or (upper is not None and not total <= upper):
            return False
        self.add(key, delta)
        return True

    def charge(self, gas: int) -> None:
        self._check_open()
        if not isinstance(gas, int) or isinstance(gas, bool):
            raise TypeError(f"gas must be an int, not {type(gas).__name__}")
        if not 0 <= self.gas_used + gas < 1 << 63 or gas < 0:
            raise ValueError(f"gas must be 0 or more and sum to less than 2**63, not {gas}")
        self.gas_used += gas

    def before(self, key: Any) -> Any:
        """The value before this transaction, or ABSENT; not for VMs, which see their own writes."""
        if key not in self._seen:
            try:
                self._seen[key] = self._read(key)
            except Exception as error:
                self.failure = error
                raise Stop from error
        return self._seen[key]

    def _check_open(self) -> None:
        if self.closed:
            raise ViewError("this view belongs to a transaction that has ended")
        if self.failure is not None:
            raise Stop

    def _number(self, key: Any) -> Any:
        """The number at ``key``; a bound is one of the sum, whether or not that is in range."""
        pending = self.writes.get(key)
        if isinstance(pending, Delta) and isinstance(pending.amount, NativeDelta):
            return plus(self.before(key), int(pending.amount))
        return plus(self._value(key), 0)

    def _value(self, key: Any) -> Any:
        """The value of a read: the own write, or the own delta on the value before."""
        self._check_open()
        if key not in self.writes:
            return self.before(key)
        pending = self.writes[key]
        if isinstance(pending, Delta):
            return plus(self.before(key), pending.amount)
        return pending
