"""Heuristics decide when work runs, never what is right: any setting, the same result."""

from __future__ import annotations

from itertools import islice, product
from typing import Any

import hypothesis
import pytest
from engine_cases import check, check_explored, executor, yielding_vm
from hypothesis import strategies as st

from blockstm import Config, Executor, reference
from blockstm.executor import explore
from blockstm.testing import (
    NativeScripts,
    assert_same_result,
    random_schedules,
    scripted_vm,
)
from blockstm.testing.strategies import blocks, choices, states

SWITCHES = [
    Config(gate=False, estimates=estimates, revalidation=revalidation, throttle=throttle)
    for estimates, revalidation, throttle in product((False, True), repeat=3)
]
SIZES = [
    Config(gate=False, window=window, max_incarnations=cap)
    for window, cap in product((1, 2, 3), (1, 2))
]
RECORDED = [Config(gate=False, timeline=spans) for spans in (1, 100_000)]
RELAYS = [Config(gate=False, relay=True, timeline=spans) for spans in (0, 100)]


def name(config: Config) -> str:
    shown = [f"{part}={getattr(config, part)}" for part in config.__slots__ if part != "workers"]
    return ",".join(shown)


HOT = [[("bump", "a", 1), ("copy", "a", f"copy {n}"), ("add", "b", n)] for n in range(40)]
CHAIN = [[("copy", n, n + 1), ("bump", n + 1, 1)] for n in range(40)]
MIXED = [
    [("branch", "a", [("delete", "a")], [("put", "a", n)]), ("add", "b", n), ("charge", n)]
    if n % 5
    else [("get", "b"), ("revert", f"at {n}")]
    for n in range(40)
]
BLOCKS = {"hot": HOT, "chain": CHAIN, "mixed": MIXED}


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("config", [*SWITCHES, *SIZES, *RECORDED, *RELAYS], ids=name)
def test_every_setting_gives_the_same_result(config: Config, block: str) -> None:
    expected = reference.execute_block(BLOCKS[block], {0: 5}, scripted_vm)
    for workers in (1, 2, 4):
        with Executor(config, workers=workers) as engine:
            for vm in (scripted_vm, yielding_vm):
                assert_same_result(engine.execute_block(BLOCKS[block], {0: 5}, vm), expected)


@pytest.mark.parametrize("config", [*SWITCHES, *SIZES, *RECORDED, *RELAYS], ids=name)
def test_every_setting_gives_the_same_result_without_the_gil(config: Config) -> None:
    block = [
        [("work", 50 * (n % 7)), ("bump", n % 3, 1), ("copy", n % 3, 7), ("add", 8, n)]
        for n in range(300)
    ]
    vm = NativeScripts()
    expected = reference.execute_block(block, {}, vm.python)
    for workers in (1, 2, 4):
        with Executor(config, workers=workers) as engine:
            for _ in range(3):
                assert_same_result(engine.execute_block(block, {}, vm), expected)


configs = st.builds(
    Config,
    window=st.sampled_from([1, 2, 3, 512]),
    max_incarnations=st.sampled_from([1, 2, 8]),
    estimates=st.booleans(),
    revalidation=st.booleans(),
    throttle=st.booleans(),
    timeline=st.sampled_from([0, 3, 1000]),
)


@hypothesis.settings(max_examples=150, deadline=None, print_blob=True)
@hypothesis.given(
    configs, blocks(max_transactions=6, keys=2), states(2), choices(workers=3, max_length=150)
)
def test_any_setting_in_any_schedule(config: Any, block: Any, state: Any, schedule: Any) -> None:
    check_explored(block, state, choices=schedule, workers=3, config=config)


class Prefetching:
    """A state that notes what it was asked to prefetch."""

    def __init__(self, fails: bool) -> None:
        self.fails = fails
        self.asked: list[Any] = []

    def get(self, key: Any) -> Any:
        return {"a": 3}.get(key)

    def prefetch(self, keys: Any) -> None:
        self.asked.append(list(keys))
        if self.fails:
            raise OSError("no such luck")


HINTS = {
    "none": None,
    "empty": [],
    "right": ["a", "b"],
    "wrong": ["nothing of the kind", 7, None],
    "unhashable": [["a"]],
    "a generator": (key for key in "ab"),
}


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("hints", HINTS)
def test_hints_right_or_wrong_give_the_same_result(hints: str, fails: bool) -> None:
    expected = reference.execute_block(HOT, {"a": 3}, scripted_vm)
    given = HINTS[hints]
    for workers in (1, 2, 4):
        state = Prefetching(fails)
        actual = executor(workers).execute_block(HOT, state, scripted_vm, hints=given)
        assert_same_result(actual, expected)
        assert len(state.asked) == (given is not None)


def test_the_number_of_workers_gives_the_same_result() -> None:
    for workers in (1, 3, 16, 64):
        check(HOT, {}, workers=[workers])


def test_where_runs_were_aborted_the_reader_of_an_estimate_is_invalid_at_once() -> None:
    """The second write is the same as the first, so only the estimate between them aborts again."""
    quiet = [("get", f"quiet {n}") for n in range(6)]
    writer = [*quiet[:2], ("get", "source"), ("put", "hot", 1)]
    block = [[*quiet, ("put", "source", 1)], writer, [("get", "hot"), *quiet[:2]]]
    expected = reference.execute_block(block, {}, scripted_vm)
    most = 0
    for schedule in islice(random_schedules(1, workers=3), 500):
        result = explore(block, {}, scripted_vm, choices=schedule, workers=3).result
        assert result is not None
        assert_same_result(result, expected)
        aborts = dict(result.stats.conflicts).get("hot", 0) - result.stats.aborts["estimate"]
        most = max(most, aborts)
    assert most == 2  # one by the first write, one by the estimate
