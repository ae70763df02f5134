"""The state under a simulation: what is there, with all that the blocks so far have changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blockstm import engine
from blockstm.errors import InputError, StateError, TransactionError
from blockstm.ethereum.execution.prepared import StateAfter
from blockstm.ethereum.execution.state_roots import state_root_after
from blockstm.ethereum.execution.step_errors import error_of_the_block
from blockstm.state.changes import changes_of
from blockstm.types import Hash32, Outcome, Status
from blockstm.vm.evm import Evm, Overrides, Step

__all__ = ["ChainState"]


class ChainState(StateAfter):
    """A state with the changes of a simulation on top; steps move it on. For one thread.

    Args:
        below: what the simulation starts from; it is not changed.
    """

    def __init__(self, below: Any) -> None:
        super().__init__(below, {})

    def snapshot(self) -> StateAfter:
        """The state as it is now; it does not move on."""
        return StateAfter(self._below, self.writes)

    def write(self, writes: Mapping[Any, Any]) -> None:
        """Put values in place of those that are there."""
        self.writes = {**self.writes, **writes}

    def run(self, step: Step, vm: Evm) -> Outcome:
        """Run a step, and keep what it changes unless it is skipped.

        Raises:
            StateError, TransactionError: see `blockstm.execute_block`.
        """
        steps = [Overrides(self.writes), step]
        try:
            result = engine.run(steps, self._below, vm, workers=1, on_invalid="skip")
        except (StateError, TransactionError) as error:
            raise error_of_the_block(error, range(1, 2)) from error.__cause__
        outcome = result.outcomes[1]
        if outcome.status is not Status.SKIPPED:
            self.writes = dict(result.writes)
        return outcome

    def root(self) -> Hash32:
        """The root of it all.

        Raises:
            InputError: the state below does not know its root.
        """
        root = state_root_after(self._below, changes_of(self.writes, self._below))
        if root is None:
            raise InputError(
                "blocks are simulated on a state that knows its root: an AccountState that is not "
                "partial, or one with root_after(writes)"
            )
        return root
