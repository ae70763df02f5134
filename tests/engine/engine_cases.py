"""What the engine's tests share: long-lived executors, the comparison, difficult VMs."""

from __future__ import annotations

import atexit
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from blockstm import Config, Executor, reference
from blockstm.executor import explore
from blockstm.testing import Ran, assert_same_result, run, scripted_vm

WORKERS = (1, 2, 4, 8)


@cache
def executor(workers: int, config: Config | None = None) -> Executor:
    """One executor for all tests that ask for it: they test its reuse on the way."""
    made = Executor(replace(config or Config(), gate=False), workers=workers)
    atexit.register(made.close)
    return made


def check(
    block: Sequence[Any],
    state: Any,
    vm: Any = scripted_vm,
    *,
    python_vm: Callable[[Any, Any], Any] | None = None,
    workers: Sequence[int] = WORKERS,
    config: Config | None = None,
    repeats: int = 1,
    **options: Any,
) -> Ran:
    """The engine, at each number of workers, does what the reference does; returns what that is."""
    python_vm = python_vm or getattr(vm, "python", vm)
    expected = run(reference.execute_block, block, state, python_vm, **options)
    for count in workers:
        for _ in range(repeats):
            engine = executor(count, config).execute_block
            actual = run(engine, block, state, vm, **options)
            check_stats(actual, expected, count)
            assert_same_result(actual, expected)
    return expected


def check_explored(
    block: Sequence[Any],
    state: Any,
    vm: Any = scripted_vm,
    *,
    choices: Sequence[int] = (),
    workers: int = 2,
    config: Config | None = None,
    **options: Any,
) -> Any:
    """The engine under one schedule does what the reference does; returns the exploration."""
    expected = run(reference.execute_block, block, state, getattr(vm, "python", vm), **options)
    explored = explore(
        block, state, vm, choices=tuple(choices), workers=workers, config=config, **options
    )
    if explored.error is not None and not isinstance(explored.error, Exception):
        raise explored.error
    assert_same_result(Ran(explored.result, explored.error), expected)
    return explored


def check_stats(actual: Ran, expected: Ran, workers: int) -> None:
    """Statistics depend on the schedule, but not on nothing."""
    result = actual.result
    if result is None or expected.result is None:
        return
    stats = result.stats
    assert stats.transactions == len(result.outcomes)
    assert stats.incarnations >= stats.transactions
    assert 1 <= stats.workers <= workers
    assert all(count >= 0 for count in stats.aborts.values())
    assert stats.seconds >= 0.0


def yielding_vm(view: Any, transaction: Sequence[Any]) -> Any:
    """`scripted_vm` that lets other threads run between any two operations."""
    seen: list[Any] = []
    for operation in transaction:
        time.sleep(0)
        seen.extend(scripted_vm(view, [operation]))
    return tuple(seen)


def stubborn_vm(view: Any, transaction: Sequence[Any]) -> Any:
    """`scripted_vm` that swallows whatever an operation raises, and goes on."""
    seen: list[Any] = []
    for operation in transaction:
        with contextlib.suppress(BaseException):
            seen.extend(scripted_vm(view, [operation]))
    return tuple(seen)


class Broken:
    """A state reader that raises for some keys."""

    def __init__(self, items: Mapping[Any, Any], bad: Sequence[Any], error: Exception) -> None:
        self.items = items
        self.bad = bad
        self.error = error

    def get(self, key: Any) -> Any:
        if key in self.bad:
            raise self.error
        return self.items.get(key)

    def __repr__(self) -> str:
        return f"Broken({self.items!r}, {self.bad!r}, {self.error!r})"


def seconds_queued(process: int) -> float:
    """How long the threads of a process have waited for a core that others had."""
    total = 0
    for file in Path(f"/proc/{process}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            total += int(file.read_text().split()[1])
    return total * 1e-9
