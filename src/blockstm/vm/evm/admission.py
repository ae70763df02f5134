"""What the transactions of a block on the EVM share: its gas, its blobs; in plain Python.

The native core does the same for the engine (`_native/evm/transaction/admission.hpp`); this serves
callers that run steps one by one, and is the reference for the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from blockstm.types import Outcome
from blockstm.vm.context import BlockContext
from blockstm.vm.evm.execution import Execution, InvalidTransaction
from blockstm.vm.evm.steps import Signed

__all__ = ["BlockRoom"]

GAS_CAP = 1 << 24
"""How much of a transaction's gas runs (EIP-7825); what is over it is for the state."""


class BlockRoom:
    """A `blockstm.types.Admission`: the room that a block has left. For one run of one block.

    Args:
        block: the fields of the block.
        blobs_max: of all its transactions; None: no end of them.
        meters_state: whether gas for the state is counted apart (EIP-8037, from Amsterdam on).
        violation_of: the rule that a step breaks by itself, if any: it comes first, as it will not
            be better in another block.
    """

    def __init__(
        self,
        block: BlockContext,
        blobs_max: int | None,
        meters_state: bool,
        violation_of: Callable[[Signed], InvalidTransaction | None],
    ) -> None:
        self._gas = self._state_gas = block.gas_limit
        self._blobs = blobs_max
        self._meters_state = meters_state
        self._violation_of = violation_of

    def refusal(self, step: Any) -> InvalidTransaction | None:
        """Why there is no room for a step; None where there is."""
        if not isinstance(step, Signed):
            return None
        refusal = self._shortage(step.transaction)
        return refusal and (self._violation_of(step) or refusal)

    def _shortage(self, transaction: Any) -> InvalidTransaction | None:
        gas, blobs = transaction.gas, len(transaction.blob_hashes)
        runs = min(gas, GAS_CAP) if self._meters_state else gas
        if runs > self._gas:
            return InvalidTransaction("gas_above_block", runs, self._gas)
        if self._meters_state and gas > self._state_gas:
            return InvalidTransaction("gas_above_block", gas, self._state_gas)
        if self._blobs is not None and blobs > self._blobs:
            return InvalidTransaction("blob_gas_above_block", blobs, self._blobs)
        return None

    def count(self, step: Any, outcome: Outcome) -> None:
        """Take off what a step has used."""
        done = outcome.value
        if not isinstance(step, Signed) or not isinstance(done, Execution):
            return
        used = done.gas_before_refund if self._meters_state else done.gas_used
        self._gas = max(0, self._gas - used)
        self._state_gas = max(0, self._state_gas - done.state_gas)
        if self._blobs is not None:
            self._blobs -= len(step.transaction.blob_hashes)
