"""One transaction after another: what `blockstm.execute_block` must be equal to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from blockstm.errors import (
    BlockError,
    Invalid,
    InvalidBlock,
    LimitError,
    Revert,
    StateError,
    TransactionError,
)
from blockstm.messages import brief, said_by
from blockstm.reference.view import Delta, ReferenceView, Stop
from blockstm.types import (
    DELETED,
    Admission,
    BlockResult,
    Limit,
    Outcome,
    StateReader,
    Stats,
    Status,
)
from blockstm.values import ABSENT, OutOfRange, plus, same_value

__all__ = ["execute_block"]


def execute_block(
    transactions: Sequence[Any],
    state: Mapping[Any, Any] | StateReader,
    vm: Callable[[Any, Any], Any],
    *,
    on_invalid: Literal["raise", "skip"] = "raise",
    limit: Limit | None = None,
) -> BlockResult:
    """Run ``transactions`` in order, each on the exact state that the ones before it left.

    Arguments, result and errors are those of `blockstm.execute_block` with a Python VM.
    """
    block = _Block(state, limit)
    admission = _admission_of(vm)
    for index, transaction in enumerate(transactions):
        view = ReferenceView(index, block.read)
        try:
            outcome = _run(view, _admitting(vm, admission), transaction, on_invalid)
            if block.is_cut_by(outcome):
                return block.result(cut=index)
            _count(admission, transaction, outcome)
            block.commit(view, outcome)
        except BlockError as error:
            error.prefix = block.result()
            raise
    return block.result()


def _run(
    view: ReferenceView, vm: Callable[[Any, Any], Any], transaction: Any, on_invalid: str
) -> Outcome:
    """The outcome of one transaction; the block errors are raised without their prefix."""
    index = view.index
    value: Any = None
    error: BaseException | None = None
    try:
        value = vm(view, transaction)
    except Stop:
        pass
    except Exception as raised:
        error = raised
    view.closed = True
    if view.failure is not None:
        raise StateError(
            f"the state could not be read in transaction {index}: {brief(view.failure)}", index
        ) from view.failure
    if error is None:
        return Outcome(index, Status.SUCCESS, value, None, view.gas_used)
    if issubclass(type(error), Revert):  # not `isinstance`, which asks the error for its class
        view.writes.clear()
        return Outcome(index, Status.REVERTED, None, error, view.gas_used)
    if issubclass(type(error), Invalid):
        view.writes.clear()
        if on_invalid == "skip":
            return Outcome(index, Status.SKIPPED, None, error, 0)
        raise InvalidBlock(f"transaction {index} is invalid: {said_by(error)}", index) from error
    raise TransactionError(f"transaction {index} raised {brief(error)}", index) from error


def _admission_of(vm: Any) -> Admission | None:
    make = getattr(vm, "__blockstm_admission__", None)
    return None if make is None else make()


def _admitting(vm: Callable[[Any, Any], Any], admission: Admission | None) -> Callable[..., Any]:
    """The VM, behind the question whether the block has room for a transaction."""
    if admission is None:
        return vm

    def admit_and_run(view: ReferenceView, transaction: Any) -> Any:
        refusal = admission.refusal(transaction)
        if refusal is not None:
            try:
                raise refusal
            finally:
                del refusal  # it has this frame: both would wait for the garbage collector
        return vm(view, transaction)

    return admit_and_run


def _count(admission: Admission | None, transaction: Any, outcome: Outcome) -> None:
    if admission is None or outcome.status is Status.SKIPPED:
        return
    try:
        admission.count(transaction, outcome)
    except Exception as error:
        message = f"transaction {outcome.index} raised {brief(error)}"
        raise TransactionError(message, outcome.index) from error


class _Block:
    """The state as the final prefix of a block left it."""

    def __init__(self, state: Mapping[Any, Any] | StateReader, limit: Limit | None) -> None:
        self._state = state
        self._limit = limit
        self._base: dict[Any, Any] = {}
        self._current: dict[Any, Any] = {}  # in order of first write
        self._outcomes: list[Outcome] = []
        self._gas_used = 0

    def read(self, key: Any) -> Any:
        return self._current[key] if key in self._current else self._read_base(key)

    def is_cut_by(self, outcome: Outcome) -> bool:
        """Whether the limit ends the block before this outcome."""
        if self._limit is None or outcome.status is Status.SKIPPED:
            return False
        if isinstance(self._limit, int):
            return self._gas_used + outcome.gas_used > self._limit
        try:
            return bool(self._limit(outcome))
        except Exception as error:
            message = f"the limit raised {brief(error)} at transaction {outcome.index}"
            raise LimitError(message, outcome.index) from error

    def commit(self, view: ReferenceView, outcome: Outcome) -> None:
        """Make a transaction final: all of its writes, or an error and none of them."""
        after = {}
        for key, write in view.writes.items():
            try:
                before = self.read(key)
            except Exception as error:
                message = (
                    f"the state could not be read in transaction {outcome.index}: {brief(error)}"
                )
                raise StateError(message, outcome.index) from error
            try:
                after[key] = plus(before, write.amount) if isinstance(write, Delta) else write
            except OutOfRange as error:
                overflow = error.at(key)
                message = f"transaction {outcome.index} raised {brief(overflow)}"
                raise TransactionError(message, outcome.index) from overflow
            except Exception as error:
                message = f"transaction {outcome.index} raised {brief(error)}"
                raise TransactionError(message, outcome.index) from error
        self._current.update(after)
        self._outcomes.append(outcome)
        self._gas_used += outcome.gas_used

    def result(self, cut: int | None = None) -> BlockResult:
        writes = {
            key: DELETED if value is ABSENT else value
            for key, value in self._current.items()
            if not same_value(value, self._read_base(key))
        }
        count = len(self._outcomes)
        stats = Stats(workers=1, transactions=count, incarnations=count)
        return BlockResult(tuple(self._outcomes), writes, self._gas_used, cut, stats)

    def _read_base(self, key: Any) -> Any:
        if key not in self._base:
            if isinstance(self._state, Mapping):
                self._base[key] = self._state.get(key, ABSENT)
            else:
                value = self._state.get(key)
                self._base[key] = ABSENT if value is None else value
        return self._base[key]
