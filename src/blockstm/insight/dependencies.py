"""Which earlier transactions of a block each transaction needs, found by running it once in order.

Transaction *j* depends on *i* if it would have gone another way without what *i* wrote:

- A read depends on the transactions that made the value: the last one that changed the location
  and, if that one only added to it, every one that added since the last ``put``, and the one that
  did that ``put``.
- ``at_least`` and ``try_add`` depend on no transaction as long as their answer has been the same
  since the block began. Else they depend on the transaction that turned the answer for the last
  time and, if that one only added, on each earlier transaction without whose addition alone the
  answer would not have turned, back to the last ``put``.
- ``expect`` depends on no transaction if the answer is yes; else it is a read.
- A write has no dependency, ``add`` as little as ``put``; nor has a read of the transaction's own
  write.

A write that leaves the value as it was changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from blockstm import reference
from blockstm.errors import InputError
from blockstm.messages import brief
from blockstm.reference.view import Delta, ReferenceView
from blockstm.types import BlockResult, StateReader
from blockstm.values import ABSENT, plus, same_value

__all__ = ["Dependencies"]

Holds = Callable[[Any], bool]
"""Whether a transaction would have gone the same way on this value at a location."""


@dataclass(frozen=True, slots=True)
class _Change:
    """Transaction ``index`` made a location's value ``value``, perhaps by adding ``amount``."""

    index: int
    value: Any
    amount: Any = ABSENT


@dataclass(slots=True)
class Dependencies:
    """The dependencies that one run of a block in order shows.

    Attributes:
        of: for each transaction those it depends on, ascending.
    """

    of: list[tuple[int, ...]] = field(default_factory=list)
    _changes: dict[Any, list[_Change]] = field(default_factory=dict)  # the first: what was there

    def execute_block(
        self,
        transactions: Sequence[Any],
        state: Mapping[Any, Any] | StateReader,
        vm: Any,
        **options: Any,
    ) -> BlockResult:
        """`blockstm.reference.execute_block`, once; a native VM must have a Python reference.

        Raises:
            InputError: it has none.
            BlockError: the block ended early; what came before is in ``of``.
        """
        python_vm = getattr(vm, "python", vm)
        if not callable(python_vm):
            raise InputError(f"{brief(vm)} is native and has no Python reference")

        def recorded(view: ReferenceView, transaction: Any) -> Any:
            conditions: list[tuple[Any, Holds]] = []
            try:
                value = python_vm(_RecordingView(view, conditions), transaction)
            finally:
                self._note_conditions(conditions)
            self._note_writes(view)
            return value

        return reference.execute_block(transactions, state, recorded, **options)

    def _note_conditions(self, conditions: list[tuple[Any, Holds]]) -> None:
        needed = {
            index
            for key, holds in conditions
            for index in _needed(self._changes.get(key, ()), holds)
        }
        self.of.append(tuple(sorted(needed)))

    def _note_writes(self, view: ReferenceView) -> None:
        for key, write in view.writes.items():
            before = view.before(key)
            try:
                after = plus(before, write.amount) if isinstance(write, Delta) else write
            except Exception:  # the block ends here, and says so itself
                return
            if not same_value(before, after):
                changes = self._changes.setdefault(key, [_Change(-1, before)])
                amount = write.amount if isinstance(write, Delta) else ABSENT
                changes.append(_Change(view.index, after, amount))


def _needed(changes: Sequence[_Change], holds: Holds) -> Iterator[int]:
    """Those of the transactions that changed a location without whom it would not hold."""
    turned = next(
        (place for place in range(len(changes) - 1, 0, -1) if not holds(changes[place - 1].value)),
        0,
    )
    if not turned:
        return
    last = changes[turned]
    yield last.index
    if last.amount is ABSENT:
        return
    for change in reversed(changes[1:turned]):
        if change.amount is ABSENT:
            yield change.index
            return
        if not holds(last.value - change.amount):
            yield change.index


class _RecordingView:
    """A view that notes under which conditions its transaction would have gone the same way."""

    def __init__(self, view: ReferenceView, conditions: list[tuple[Any, Holds]]) -> None:
        self._view = view
        self._conditions = conditions
        self._read: set[Any] = set()
        self.put, self.delete, self.add, self.charge = view.put, view.delete, view.add, view.charge

    @property
    def index(self) -> int:
        return self._view.index

    def get(self, key: Any, default: Any = None) -> Any:
        looks_below = self._own(key) is not None
        value = self._view.get(key, default)
        if looks_below and key not in self._read:
            self._read.add(key)
            seen = self._view.before(key)
            self._conditions.append((key, lambda other: same_value(other, seen)))
        return value

    def expect(self, key: Any, value: Any) -> bool:
        answer = self._view.expect(key, value)
        if answer and key not in self._view.writes:
            self._read.add(key)  # what is expected rightly is known beforehand
        else:
            self.get(key)
        return answer

    def at_least(self, key: Any, bound: Any) -> bool:
        own = self._own(key)
        answer = self._view.at_least(key, bound)
        self._note(key, own, lambda value: bool(value >= bound), answer)
        return answer

    def try_add(self, key: Any, delta: Any, lower: Any = None, upper: Any = None) -> bool:
        own = self._own(key)
        answer = self._view.try_add(key, delta, lower, upper)

        def is_within(value: Any) -> bool:
            total = value + delta
            return (lower is None or lower <= total) and (upper is None or total <= upper)

        self._note(key, own, is_within, answer)
        return answer

    def _own(self, key: Any) -> Any:
        """The own delta, 0 where there is none; None where an own value hides what is below."""
        if key not in self._view.writes:
            return 0
        write = self._view.writes[key]
        return write.amount if isinstance(write, Delta) else None

    def _note(self, key: Any, own: Any, asked: Holds, answer: bool) -> None:
        if own is None or key in self._read:
            return

        def holds(value: Any) -> bool:
            try:
                return asked(plus(value, own)) == answer
            except Exception:  # not a number: no answer at all
                return False

        self._conditions.append((key, holds))
