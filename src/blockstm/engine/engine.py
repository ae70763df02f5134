"""The engine: threads and memory that run one block after another."""

from __future__ import annotations

import sys
from typing import Any, Unpack

from blockstm._native.engine.request import Request
from blockstm._native.engine.runner import Runner
from blockstm.config import Config
from blockstm.cores import usable_cores
from blockstm.engine.endings import conclude
from blockstm.engine.options import (
    DEFAULTS,
    VM,
    RunOptions,
    State,
    check_limit,
    check_on_invalid,
    prefetch,
)
from blockstm.hints.options import hints_of
from blockstm.hints.schedules import Schedule, schedule_choice
from blockstm.stream import Stream
from blockstm.types import BlockResult, Transactions
from blockstm.vm.callable import bind

__all__ = ["Engine"]


class Engine:
    """Runs blocks, one at a time, on threads and memory that it keeps.

    Args:
        config: the options.

    Thread-safety: every method may be called from any thread; blocks of one engine wait for each
    other. It does not survive a fork.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.schedules = schedule_choice(config.schedule)
        self.runner = Runner(usable_cores() if config.workers == "auto" else config.workers)

    @property
    def workers(self) -> int:
        """How many threads may work on a block, the caller's included."""
        return self.runner.workers

    @property
    def is_usable(self) -> bool:
        """Whether it is neither closed nor another process's."""
        return self.runner.is_usable

    def run(
        self, transactions: Transactions, state: State, vm: VM, /, **options: Unpack[RunOptions]
    ) -> BlockResult:
        """Run a block; see `blockstm.execute_block`."""
        result = conclude(*self.runner.execute(self.request(transactions, state, vm, options)))
        if result.stats.hints is not None:
            self.schedules.learn(result)
        return result

    def stream(
        self, transactions: Transactions, state: State, vm: VM, /, **options: Unpack[RunOptions]
    ) -> Stream:
        """Run a block in the background; see `blockstm.Executor.stream`."""
        return Stream(self.runner.stream(self.request(transactions, state, vm, options), conclude))

    def request(self, transactions: Any, state: Any, vm: Any, given: RunOptions) -> Request:
        """A block for the core: all that the caller passed is checked before anything starts."""
        options: RunOptions = {**DEFAULTS, **given}
        self.runner.check_usable()
        check_on_invalid(options["on_invalid"])
        check_limit(options["limit"])
        context, count, needs_gil = bind(vm, transactions, state)
        hints = hints_of(options["hints"], transactions)
        if hints is None:
            prefetch(state, options["hints"])
        workers = self.workers
        if needs_gil and self.config.workers == "auto" and _has_gil():
            workers = 1
        pinned = state if hasattr(state, "_pin") else None
        skip = options["on_invalid"] == "skip"
        expected = None if hints is None else hints.core
        limit = options["limit"]
        schedule = self.schedules.next() if expected is not None else Schedule.DECLARED
        return Request(
            *(context, count, workers, pinned, skip, limit, self.config, expected, schedule),
            listed=None if hints is None else hints.listed,
        )

    def close(self) -> None:
        """Wait for a running block, end an open stream, send the threads home.

        Raises:
            ReentrantError: called by what the engine runs, which would wait for itself.
        """
        for thread in self.runner.close():
            thread.join(timeout=1.0)


def _has_gil() -> bool:
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())
