"""A counter that every transaction counts up, and a capped one; needs ``blockstm[numba]``.

A counter is the worst case for most engines: every transaction writes the same place. By `add` none
of them looks at it, so none has to wait. A cap is a bounded delta: it is recorded that the
ticket was to be had, not which number it was.

Run it: ``python examples/counter_kernel.py``.
"""

from __future__ import annotations

from typing import Any

import numpy

import blockstm
from blockstm.state.memory import MemoryState

TICKETS, BUYERS, PRICE = 0, 1_000, 25
SOLD_MAX = 500
BUYER = numpy.dtype([("account", "i8"), ("tickets", "i8")])


@blockstm.kernel
def visit(view: Any, tx: Any) -> None:
    """Counts a visitor."""
    view.add(TICKETS, 1)


@blockstm.kernel
def buy(view: Any, tx: Any) -> int:
    """Buys tickets while there are any; returns what they cost."""
    if not view.try_add(TICKETS, tx.tickets, upper=SOLD_MAX):
        raise blockstm.Revert("sold out")
    cost: int = tx.tickets * PRICE
    if not view.try_add(tx.account, -cost, lower=0):
        raise blockstm.Revert("insufficient funds")
    return cost


def buyers() -> Any:
    """Each account once, for one or two tickets."""
    block = numpy.zeros(BUYERS, BUYER)
    block["account"] = numpy.arange(1, BUYERS + 1)
    block["tickets"] = 1 + numpy.arange(BUYERS) % 2
    return block


def main() -> blockstm.BlockResult:
    """Count visitors, then sell what there is."""
    block = buyers()
    visited = blockstm.execute_block(block, {TICKETS: 0}, visit)
    assert visited.writes == {TICKETS: BUYERS}

    state = MemoryState({TICKETS: 0} | dict.fromkeys(range(1, BUYERS + 1), 100))
    sold = blockstm.execute_block(block, state, buy)
    paid = sum(outcome.value or 0 for outcome in sold.outcomes)
    assert sold.writes[TICKETS] == SOLD_MAX
    assert paid == SOLD_MAX * PRICE
    assert sum(str(outcome.error) == "sold out" for outcome in sold.outcomes) > 0
    return sold


if __name__ == "__main__":
    result = main()
    print(f"{result.writes[TICKETS]} tickets sold to the first of {BUYERS} buyers")
