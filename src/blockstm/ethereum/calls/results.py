"""What a call came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast, overload

from blockstm.errors import CallError
from blockstm.ethereum.blocks.transaction import AccessList
from blockstm.ethereum.calls.failures import Failure
from blockstm.ethereum.calls.revert_reasons import RevertReason, revert_reason
from blockstm.ethereum.results.accesses import fold_accesses
from blockstm.types import Address, Outcome
from blockstm.vm.evm.execution import Execution, InvalidTransaction, Log

__all__ = ["CallResult", "CallResults", "result_of"]


@dataclass(frozen=True, slots=True)
class CallResult:
    """The result of a call. Immutable, safe from any thread.

    Attributes:
        execution: what it did; None where it could not begin.
        rejection: why it could not begin: ``rejection.reason`` is one of
            `blockstm.ethereum.Reason`, ``have`` and ``want`` are the numbers that a rule compares.
            None where it began.
        created: where a creation put its code, or would have, had it succeeded; None of a call.
        trace: what a tracer makes of it; None where there was none, or it could not begin.
    """

    execution: Execution | None
    rejection: InvalidTransaction | None = None
    created: Address | None = None
    trace: Any = field(default=None, compare=False)

    @property
    def succeeded(self) -> bool:
        """Whether it ended well: neither rejected nor failed nor reverted."""
        return self.execution is not None and self.execution.succeeded

    @property
    def output(self) -> bytes:
        """What it returned, or reverted with; of a creation, the code of the new contract."""
        return b"" if self.execution is None else self.execution.output

    @property
    def gas_used(self) -> int:
        """After refunds, in gas; 0 where it could not begin."""
        return 0 if self.execution is None else self.execution.gas_used

    @property
    def gas_before_refund(self) -> int:
        """The most that it had used before it was given something back, in gas."""
        done = self.execution
        return 0 if done is None else done.gas_before_refund + done.state_gas

    @property
    def gas_refunded(self) -> int:
        """What it was given back, in gas."""
        return max(self.gas_before_refund - self.gas_used, 0)

    @property
    def logs(self) -> tuple[Log, ...]:
        """In order; none unless it succeeded."""
        return () if self.execution is None else self.execution.logs

    @property
    def failure(self) -> Failure | None:
        """Why it began and did not succeed; None where it did, or could not begin."""
        if self.execution is None or self.execution.succeeded:
            return None
        return Failure(self.execution.error)

    @property
    def revert_reason(self) -> RevertReason | None:
        """What a reverted call says in Solidity's encoding; None where it says nothing of it."""
        if self.failure is not Failure.REVERTED:
            return None
        return revert_reason(self.output)

    @property
    def access_list(self) -> AccessList:
        """Every account that it asked for anything, with the slots that it looked at, sorted.

        Sender, receiver and precompiles among them, and what a call inside it touched that failed:
        see `create_access_list` for the list that a transaction should carry.
        """
        if self.execution is None:
            return ()
        touched = fold_accesses([self.execution.accesses], lambda address: 0).accounts
        return tuple(
            (
                each.address,
                tuple(sorted({*each.storage_reads, *(slot for slot, _ in each.storage_changes)})),
            )
            for each in touched
        )

    @property
    def error(self) -> str:
        """Why it did not succeed, in words; empty if it did."""
        if self.rejection is not None:
            return str(self.rejection)
        if self.failure is Failure.REVERTED:
            reason = self.revert_reason
            return "execution reverted" if reason is None else f"execution reverted: {reason}"
        return str(self.failure or "")

    def checked(self) -> Self:
        """The same, if it succeeded.

        Raises:
            CallError: it did not; ``result`` is this.
        """
        if not self.succeeded:
            raise CallError(self.error, self)
        return self


def result_of(outcome: Outcome, created: Address | None = None) -> CallResult:
    """The result of a call, from the outcome of its step."""
    if outcome.value is None:
        return CallResult(None, cast(InvalidTransaction, outcome.error))
    return CallResult(outcome.value, created=created)


class CallResults(Sequence[CallResult]):
    """The results of many calls; each is made when it is asked for.

    Immutable, safe from any thread; equal to any sequence of the same results.

    Args:
        outcomes: of a step before the calls, and of them.
        created: place of a creation → where it puts its code.
    """

    __slots__ = ("_created", "_outcomes")

    def __init__(self, outcomes: Sequence[Outcome], created: Mapping[int, Address]) -> None:
        self._outcomes = outcomes
        self._created = created

    def __len__(self) -> int:
        return len(self._outcomes) - 1

    @overload
    def __getitem__(self, place: int) -> CallResult: ...

    @overload
    def __getitem__(self, place: slice) -> list[CallResult]: ...

    def __getitem__(self, place: int | slice) -> CallResult | list[CallResult]:
        places = range(len(self))[place]
        if isinstance(places, range):
            return [self[each] for each in places]
        return result_of(self._outcomes[places + 1], self._created.get(places))

    def __iter__(self) -> Iterator[CallResult]:
        outcomes = iter(self._outcomes)
        next(outcomes)
        return map(result_of, outcomes, map(self._created.get, range(len(self))))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as any sequence that compares by content

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)

    def __repr__(self) -> str:
        return f"<results of {len(self)} calls>"
