"""`assert_serial_equivalent` passes what is right and tells a short story of what is wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest

from blockstm import reference
from blockstm.errors import InputError, TransactionError
from blockstm.testing import assert_serial_equivalent, scripted_vm, serial

BLOCK = [
    [("put", "c", 1)],
    [("bump", "a", 1)],
    [("get", "b")],
    [("bump", "a", 1)],
    [("add", "c", 1)],
]


def test_it_returns_what_running_in_order_came_to() -> None:
    ran = assert_serial_equivalent(BLOCK, {"a": 1}, scripted_vm, schedules=3)
    assert ran.result is not None
    assert ran.result.writes == {"c": 2, "a": 3}


def test_it_accepts_a_block_that_fails_the_same_way() -> None:
    ran = assert_serial_equivalent([*BLOCK, [("raise", "x")]], {}, scripted_vm, schedules=3)
    assert isinstance(ran.error, TransactionError)
    assert ran.error.index == 5


def test_a_native_vm_needs_a_python_reference() -> None:
    class Native:
        def __blockstm_bind__(self, transactions: Any) -> Any:
            raise AssertionError("never bound")

    with pytest.raises(InputError, match="reference_vm"):
        assert_serial_equivalent([1], {}, Native())


class Lossy:
    """Stands in for the engine: of two increments of one key in a row it loses the first."""

    def __init__(self, loses: bool) -> None:
        self.loses = loses

    def __call__(self, block: Any, state: Any, vm: Any, **options: Any) -> Any:
        bumps = [n for n, transaction in enumerate(block) if transaction == [("bump", "a", 1)]]
        kept = list(block)
        if self.loses and len(bumps) > 1:
            kept[bumps[0]] = []
        return reference.execute_block(kept, state, vm, **options)


class LossyExecutor:
    def __init__(self, config: Any, *, workers: int) -> None:
        self.execute_block = Lossy(loses=workers > 1)

    def __enter__(self) -> LossyExecutor:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def test_a_failure_on_threads_is_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial, "Executor", LossyExecutor)
    assert_serial_equivalent(BLOCK, {}, scripted_vm, workers=(1,), schedules=0)
    with pytest.raises(AssertionError) as caught:
        assert_serial_equivalent(BLOCK, {}, scripted_vm, workers=(1, 2), schedules=0, seed=7)
    story = str(caught.value)
    assert "seed=7" in story
    assert "shrunk from 5 transactions to 2" in story
    assert story.count("[('bump', 'a', 1)]") == 2
    assert "2 real threads, wrong in 10 of 10 runs" in story
    assert "outcomes[0].value is (), should be (1,)" in story


class Decision:
    options = 2

    def __init__(self, worker: int) -> None:
        self.chosen = self.worker = worker
        self.point, self.index = "get", 0


class Explored:
    """Stands in for an exploration; goes wrong if the choice at place 3 is 1."""

    def __init__(self, block: Any, state: Any, vm: Any, *, choices: Any, **options: Any) -> None:
        for name in ("workers", "config"):
            del options[name]
        wrong = choices[3:4] == (1,)
        self.error = None
        self.result = Lossy(loses=wrong)(block, state, vm, **options)
        self.trace = [Decision(choice) for choice in (*choices, 0, 0, 0, 0)[:4]]


def test_a_failure_in_a_schedule_is_shrunk_to_what_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial, "explore", Explored)
    with pytest.raises(AssertionError) as caught:
        assert_serial_equivalent(BLOCK, {}, scripted_vm, workers=(), schedules=50, seed=3)
    story = str(caught.value)
    assert "shrunk from 5 transactions to 2" in story
    assert "choices=(0, 0, 0, 1)" in story
    assert "worker 0: get 0, get 0, get 0\n  worker 1: get 0" in story


def test_the_seed_decides_what_is_explored(monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[Any] = []

    def note(*args: Any, choices: Any, **options: Any) -> Any:
        met.append(choices)
        return Explored(*args, choices=(), **options)

    monkeypatch.setattr(serial, "explore", note)
    for seed in (1, 1, 2):
        assert_serial_equivalent([], {}, scripted_vm, workers=(), schedules=4, seed=seed)
    assert met[0:4] == met[4:8] != met[8:12]
    assert met[0] == met[8] == ()


def test_a_drawn_seed_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial, "Executor", LossyExecutor)
    with pytest.raises(AssertionError) as caught:
        assert_serial_equivalent(BLOCK, {}, scripted_vm)
    assert re.search(r"seed=\d+\)", str(caught.value))
