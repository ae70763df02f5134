"""Generated blocks to measure hints with, and what other blocks of their kind teach of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blockstm.bench.blocks.workloads import block_workload
from blockstm.ethereum.learned import Learned
from blockstm.hints import Hints
from blockstm.insight.recording import Steps, run_for_accesses

__all__ = ["generated_steps", "taught_steps"]

_TEACHERS = 3
"""Blocks that teach of another one."""


def generated_steps(name: str, *, gas: int, seed: int = 1) -> Steps:
    """A block of `BLOCK_WORKLOADS`, as the engine is given it.

    Raises:
        ConfigError: there is no such block, or ``gas`` is not enough for one.
    """
    load = block_workload(name, gas=gas, seed=seed)
    return Steps(load.name, load.steps, load.state, load.evm, range(len(load.steps)))


def taught_steps(name: str, *, gas: int) -> tuple[Steps, Hints | None]:
    """Such a block, and the hints that three others teach, of the same kind and of other seeds."""
    block = generated_steps(name, gas=gas)
    learned = Learned()
    for seed in range(2, 2 + _TEACHERS):
        teacher = generated_steps(name, gas=gas, seed=seed)
        outcomes, accesses = run_for_accesses(teacher)
        gas_used = [outcome.gas_used for outcome in outcomes]
        learned.learn_from(*_signed(teacher), accesses, gas_used)
    return block, learned.for_transactions(*_signed(block))


def _signed(steps: Steps) -> tuple[Sequence[Any], Sequence[Any]]:
    """The transactions among the steps, and their senders."""
    signed = [steps.steps[place] for place in steps.transactions]
    return [each.transaction for each in signed], [each.sender for each in signed]
