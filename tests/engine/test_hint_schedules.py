"""Schedules: how hints are used, and never another result."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import hypothesis
import pytest
from engine_cases import WORKERS, executor
from hypothesis import strategies as st

from blockstm import Config, Executor, reference
from blockstm.errors import ConfigError
from blockstm.executor import explore
from blockstm.hints import Expected, Hints, from_dependencies
from blockstm.hints.schedules import Adaptive, Schedule
from blockstm.testing import NativeScripts, Ran, assert_same_result, run, scripted_vm
from blockstm.testing.strategies import blocks, choices
from blockstm.types import BlockResult, HintsReport, Stats

COUNT = 60
GROUPED = Config(gate=False, schedule="grouped")
THREE = [[("work", 300), ("bump", n % 3, 1)] for n in range(COUNT)]
FREE = [[("work", 300), ("bump", n, 1)] for n in range(COUNT)]


def touching(*keys: Sequence[Any]) -> Hints:
    return Hints.of(Expected(reads=each, writes=each) for each in keys)


RIGHT = touching(*([n % 3] for n in range(COUNT)))
ONE_GROUP = touching(*(["all"] for _ in range(COUNT)))


def test_transactions_that_write_a_location_in_common_form_a_group() -> None:
    hints = Hints.of(
        [
            Expected(writes=["a"]),
            Expected(writes=["b"]),
            Expected(reads=["a"]),
            Expected(writes=["a", "c"]),
            Expected(adds=["a"]),
            Expected(writes=["c"]),
            Expected(writes=["b"]),
            None,
        ]
    )
    assert hints.groups == [(0, 3, 5), (1, 6)]


def test_without_accesses_those_that_depend_on_each_other_form_a_group() -> None:
    hints = from_dependencies([[], [0], [], [2], [1, 3], []])
    assert hints.groups == [(0, 1, 2, 3, 4)]
    assert from_dependencies([[], [], [0]]).groups == [(0, 2)]


def test_groups_are_shifted_with_the_rest() -> None:
    assert touching(["a"], ["b"], ["a"]).shifted(5).groups == [(5, 7)]


@hypothesis.given(st.lists(st.lists(st.integers(0, 12), max_size=3), max_size=40))
def test_groups_are_the_connected_sets(written: list[list[int]]) -> None:
    sets: list[set[int]] = []
    for index, locations in enumerate(written):
        met = [each for each in sets if any(set(written[n]) & set(locations) for n in each)]
        sets = [each for each in sets if each not in met] + [{index}.union(*met)]
    expected = sorted(tuple(sorted(each)) for each in sets if len(each) > 1)
    assert sorted(Hints.of(Expected(writes=each) for each in written).groups) == expected


@pytest.mark.parametrize("schedule", ["optimistic", "declared", "grouped", "listed"])
def test_the_report_names_the_schedule(schedule: Any) -> None:
    config = Config(gate=False, schedule=schedule)
    report = executor(2, config).execute_block(THREE, {}, NativeScripts(), hints=RIGHT).stats.hints
    assert report is not None
    assert report.schedule == schedule
    if schedule == "optimistic":
        assert report.holds == report.right == report.wrong == 0


def test_a_schedule_is_one_of_a_few() -> None:
    for wrong in ("clever", "", None, 1):
        with pytest.raises(ConfigError, match="schedule is one of"):
            Config(schedule=wrong)  # type: ignore[arg-type]  # the test's subject


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("hints", [RIGHT, ONE_GROUP, None], ids=["right", "one group", "none"])
def test_groups_never_change_a_result(hints: Any, workers: int) -> None:
    vm = NativeScripts()
    for block in (THREE, FREE):
        expected = run(reference.execute_block, block, {}, vm.python)
        for _ in range(3):
            actual = run(executor(workers, GROUPED).execute_block, block, {}, vm, hints=hints)
            assert_same_result(actual, expected)


def test_right_groups_are_followed_and_nothing_runs_twice() -> None:
    stats = executor(2, GROUPED).execute_block(THREE, {}, NativeScripts(), hints=RIGHT).stats
    assert stats.hints is not None
    assert stats.hints.splits == 0
    assert stats.hints.wrong == 0
    assert stats.incarnations == COUNT


def test_a_group_whose_members_share_nothing_splits() -> None:
    report = (
        executor(2, GROUPED).execute_block(FREE, {}, NativeScripts(), hints=ONE_GROUP).stats.hints
    )
    assert report is not None
    assert report.splits == 1
    assert report.right == 0


@hypothesis.settings(max_examples=100, deadline=None, print_blob=True)
@hypothesis.given(choices(workers=3, max_length=250))
def test_groups_that_meet_merge_and_the_result_stays(schedule: Any) -> None:
    """Two groups by the hints, one by what they do: all write the same."""
    block = [[("bump", "a", 1)] for _ in range(10)]
    hints = touching(*([n % 2] for n in range(10)))
    explored = explore(
        block, {}, scripted_vm, choices=schedule, workers=3, config=GROUPED, hints=hints
    )
    assert explored.result is not None
    assert explored.result.writes == {"a": 10}
    report = explored.result.stats.hints
    assert report is not None
    assert report.merges <= 2


def test_some_schedule_merges_groups_that_meet() -> None:
    block = [[("bump", "a", 1)] for _ in range(10)]
    hints = touching(*([n % 2] for n in range(10)))
    draw = Random(3)
    merges = 0
    for _ in range(200):
        schedule = [draw.randrange(3) for _ in range(250)]
        explored = explore(
            block, {}, scripted_vm, choices=schedule, workers=3, config=GROUPED, hints=hints
        )
        assert explored.result is not None
        assert explored.result.stats.hints is not None
        merges += explored.result.stats.hints.merges
    assert merges > 0


def test_a_held_transaction_that_meets_a_write_waits_for_it() -> None:
    """A worker without work runs a doubtful one that is held, but not again and again."""
    block = [[("bump", "a", 1)] for _ in range(10)]
    hints = touching(*([n % 2] for n in range(10)))
    draw = Random(5)
    for _ in range(1000):
        schedule = [draw.randrange(3) for _ in range(20)]  # then one worker goes on while it can
        explored = explore(
            block, {}, scripted_vm, choices=schedule, workers=3, config=GROUPED, hints=hints
        )
        assert explored.result is not None, schedule
        assert explored.result.writes == {"a": 10}


writes = st.lists(st.lists(st.sampled_from(["a", "b", 0]), max_size=2), max_size=9)


@hypothesis.settings(max_examples=300, deadline=None, print_blob=True)
@hypothesis.given(
    writes,
    blocks(max_transactions=9, keys=2),
    choices(workers=3, max_length=250),
    st.sampled_from(["grouped", "listed"]),
    st.booleans(),
)
def test_any_groups_in_any_schedule(
    hints: Any, block: Any, schedule: Any, name: Any, revalidation: bool
) -> None:
    expected = run(reference.execute_block, block, {}, scripted_vm)
    config = Config(gate=False, schedule=name, revalidation=revalidation)
    given = touching(*hints)
    explored = explore(
        block, {}, scripted_vm, choices=schedule, workers=3, config=config, hints=given
    )
    assert_same_result(Ran(explored.result, explored.error), expected)


def result(schedule: Schedule, seconds: float, work: float = 1.0) -> BlockResult:
    """The result of a block that took so long for so much work."""
    report = HintsReport(schedule=schedule.name.lower())
    stats = Stats(workers=2, seconds=seconds, phases={"execute": work}, hints=report)
    return BlockResult((), {}, stats=stats)


def test_the_schedule_that_pays_is_chosen() -> None:
    choice = Adaptive()
    seconds = {Schedule.OPTIMISTIC: 0.8, Schedule.DECLARED: 0.7, Schedule.GROUPED: 0.6}
    chosen = []
    for number in range(200):
        schedule = choice.next()
        chosen.append(schedule)
        work = 1.0 + number % 5  # blocks of different sizes compare
        choice.learn(result(schedule, work * seconds.get(schedule, 0.9), work))
    assert set(chosen[:4]) == {*Schedule}
    assert chosen.count(Schedule.GROUPED) > 180
    assert {*chosen[4:]} == {*Schedule}, "each is tried again now and then"


def test_the_choice_follows_what_blocks_do() -> None:
    choice = Adaptive()
    for number in range(400):
        schedule = choice.next()
        is_fast = schedule is (Schedule.GROUPED if number < 200 else Schedule.LISTED)
        choice.learn(result(schedule, 0.5 if is_fast else 0.8))
    assert choice.next() is Schedule.LISTED


def test_blocks_that_were_not_shared_teach_nothing() -> None:
    choice = Adaptive()
    for _ in range(5):
        choice.learn(BlockResult((), {}, stats=Stats(workers=1, hints=HintsReport())))
        choice.learn(BlockResult((), {}))
    assert choice.next() is Schedule.OPTIMISTIC


def test_an_executor_chooses_as_it_goes() -> None:
    names = set()
    with Executor(Config(gate=False, schedule="adaptive"), workers=2) as engine:
        for _ in range(20):
            report = engine.execute_block(THREE, {}, NativeScripts(), hints=RIGHT).stats.hints
            assert report is not None
            names.add(report.schedule)
    assert names == {"optimistic", "declared", "grouped", "listed"}
