"""Payments by two kernels that workers run without the GIL; needs ``blockstm[numba]``.

`pay` asks a question about the source ("does it have that much?") and moves the amount by deltas,
so only a payment that the source cannot afford depends on others. `pay_exact` reads and writes
balances the way most VMs do. Both come to the same; the first one has to repeat less work when
payments share accounts.

Run it: ``python examples/payments_kernel.py``.
"""

from __future__ import annotations

from typing import Any

import numpy

import blockstm
from blockstm.state.memory import MemoryState

PAYMENT = numpy.dtype([("source", "i8"), ("target", "i8"), ("amount", "i8")])
ACCOUNTS, PAYMENTS, START = 100, 10_000, 1_000


@blockstm.kernel
def pay(view: Any, tx: Any) -> None:
    """By a condition and deltas."""
    if not view.try_add(tx.source, -tx.amount, lower=0):
        raise blockstm.Revert("insufficient funds")
    view.add(tx.target, tx.amount)


@blockstm.kernel
def pay_exact(view: Any, tx: Any) -> None:
    """By reads and writes."""
    balance = view.get(tx.source, 0)
    if balance < tx.amount:
        raise blockstm.Revert("insufficient funds")
    view.put(tx.source, balance - tx.amount)
    view.put(tx.target, view.get(tx.target, 0) + tx.amount)


def payments(count: int = PAYMENTS, seed: int = 1) -> Any:
    """Payments between accounts drawn at random, the same for the same seed."""
    draw = numpy.random.default_rng(seed)
    block = numpy.zeros(count, PAYMENT)
    block["source"] = draw.integers(0, ACCOUNTS, count)
    block["target"] = draw.integers(0, ACCOUNTS, count)
    block["amount"] = draw.integers(1, START // 2, count)
    return block


def main() -> list[blockstm.BlockResult]:
    """Run the same block with both kernels on one state and compare what they came to."""
    block = payments()
    state = MemoryState.from_arrays(
        numpy.arange(ACCOUNTS), numpy.full(ACCOUNTS, START, numpy.int64)
    )
    results = [blockstm.execute_block(block, state, vm) for vm in (pay, pay_exact)]

    first, second = results
    assert first.writes == second.writes
    assert [each.status for each in first.outcomes] == [each.status for each in second.outcomes]
    reverted = sum(outcome.status == blockstm.Status.REVERTED for outcome in first.outcomes)
    assert 0 < reverted < PAYMENTS

    state.apply(first.writes)  # the state after the block
    assert sum(state.values()) == ACCOUNTS * START
    return results


if __name__ == "__main__":
    for name, result in zip(("pay", "pay_exact"), main(), strict=True):
        again = result.stats.incarnations_per_transaction
        print(f"{name:10} {result.stats.seconds * 1e3:6.2f} ms, {again:.2f} runs per transaction")
