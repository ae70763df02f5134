"""The transactions of the workloads in Python: as VMs, and as plain loops over a dict.

A VM here takes ``(source, target, amount, work)``; ``work`` is the number of empty turns of a
loop that stand for what a real transaction computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from blockstm.bench.engine.workloads import READS
from blockstm.errors import Revert
from blockstm.types import View

__all__ = ["PLAIN_LOOPS", "PROGRAMS", "spin"]

Worked = tuple[int, int, int, int]


def spin(turns: int) -> None:
    """The work of one transaction: ``turns`` turns of a loop that does nothing."""
    for _ in range(turns):
        pass


def payment(view: View, transaction: Worked) -> None:
    """Looks at both balances and sets both."""
    source, target, amount, work = transaction
    if work:
        spin(work)
    balance = view.get(source)
    if balance < amount:
        raise Revert("insufficient funds")
    view.put(source, balance - amount)
    view.put(target, view.get(target) + amount)


def payment_deltas(view: View, transaction: Worked) -> None:
    """Asks whether the source can pay, and moves the amount by deltas."""
    source, target, amount, work = transaction
    if work:
        spin(work)
    if not view.try_add(source, -amount, 0):
        raise Revert("insufficient funds")
    view.add(target, amount)


def count(view: View, transaction: Worked) -> None:
    """Counts up without looking."""
    key, _, amount, work = transaction
    if work:
        spin(work)
    view.add(key, amount)


def count_exact(view: View, transaction: Worked) -> None:
    """Looks at the count and sets the next one."""
    key, _, amount, work = transaction
    if work:
        spin(work)
    view.put(key, view.get(key) + amount)


def read_heavy(view: View, transaction: Worked) -> None:
    """Looks at many accounts, a stride apart; sets one to their highest value plus 1, mod 97."""
    first, target, stride, work = transaction
    if work:
        spin(work)
    highest = 0
    for turn in range(READS):
        highest = max(highest, view.get(first + turn * stride))
    view.put(target, (highest + 1) % 97)


def _plain_payments(state: dict[int, int], block: Sequence[Worked]) -> int:
    done = 0
    for source, target, amount, work in block:
        if work:
            spin(work)
        balance = state[source]
        if balance < amount:
            continue
        state[source] = balance - amount
        state[target] = state[target] + amount
        done += 1
    return done


def _plain_counts(state: dict[int, int], block: Sequence[Worked]) -> int:
    for key, _, amount, work in block:
        if work:
            spin(work)
        state[key] = state[key] + amount
    return len(block)


def _plain_reads(state: dict[int, int], block: Sequence[Worked]) -> int:
    for first, target, stride, work in block:
        if work:
            spin(work)
        highest = 0
        for turn in range(READS):
            highest = max(highest, state[first + turn * stride])
        state[target] = (highest + 1) % 97
    return len(block)


PROGRAMS: dict[str, Callable[[Any, Any], None]] = {
    "payment": payment,
    "payment_deltas": payment_deltas,
    "count": count,
    "count_exact": count_exact,
    "read_heavy": read_heavy,
}
"""Program name → Python VM."""

PLAIN_LOOPS: dict[str, Callable[[dict[int, int], Sequence[Worked]], int]] = {
    "payment": _plain_payments,
    "payment_deltas": _plain_payments,
    "count": _plain_counts,
    "count_exact": _plain_counts,
    "read_heavy": _plain_reads,
}
"""Program name → a sequential loop that changes a dict in place; returns how many succeeded."""
