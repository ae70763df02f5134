"""What the transactions of a block on the native EVM report, one column for each figure."""

from __future__ import annotations

from typing import Any, NamedTuple

from blockstm._native.evm.transaction.result_decoding import read_results
from blockstm.vm.forks import AMSTERDAM, Fork

__all__ = ["StepReports"]


class StepReports(NamedTuple):
    """A column has one entry for each transaction.

    Attributes:
        successes: 1 or 0.
        gas_used: after refunds, in gas; what receipts add up.
        execution_gas: before refunds and without state gas, in gas.
        state_gas: for the growth of the state, in gas (EIP-8037).
        accesses: parts of the block's access list as flat bytes (EIP-7928).
        logs: as flat bytes.
    """

    successes: bytes
    gas_used: list[int]
    execution_gas: list[int]
    state_gas: list[int]
    accesses: list[bytes]
    logs: list[bytes]

    @classmethod
    def of(cls, outcomes: Any) -> StepReports:
        """The reports of a block's transactions: all its steps but the first and the last."""
        return cls(*read_results(_outputs(outcomes)[1:-1]))

    def block_gas(self, fork: Fork) -> int:
        """The gas that the header names: from Amsterdam on without refunds (EIP-7778), and the
        greater of execution gas and state gas (EIP-8037)."""
        if fork >= AMSTERDAM:
            return max(sum(self.execution_gas), sum(self.state_gas))
        return sum(self.gas_used)


def _outputs(outcomes: Any) -> list[bytes]:
    """The raw outputs of the steps; of a step that has no value, nothing."""
    if hasattr(outcomes, "outputs"):
        listed: list[bytes] = outcomes.outputs()
        return listed
    return [getattr(outcome.value, "raw", b"") for outcome in outcomes]
