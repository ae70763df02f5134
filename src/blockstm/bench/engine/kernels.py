"""The transactions of the workloads as kernels: compiled by Numba, run without the GIL.

The same programs as `blockstm.bench.engine.programs`, on records of `TRANSACTION`. Needs the extra
``numba``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from blockstm.bench.engine.workloads import READS
from blockstm.errors import Revert
from blockstm.vm.kernel import kernel

__all__ = ["KERNELS", "TRANSACTION", "spin"]

TRANSACTION = np.dtype(
    [("source", np.int64), ("target", np.int64), ("amount", np.int64), ("work", np.int64)]
)
"""A transaction; ``work`` is turns of the work loop."""


@njit  # type: ignore[untyped-decorator]  # Numba has no types
def spin(turns: int) -> int:
    """The work of one transaction: a chain of shifts, each of which needs the one before it.

    Never comes to 0, which the compiler cannot know: so it cannot leave the loop out.
    """
    state = 88172645463325252
    for _ in range(turns):
        state ^= state << 13
        state ^= (state >> 7) & 0x01FFFFFFFFFFFFFF
        state ^= state << 17
    return state


@kernel
def payment(view: Any, tx: Any) -> None:
    """Looks at both balances and sets both."""
    if spin(tx.work) == 0:
        raise Revert("the work came to nothing")
    balance = view.get(tx.source, 0)
    if balance < tx.amount:
        raise Revert("insufficient funds")
    view.put(tx.source, balance - tx.amount)
    view.put(tx.target, view.get(tx.target, 0) + tx.amount)


@kernel
def payment_deltas(view: Any, tx: Any) -> None:
    """Asks whether the source can pay, and moves the amount by deltas."""
    if spin(tx.work) == 0:
        raise Revert("the work came to nothing")
    if not view.try_add(tx.source, -tx.amount, 0):
        raise Revert("insufficient funds")
    view.add(tx.target, tx.amount)


@kernel
def count(view: Any, tx: Any) -> None:
    """Counts up without looking."""
    if spin(tx.work) == 0:
        raise Revert("the work came to nothing")
    view.add(tx.source, tx.amount)


@kernel
def count_exact(view: Any, tx: Any) -> None:
    """Looks at the count and sets the next one."""
    if spin(tx.work) == 0:
        raise Revert("the work came to nothing")
    view.put(tx.source, view.get(tx.source, 0) + tx.amount)


@kernel
def read_heavy(view: Any, tx: Any) -> None:
    """Looks at many accounts, a stride apart; sets one to their highest value plus 1, mod 97."""
    if spin(tx.work) == 0:
        raise Revert("the work came to nothing")
    highest = 0
    for turn in range(READS):
        highest = max(highest, view.get(tx.source + turn * tx.amount, 0))
    view.put(tx.target, (highest + 1) % 97)


KERNELS: dict[str, Any] = {
    "payment": payment,
    "payment_deltas": payment_deltas,
    "count": count,
    "count_exact": count_exact,
    "read_heavy": read_heavy,
}
"""Program name → native VM."""
