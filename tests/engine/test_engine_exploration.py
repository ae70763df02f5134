"""All schedules of small conflicting blocks, through the real scheduler and store.

A block of a family below is run once for every sequence of choices there is, so that an
interleaving that goes wrong is found, not met by luck. The larger families leave out the
schedules with more preemptions than a bound, which stands beside them.
"""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

import pytest

from blockstm import Config, reference
from blockstm.engine.pool import POOL
from blockstm.errors import InternalError
from blockstm.executor import explore
from blockstm.testing import (
    NativeScripts,
    Ran,
    difference,
    enumerate_schedules,
    run,
    schedule_story,
    scripted_vm,
)

READ = [("get", "a")]
BLIND = [("put", "a", 1)]
BUMP = [("bump", "a", 1)]
DELTA = [("add", "a", 2)]
ENOUGH = [("at_least", "a", 2)]
WITHIN = [("try_add", "a", -2, 0, None)]
EXPECT = [("expect", "a", 1), ("put", "a", 2)]
DELETE = [("delete", "a")]
FAIL = [("bump", "a", 1), ("revert", "no")]
INVALID = [("bump", "a", 1), ("invalid", "no")]
RAISE = [("get", "a"), ("raise", "no")]
COPY = [("copy", "a", "b")]
BACK = [("copy", "b", "a")]
BRANCH = [("branch", "a", [("put", "b", 1)], [("put", "c", 1)])]
FOLLOW = [("follow", "a", 1)]

PAIRS = {
    "write, read": [BLIND, READ],
    "bump, bump": [BUMP, BUMP],
    "delta, read": [DELTA, READ],
    "delta, delta": [DELTA, DELTA],
    "delta, bound": [DELTA, ENOUGH],
    "delta, bounded delta": [DELTA, WITHIN],
    "write, expect": [BLIND, EXPECT],
    "expect, expect": [EXPECT, EXPECT],
    "delete, read": [DELETE, READ],
    "write, delta": [BLIND, DELTA],
    "delta, write": [DELTA, BLIND],
    "revert, read": [FAIL, READ],
    "write, branch": [BLIND, BRANCH],
    "write, follow": [BLIND, FOLLOW],
    "raise, write": [RAISE, BLIND],
    "write, raise": [BLIND, RAISE],
}

TRIPLES = {
    "bump, bump, bump": [BUMP, BUMP, BUMP],
    "write, copy, read": [BLIND, COPY, READ],
    "delta, read, delta": [DELTA, READ, DELTA],
    "delta, write, bound": [DELTA, BLIND, ENOUGH],
    "write, branch, read": [BLIND, BRANCH, [("get", "b"), ("get", "c")]],
    "copy, back, copy": [COPY, BACK, COPY],
    "delta, within, within": [DELTA, WITHIN, WITHIN],
    "bump, revert, bump": [BUMP, FAIL, BUMP],
    "bump, invalid, bump": [BUMP, INVALID, BUMP],
    "expect, expect, expect": [[("expect", "a", at), ("put", "a", at + 1)] for at in (3, 4, 5)],
    "write, delta, expect": [BLIND, DELTA, [("expect", "a", 3), ("get", "a")]],
    "two deltas, bound and read": [DELTA, DELTA, [*ENOUGH, ("get", "a")]],
    "delete, delta, read": [DELETE, DELTA, READ],
    "write, delete, read": [BLIND, DELETE, READ],
    "three writes": [[("put", "a", 1)], [("put", "a", 2)], [("put", "a", 3)]],
    "two deltas, read": [[("add", "a", 1)], [("add", "a", 2)], READ],
    "write, raise, write": [BLIND, RAISE, BLIND],
    "write, moved delta, read": [[("put", 1, 1)], [("follow", 1, 5)], [("get", 0)]],
    "bump, dropped write, read": [BUMP, [("branch", "a", [], [("put", "b", 7)])], [("get", "b")]],
    "write, follow, read": [BLIND, FOLLOW, [("get", 1), ("get", 0)]],
}


COMPLETE = ("write, raise, write", "three writes", "delta, read, delta", "write, delete, read")


def check_all(
    block: Any,
    state: Any,
    vm: Any = scripted_vm,
    *,
    preemptions: int | None = None,
    workers: int = 2,
    config: Config | None = None,
) -> tuple[int, set[int]]:
    """Every schedule is equal to in order; how many there were, and how many runs they took."""
    python_vm = getattr(vm, "python", vm)
    expected = run(reference.execute_block, block, state, python_vm, on_invalid="skip")

    def one(choices: tuple[int, ...]) -> Any:
        options: dict[str, Any] = {"workers": workers, "config": config, "on_invalid": "skip"}
        return explore(block, state, vm, choices=choices, **options)

    incarnations = set()
    count = 0
    for schedule, exploration in enumerate_schedules(one, preemptions=preemptions):
        count += 1
        found = difference(Ran(exploration.result, exploration.error), expected)
        if found is not None:
            story = "\n".join(schedule_story(exploration.trace))
            pytest.fail(f"{found}\nchoices={schedule!r}\n{story}")
        if exploration.result is not None:
            incarnations.add(exploration.result.stats.incarnations)
    return count, incarnations


@pytest.mark.parametrize("name", PAIRS)
def test_every_schedule_of_two_transactions(name: str) -> None:
    count, _ = check_all(PAIRS[name], {})
    assert count > 20


@pytest.mark.parametrize("name", PAIRS)
def test_schedules_of_two_transactions_on_a_state(name: str) -> None:
    count, _ = check_all(PAIRS[name], {"a": 3}, preemptions=4)
    assert count > 20


@pytest.mark.parametrize("name", COMPLETE)
def test_every_schedule_of_three_transactions(name: str) -> None:
    count, _ = check_all(TRIPLES[name], {"a": 3})
    assert count > 1000


@pytest.mark.parametrize("name", TRIPLES)
def test_schedules_of_three_transactions_with_three_preemptions(name: str) -> None:
    count, _ = check_all(TRIPLES[name], {"a": 3}, preemptions=3)
    assert count > 100


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", [name for name in TRIPLES if name not in COMPLETE])
def test_schedules_of_three_transactions_with_five_preemptions(name: str) -> None:
    count, _ = check_all(TRIPLES[name], {"a": 3}, preemptions=5)
    assert count > 1000


@pytest.mark.parametrize("name", ["bump, bump, bump", "delta, within, within", "copy, back, copy"])
def test_schedules_of_three_workers(name: str) -> None:
    count, _ = check_all(TRIPLES[name], {"a": 3}, workers=3, preemptions=2)
    assert count > 100


@pytest.mark.parametrize("estimates", [False, True])
@pytest.mark.parametrize("revalidation", [False, True])
@pytest.mark.parametrize("name", TRIPLES)
def test_schedules_without_a_heuristic(name: str, estimates: bool, revalidation: bool) -> None:
    config = Config(estimates=estimates, revalidation=revalidation, max_incarnations=2)
    check_all(TRIPLES[name], {}, preemptions=2, config=config)


@pytest.mark.parametrize("window", [1, 2])
def test_every_schedule_with_a_small_window(window: int) -> None:
    config = Config(window=window)
    check_all(PAIRS["bump, bump"], {"a": 3}, preemptions=4, config=config)
    check_all(TRIPLES["bump, bump, bump"], {"a": 3}, preemptions=3, config=config)


def native(block: Any) -> Any:
    """The block over numbered keys."""
    keys = {"a": 1, "b": 2, "c": 3, "z": 4}

    def renamed(part: Any) -> Any:
        if isinstance(part, (list, tuple)):
            head = part[:1] if isinstance(part, tuple) else part[:0]
            return type(part)((*head, *map(renamed, part[len(head) :])))
        return keys.get(part, part)

    return [renamed(transaction) for transaction in block]


@pytest.mark.parametrize("name", PAIRS)
def test_schedules_of_two_native_transactions(name: str) -> None:
    check_all(native(PAIRS[name]), {1: 3}, NativeScripts(), preemptions=4)


@pytest.mark.parametrize("name", TRIPLES)
def test_schedules_of_three_native_transactions(name: str) -> None:
    check_all(native(TRIPLES[name]), {1: 3}, NativeScripts(), preemptions=2)


def test_exploration_reaches_conflicts() -> None:
    """Of a quality: among the schedules are some in which a transaction had to run again."""
    _, incarnations = check_all(PAIRS["write, read"], {})
    assert min(incarnations) == 2
    assert max(incarnations) > 2


def test_a_schedule_replays() -> None:
    block = TRIPLES["bump, bump, bump"]
    for choices in [(), (0, 1), (1, 1, 1, 0, 1, 0, 0, 1)]:
        first, again = (explore(block, {}, scripted_vm, choices=choices) for _ in range(2))
        assert first.trace == again.trace
        assert first.result.stats.incarnations == again.result.stats.incarnations


def test_a_long_block_is_no_livelock() -> None:
    """Two transactions that read more often than the engine itself may take steps."""
    reads = [("get", number) for number in range(60_000)]
    block = [[("bump", "a", 1), *reads], [*reads, ("get", "a"), ("put", "b", 1)]]
    expected = run(reference.execute_block, block, {}, scripted_vm)
    for choices in [(), (0, 1, 1, 0, 1)]:
        explored = explore(block, {}, scripted_vm, choices=choices)
        assert len(explored.trace) > 100_000
        assert difference(Ran(explored.result, explored.error), expected) is None


def test_workers_that_begin_late_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a busy machine: each takes longer to start than a block would wait for it."""
    start = threading.Thread.start

    def start_late(thread: threading.Thread) -> None:
        if thread.name.startswith("blockstm-"):
            time.sleep(1.5)
        start(thread)

    monkeypatch.setattr(POOL, "_idle", [])  # their threads have begun
    monkeypatch.setattr(threading.Thread, "start", start_late)
    expected = run(reference.execute_block, [BLIND, READ], {}, scripted_vm)
    explored = explore([BLIND, READ], {}, scripted_vm, workers=2)
    assert difference(Ran(explored.result, explored.error), expected) is None


def test_workers_that_cannot_be_started_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(POOL, "_idle", [])
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="not all could be started"):
        explore([BLIND, READ], {}, scripted_vm, workers=2)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    def reads_on(view: Any, step: Any) -> None:
        for number in itertools.count():
            view.get(number)

    monkeypatch.setattr("blockstm.executor.exploration._READS_MAX", 1_000)
    explored = explore([1, 2], {}, reads_on, workers=workers)
    assert explored.result is None
    assert isinstance(explored.error, InternalError)
    assert "did not end within" in str(explored.error)
    assert 1_000 <= len(explored.trace) < 3_000


def test_an_engine_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blockstm.executor.exploration._STEPS_MAX", 5)
    explored = explore([READ] * 8, {}, scripted_vm)
    assert isinstance(explored.error, InternalError)
    assert "0 transactions were final" not in str(explored.error)
    assert sum(decision.point != "read" for decision in explored.trace) == 5
