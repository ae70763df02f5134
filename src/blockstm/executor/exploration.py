"""A block in a schedule of one's choice: the real engine, one step of one worker at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from blockstm.config import Config
from blockstm.engine.endings import conclude
from blockstm.engine.options import VM, OnInvalid, RunOptions, State
from blockstm.engine.pool import POOL
from blockstm.errors import InternalError
from blockstm.hints.options import GivenHints
from blockstm.types import BlockResult, Limit, Transactions

__all__ = ["Decision", "Exploration", "explore"]

_STEPS_MAX = 100_000  # of the engine in an explored block; a read of a transaction is none
_READS_MAX = 1_000_000  # of transactions between two steps of the engine


class Decision(NamedTuple):
    """One point of a schedule at which a worker was chosen to go on.

    Attributes:
        options: how many workers could have been chosen.
        chosen: the place of the chosen one: 0 is the worker that went on last (if it can), then
            ascending.
        worker: the chosen worker.
        point: what it is about to do: "claim", "read", "publish", "validate", "commit", "park".
        index: the transaction it is about, -1 where there is none.
    """

    options: int
    chosen: int
    worker: int
    point: str
    index: int  # type: ignore[assignment]  # hides tuple.index, of no use to a decision


@dataclass(frozen=True, slots=True)
class Exploration:
    """The end of one schedule: a result or an error, and the decisions of the schedule."""

    result: BlockResult | None
    error: BaseException | None
    trace: Sequence[Decision]


def explore(
    transactions: Transactions,
    state: State,
    vm: VM,
    *,
    choices: Sequence[int] = (),
    workers: int = 2,
    config: Config | None = None,
    on_invalid: OnInvalid = "raise",
    limit: Limit | None = None,
    hints: GivenHints | None = None,
) -> Exploration:
    """Run a block in the schedule that ``choices`` describe, one worker at a time.

    The workers are real threads on the real scheduler and store; before each step that touches
    what they share, one of those that can go on is chosen. At decision k that is option
    ``choices[k]`` (modulo their number), option 0 where ``choices`` has ended. The same choices
    give the same run, for a VM that depends on nothing but its view.

    A deadlock or an endless schedule is an `InternalError` in ``error``. Not for production: one
    switch of threads per decision. Thread-safe.
    """
    config = replace(config if config is not None else Config(), workers=workers)
    engine = POOL.take(config)
    try:
        options = RunOptions(on_invalid=on_invalid, limit=limit, hints=hints)
        request = engine.request(transactions, state, vm, options)
        return _explored(*engine.runner.explore(request, choices, _STEPS_MAX, _READS_MAX))
    finally:
        POOL.give_back(engine)


def _explored(
    finished: tuple[Any, ...], trace: Iterable[tuple[int, int, int, str, int]], stuck: bool
) -> Exploration:
    decisions = tuple(Decision(*decision) for decision in trace)
    if stuck:
        error = InternalError(
            f"the schedule came to a deadlock, or did not end within {_STEPS_MAX} steps of the "
            f"engine with less than {_READS_MAX} reads between two of them; {finished[0]} "
            "transactions were final"
        )
        return Exploration(None, error, decisions)
    try:
        return Exploration(conclude(*finished), None, decisions)
    except Exception as error:
        return Exploration(None, error, decisions)
