"""Kernels on many workers for long enough to meet: errors first seen at once, and stale runs."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from tests.vm.kernel.scripts import plainly

import blockstm
from blockstm.errors import Invalid, Revert
from blockstm.reference import execute_block as reference
from blockstm.state.memory import MemoryState
from blockstm.vm.kernel import kernel

pytestmark = pytest.mark.stress

RECORD = numpy.dtype([("source", "i8"), ("target", "i8"), ("amount", "i8")])


def transfer(view: Any, tx: Any) -> Any:
    """Many ways to end, most of them first met by several workers at once."""
    balance = view.get(tx.source, 0)
    if tx.amount % 7 == 1:
        raise Invalid("seven")
    if balance < tx.amount:
        if tx.amount % 2 == 0:
            raise Revert("even")
        if tx.amount % 3 == 0:
            raise Revert("by three")
        raise Revert("missing", tx.amount - balance)
    view.put(tx.source, balance - tx.amount)
    if not view.try_add(tx.target, tx.amount, upper=150):
        raise Revert("full")
    return balance


def block_of(count: int, accounts: int, seed: int) -> Any:
    draw = numpy.random.default_rng(seed)
    block = numpy.zeros(count, RECORD)
    for name, bound in (("source", accounts), ("target", accounts), ("amount", 60)):
        block[name] = draw.integers(0, bound, count)
    return block


@pytest.mark.parametrize("accounts", [2, 50])
@pytest.mark.parametrize("workers", [2, 4, 8])
def test_errors_met_by_many_workers_at_once(workers: int, accounts: int) -> None:
    state = MemoryState(dict.fromkeys(range(accounts), 80))
    with blockstm.Executor(blockstm.Config(gate=False), workers=workers) as executor:
        for seed in range(5):
            vm = kernel(transfer)  # compiled anew: its errors are unknown again
            block = block_of(400, accounts, seed)
            wanted = reference(block, state, vm.python, on_invalid="skip")
            for _ in range(5):
                result = executor.execute_block(block, state, vm, on_invalid="skip")
                assert plainly(result.outcomes) == plainly(wanted.outcomes)
                assert result.writes == wanted.writes
