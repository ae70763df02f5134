"""A block that is ready to run; how it runs is its VM's to say, in `on_evm` and `on_pyevm`.

The engine is an argument: a prepared block knows what a block means, not how it is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.execution.executed import ExecutedBlock
from blockstm.types import DELETED, Address, BlockResult
from blockstm.vm.forks import Fork

__all__ = ["ExecuteBlock", "PreparedBlock", "StateAfter"]


class ExecuteBlock(Protocol):
    """``execute_block`` of an `Executor` or of the reference."""

    def __call__(
        self, transactions: Sequence[Any], state: Any, vm: Any, /, *, limit: Any = None
    ) -> BlockResult:
        """Run a block; see `blockstm.execute_block`."""


class StateAfter:
    """A state with writes on top of it. Immutable; safe from any thread if ``below`` is."""

    def __init__(self, below: Any, writes: Mapping[Any, Any]) -> None:
        self._below = below
        self.writes: Mapping[Any, Any] = writes

    def get(self, key: Any, default: Any = None) -> Any:
        """The value at ``key``, ``default`` where there is none."""
        if key in self.writes:
            value = self.writes[key]
            return default if value is DELETED else value
        value = self._below.get(key)  # of a `StateReader`, which has no default
        return default if value is None else value


@dataclass(frozen=True, slots=True)
class PreparedBlock:
    """A block that is ready to run, any number of times: its senders recovered, its VM at hand.

    Attributes:
        block: what was prepared.
        fork: whose rules hold.
        chain: whose block it is.
        state: what the block starts from.
        senders: of the transactions.
        vm: the VM in this block.
        steps: what the engine runs, in order.
    """

    block: Block
    fork: Fork
    chain: Chain
    state: Any
    senders: Sequence[Address]
    vm: Any
    steps: Sequence[Any]

    @property
    def transaction_steps(self) -> range:
        """The places of the block's transactions among its steps."""
        return range(len(self.block.transactions))

    def run(self, execute_block: ExecuteBlock) -> ExecutedBlock:
        """Execute the block. What comes out is not compared with the header.

        Raises:
            BlockError: see `blockstm.execute_block`.
            InvalidBlock: a transaction does not belong in the block; ``reason`` says why.
        """
        raise NotImplementedError

    def run_transactions(self, execute_block: ExecuteBlock) -> BlockResult:
        """Execute the transactions with what comes before them, and nothing that comes after.

        Raises:
            BlockError, InvalidBlock: as `run`.
        """
        raise NotImplementedError

    def writes_by_transaction(
        self, execute_block: ExecuteBlock
    ) -> Iterator[tuple[Any, Mapping[Any, Any]]]:
        """Run one transaction at a time: the state before each, which ends with its turn, and what
        it writes. First comes what is done before all transactions.

        Raises:
            BlockError: see `blockstm.execute_block`.
        """
        below: dict[Any, Any] = {}
        before = StateAfter(self.state, below)
        writes = self.first_writes(execute_block)
        yield before, writes
        for step in self.steps[self.transaction_steps.start : self.transaction_steps.stop]:
            below |= writes
            writes = execute_block([step], before, self.vm).writes
            yield before, writes

    def first_writes(self, execute_block: ExecuteBlock) -> Mapping[Any, Any]:
        """The writes before the transactions.

        Raises:
            BlockError: see `blockstm.execute_block`.
        """
        raise NotImplementedError
