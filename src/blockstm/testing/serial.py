"""`assert_serial_equivalent`: one call that says whether a block is safe in the engine.

The reference runs the block once, transaction by transaction. Then the engine runs it with each
number of workers on real threads, and through explored schedules. A difference is shrunk to the
fewest transactions and the simplest schedule that still show it, and told as a story.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Literal

from blockstm import reference
from blockstm.config import Config
from blockstm.errors import BlockError, InputError
from blockstm.executor import Executor, Exploration, explore
from blockstm.messages import brief
from blockstm.testing.oracle import Ran, difference, run
from blockstm.testing.schedules import random_schedules, schedule_story, shrink_schedule
from blockstm.types import Limit, Outcome, StateReader

__all__ = ["assert_serial_equivalent"]

REPEATS = 10
"""Runs on real threads of a shrunk candidate, before it counts as going right."""


def assert_serial_equivalent(
    transactions: Sequence[Any],
    state: Mapping[Any, Any] | StateReader,
    vm: Any,
    *,
    workers: Sequence[int] = (1, 2, 4),
    schedules: int = 20,
    seed: int | None = None,
    on_invalid: Literal["raise", "skip"] = "raise",
    limit: Limit | None = None,
    config: Config | None = None,
    reference_vm: Callable[[Any, Any], Any] | None = None,
    make_state: Callable[[], Any] | None = None,
) -> Ran:
    """Fail unless the engine does to a block what running it in order does.

    Args:
        transactions, state, vm, on_invalid, limit, config: as for `blockstm.execute_block`.
        workers: numbers of real threads to run it with, one run each.
        schedules: how many interleavings of 2 workers to explore, the one without preemption
            first.
        seed: draws the interleavings; None draws it too. A failure prints it.
        reference_vm: the VM as a Python callable, for a native one; by default ``vm.python``.
        make_state: makes the state for one run, where reading a state changes it; ``state`` is
            not used then.

    Returns:
        What running it in order came to: a result, or the error that ends the block.

    Raises:
        AssertionError: it does something else; the message is the story.
        InputError: a native VM without a Python reference.

    Example:
        >>> from blockstm.testing import assert_serial_equivalent, scripted_vm
        >>> block = [[("bump", "hits", 1)]] * 3
        >>> assert_serial_equivalent(block, {}, scripted_vm, schedules=5).result.writes
        {'hits': 3}
    """
    seed = random.SystemRandom().getrandbits(32) if seed is None else seed
    case = _Case(
        make_state or (lambda: state),
        vm,
        _python_reference(vm, reference_vm),
        on_invalid,
        limit,
        config,
    )
    block = list(transactions)
    expected = case.sequential(block)
    for way in _ways(workers, schedules, seed):
        if difference(way.run(case, block), expected) is not None:
            raise AssertionError(_story(case, block, way, seed))
    return expected


def _python_reference(
    vm: Any, given: Callable[[Any, Any], Any] | None
) -> Callable[[Any, Any], Any]:
    if given is not None:
        return given
    if hasattr(vm, "__blockstm_bind__"):
        python_vm = getattr(vm, "python", None)
        if not callable(python_vm):
            raise InputError(
                f"{brief(vm)} is native: pass reference_vm=, the same VM as a Python callable"
            )
        return python_vm  # type: ignore[no-any-return]  # callable is all that can be known
    return vm  # type: ignore[no-any-return]  # a Python VM is its own reference


@dataclass(frozen=True)
class _Case:
    """All of a call but the block and the way to run it."""

    make_state: Callable[[], Any]
    vm: Any
    python_vm: Callable[[Any, Any], Any]
    on_invalid: Literal["raise", "skip"]
    limit: Limit | None
    config: Config | None

    def sequential(self, block: Sequence[Any]) -> Ran:
        return run(
            reference.execute_block,
            block,
            self.make_state(),
            self.python_vm,
            on_invalid=self.on_invalid,
            limit=self.limit,
        )

    def threaded(self, block: Sequence[Any], workers: int) -> Ran:
        # Without the gate, which would leave so small a block to one worker.
        config = replace(self.config or Config(), gate=False)
        with Executor(config, workers=workers) as executor:
            return run(
                executor.execute_block,
                block,
                self.make_state(),
                self.vm,
                on_invalid=self.on_invalid,
                limit=self.limit,
            )

    def explored(self, block: Sequence[Any], schedule: Sequence[int]) -> Exploration:
        return explore(
            block,
            self.make_state(),
            self.vm,
            choices=tuple(schedule),
            workers=2,
            config=self.config,
            on_invalid=self.on_invalid,
            limit=self.limit,
        )


@dataclass(frozen=True)
class _Threads:
    """Run on real threads, in whatever order the machine takes them."""

    workers: int

    def run(self, case: _Case, block: Sequence[Any]) -> Ran:
        return case.threaded(block, self.workers)

    def failing(self, case: _Case, block: Sequence[Any], seed: int) -> _Way | None:
        expected = case.sequential(block)
        wrong = any(difference(self.run(case, block), expected) for _ in range(REPEATS))
        return self if wrong else None

    def simplest(self, case: _Case, block: Sequence[Any]) -> _Way:
        return self

    def story(self, case: _Case, block: Sequence[Any]) -> list[str]:
        expected = case.sequential(block)
        found = [difference(self.run(case, block), expected) for _ in range(REPEATS)]
        wrong = [line for line in found if line is not None]
        return [
            f"With {self.workers} real threads, wrong in {len(wrong)} of {REPEATS} runs:",
            *(f"  {line}" for line in wrong[:1]),
        ]


@dataclass(frozen=True)
class _Explored:
    """Run under a schedule: the same every time."""

    schedule: tuple[int, ...] = field(default=())

    def run(self, case: _Case, block: Sequence[Any]) -> Ran:
        exploration = case.explored(block, self.schedule)
        error = exploration.error
        if error is not None and not isinstance(error, Exception):
            raise error
        return Ran(exploration.result, error)

    def failing(self, case: _Case, block: Sequence[Any], seed: int) -> _Way | None:
        """This schedule, or another one: the same choices mean something else in another block."""
        expected = case.sequential(block)
        for schedule in (self.schedule, (), *islice(random_schedules(seed), REPEATS)):
            way = _Explored(schedule)
            if difference(way.run(case, block), expected) is not None:
                return way
        return None

    def simplest(self, case: _Case, block: Sequence[Any]) -> _Way:
        expected = case.sequential(block)

        def fails(schedule: tuple[int, ...]) -> bool:
            return difference(_Explored(schedule).run(case, block), expected) is not None

        return _Explored(shrink_schedule(self.schedule, fails))

    def story(self, case: _Case, block: Sequence[Any]) -> list[str]:
        found = difference(self.run(case, block), case.sequential(block))
        return [
            f"  {found}",
            f"Replay: blockstm.executor.explore(block, state, vm, choices={self.schedule})",
            *(f"  {line}" for line in schedule_story(case.explored(block, self.schedule).trace)),
        ]


_Way = _Threads | _Explored


def _ways(workers: Sequence[int], schedules: int, seed: int) -> Iterator[_Way]:
    """Real threads first: they are fast; then the schedules, the simplest first."""
    yield from map(_Threads, workers)
    if schedules > 0:
        yield _Explored(())
    yield from map(_Explored, islice(random_schedules(seed), max(schedules - 1, 0)))


def _story(case: _Case, block: list[Any], way: _Way, seed: int) -> str:
    """The failure, shrunk and told; the seed draws the same schedules for the same block."""
    small, way = _shrink(case, block, way, seed)
    if len(small) < len(block):
        shown = f"Block, shrunk from {len(block)} transactions to {len(small)}:"
    else:
        shown = f"Block of {len(small)}:"
    return "\n".join(
        [
            f"the engine and the reference differ (replay with seed={seed})",
            shown,
            *(f"  {index}: {_whole(transaction)}" for index, transaction in enumerate(small)),
            f"State: {_whole(case.make_state())}",
            f"In order, the block {_came_to(case.sequential(small))}",
            *way.story(case, small),
        ]
    )


def _came_to(ran: Ran) -> str:
    if ran.result is not None:
        outcomes = ", ".join(_shortly(outcome) for outcome in ran.result.outcomes)
        return f"gives [{outcomes}] and writes {_whole(dict(ran.result.writes))}"
    index = f" at transaction {ran.error.index}" if isinstance(ran.error, BlockError) else ""
    return f"raises {type(ran.error).__name__}{index}: {ran.error}"


def _shortly(outcome: Outcome) -> str:
    return _whole(outcome.value if outcome.error is None else outcome.error)


def _whole(value: object) -> str:
    """The whole ``repr`` of a value: replaying a failure needs every byte of it."""
    try:
        return repr(value)
    except Exception:
        return brief(value)


def _shrink(
    case: _Case, block: list[Any], way: _Way, seed: int, tries: int = 200
) -> tuple[list[Any], _Way]:
    """The fewest transactions found that still fail, and the simplest way to see it.

    Leaves out ever smaller runs of transactions, at most ``tries`` times.
    """
    chunk = max(len(block) // 2, 1)
    while chunk and tries > 0:
        start = 0
        while start < len(block) and tries > 0:
            candidate = block[:start] + block[start + chunk :]
            tries -= 1
            failing = way.failing(case, candidate, seed)
            if failing is not None:
                block, way = candidate, failing
            else:
                start += chunk
        chunk //= 2
    return block, way.simplest(case, block)
