"""How much of a block could run at once: its longest chains of dependent transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.execution import PreparedBlock, VMName, prepare
from blockstm.insight.dependencies import Dependencies
from blockstm.types import BlockResult, StateReader

__all__ = ["Chain", "CriticalPath", "critical_path", "critical_path_of", "critical_path_of_block"]


@dataclass(frozen=True, slots=True)
class Chain:
    """Transactions each of which depends on the one before it.

    Attributes:
        indices: their places in the block, ascending.
        gas: what they used together.
    """

    indices: tuple[int, ...]
    gas: int


@dataclass(frozen=True, slots=True)
class CriticalPath:
    """The longest and the heaviest chain of a block: a bound for any number of workers.

    Attributes:
        gas: of all transactions.
        heaviest: the chain with the most gas.
        longest: the chain with the most transactions.
        dependencies: for each transaction those it depends on
            (`blockstm.insight.dependencies`), ascending.
    """

    gas: int
    heaviest: Chain
    longest: Chain
    dependencies: Sequence[tuple[int, ...]]

    @property
    def transactions(self) -> int:
        """How many the block has."""
        return len(self.dependencies)

    @property
    def parallelism(self) -> float:
        """Transactions over those of the longest chain: 1.0 for a chain, N for N independent."""
        return self.transactions / len(self.longest.indices) if self.transactions else 1.0

    @property
    def parallelism_by_gas(self) -> float | None:
        """Gas over that of the heaviest chain; None in a block that uses none."""
        return self.gas / self.heaviest.gas if self.gas else None


def critical_path(
    transactions: Sequence[Any],
    state: Mapping[Any, Any] | StateReader,
    vm: Any,
    *,
    on_invalid: Literal["raise", "skip"] = "raise",
) -> CriticalPath:
    """Run a block once in order, and find its longest chains.

    Arguments are those of `blockstm.execute_block`; a native VM must have a Python reference, as
    kernels and the EVM do. What depends on what is defined in `blockstm.insight.dependencies`. A
    transaction weighs the gas it used.

    Raises:
        InputError: the VM has no Python reference.
        BlockError: the block ends early.

    >>> def pay(view, tx):
    ...     source, target, amount = tx
    ...     view.put(source, view.get(source, 0) - amount)
    ...     view.add(target, amount)
    >>> path = critical_path([("a", "b", 1), ("c", "b", 1), ("a", "c", 1)], {"a": 5, "c": 5}, pay)
    >>> path.longest.indices, path.parallelism
    ((0, 2), 1.5)
    """
    dependencies = Dependencies()
    result = dependencies.execute_block(transactions, state, vm, on_invalid=on_invalid)
    return _longest(dependencies.of, [outcome.gas_used for outcome in result.outcomes])


def critical_path_of(prepared: PreparedBlock) -> CriticalPath:
    """The same of an Ethereum block, on the VM it is prepared for.

    Its transactions only: what the block does before and after them is no part of any chain.

    Raises:
        BlockError: the block ends early.
    """
    dependencies = Dependencies()

    def execute_block(transactions: Any, state: Any, vm: Any, *, limit: Any = None) -> BlockResult:
        return dependencies.execute_block(transactions, state, vm, limit=limit)

    outcomes = prepared.run(execute_block).result.outcomes
    steps = prepared.transaction_steps
    return _longest(
        [
            tuple(steps.index(other) for other in dependencies.of[step] if other in steps)
            for step in steps
        ],
        [outcomes[step].gas_used for step in steps],
    )


def critical_path_of_block(
    block: Block, state: Any, vm: VMName = "evm", **options: Any
) -> CriticalPath:
    """The same of an Ethereum block that is not prepared; ``options`` are those of `prepare`.

    Raises:
        BlockError: the block ends early.
    """
    return critical_path_of(prepare(block, state, vm, **options))


def _longest(dependencies: Sequence[tuple[int, ...]], gas: Sequence[int]) -> CriticalPath:
    return CriticalPath(
        gas=sum(gas),
        heaviest=_chain(dependencies, gas, gas),
        longest=_chain(dependencies, [1] * len(gas), gas),
        dependencies=tuple(dependencies),
    )


def _chain(
    dependencies: Sequence[tuple[int, ...]], weights: Sequence[int], gas: Sequence[int]
) -> Chain:
    """The chain with the greatest weight; of equal ones, one that ends first."""
    totals: list[int] = []  # of the heaviest chain that ends here
    before: list[int | None] = []
    for needed, weight in zip(dependencies, weights, strict=True):
        previous = max(needed, key=totals.__getitem__, default=None)
        before.append(previous)
        totals.append(weight + (0 if previous is None else totals[previous]))
    indices: list[int] = []
    place = max(range(len(totals)), key=totals.__getitem__, default=None)
    while place is not None:
        indices.append(place)
        place = before[place]
    indices.reverse()
    return Chain(tuple(indices), sum(gas[index] for index in indices))
