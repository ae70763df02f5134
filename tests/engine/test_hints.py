"""Hints decide when work runs, never what is right: right, wrong or hostile, the same result."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Sequence
from itertools import product
from random import Random
from typing import Any

import hypothesis
import pytest
from engine_cases import WORKERS, executor
from hypothesis import strategies as st

import blockstm
from blockstm import Config, Executor, reference
from blockstm.errors import InputError
from blockstm.executor import explore
from blockstm.hints import Expected, Hints, declared, from_dependencies
from blockstm.testing import NativeScripts, Ran, assert_same_result, run, scripted_vm
from blockstm.testing.strategies import blocks, choices, states
from blockstm.types import HintsReport

COUNT = 60
BUMPS = [[("work", 300), ("bump", n % 3, 1)] for n in range(COUNT)]
FREE = [[("work", 300), ("bump", n, 1)] for n in range(COUNT)]
CHAIN = [[("copy", n, n + 1), ("bump", n + 1, 1)] for n in range(COUNT)]
SUMS = [[("add", "a", 1)] if n % 4 else [("get", "a"), ("put", n, n)] for n in range(COUNT)]
BLOCKS = {"bumps": BUMPS, "free": FREE, "chain": CHAIN, "sums": SUMS}

LIARS = Random(5)
HINTS = {
    "right": from_dependencies([[n - 3] if n > 2 else [] for n in range(COUNT)]),
    "a chain that is none": from_dependencies([[n - 1] for n in range(COUNT)]),
    "all on the first": from_dependencies([[0] for _ in range(COUNT)]),
    "everything on everything": from_dependencies([range(COUNT) for _ in range(COUNT)]),
    "far too few": from_dependencies([[], [0]]),
    "far too many": from_dependencies([[n // 2] for n in range(5 * COUNT)]),
    "no indices": from_dependencies([[-1, n, n + 1, 1 << 80] for n in range(COUNT)]),
    "all are long": Hints.of(Expected(weight=1) for _ in range(8)),
    "the last are long": Hints.of(Expected(weight=max(n - 50, 0)) for n in range(COUNT)),
    "absurd weights": Hints.of(Expected(weight=each) for each in (-5, 1 << 90, None, 0, True)),
    "any accesses": Hints.of(
        Expected(reads=[LIARS.randrange(5)], writes=[LIARS.randrange(5)], adds=[LIARS.randrange(5)])
        for _ in range(COUNT)
    ),
    "nothing": Hints.of([]),
}
SETTINGS = [
    Config(gate=False, estimates=estimates, revalidation=revalidation, throttle=throttle)
    for estimates, revalidation, throttle in product((False, True), repeat=3)
] + [Config(gate=False, window=window, max_incarnations=cap) for window, cap in ((1, 1), (3, 2))]
SCHEDULES = ("optimistic", "declared", "grouped", "listed", "adaptive")
SETTINGS += [Config(gate=False, schedule=schedule) for schedule in SCHEDULES]


def check(
    block: Sequence[Any], vm: Any, hints: Any, workers: Sequence[int] = WORKERS, repeats: int = 1
) -> None:
    """With hints the engine does what the reference does, which has none."""
    expected = run(reference.execute_block, block, {}, getattr(vm, "python", vm))
    for count in workers:
        for _ in range(repeats):
            actual = run(executor(count).execute_block, block, {}, vm, hints=hints)
            assert_same_result(actual, expected)


@pytest.mark.parametrize("hints", HINTS)
@pytest.mark.parametrize("block", BLOCKS)
def test_hints_never_change_a_result(block: str, hints: str) -> None:
    vm = NativeScripts() if block in ("bumps", "free") else scripted_vm
    check(BLOCKS[block], vm, HINTS[hints], repeats=3)


@pytest.mark.parametrize("hints", HINTS)
@pytest.mark.parametrize("config", SETTINGS, ids=repr)
def test_no_setting_changes_a_result_under_hints(config: Config, hints: str) -> None:
    vm = NativeScripts()
    expected = reference.execute_block(BUMPS, {}, vm.python)
    for workers in (2, 4):
        actual = executor(workers, config).execute_block(BUMPS, {}, vm, hints=HINTS[hints])
        assert_same_result(actual, expected)


def indices() -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(-1, 8), max_size=5)


def keys() -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(["a", "b", 0]), max_size=3)


def expectations() -> st.SearchStrategy[Sequence[Expected | None]]:
    expected = st.builds(
        Expected,
        reads=keys(),
        writes=keys(),
        adds=keys(),
        weight=st.one_of(st.none(), st.integers(-2, 9)),
        dependencies=indices(),
    )
    return st.lists(st.one_of(st.none(), expected), max_size=9)


@hypothesis.settings(max_examples=200, deadline=None, print_blob=True)
@hypothesis.given(
    expectations(),
    blocks(max_transactions=6, keys=2),
    states(2),
    choices(workers=3, max_length=150),
    st.sampled_from(SETTINGS),
)
def test_any_hints_in_any_schedule(
    hints: Any, block: Any, state: Any, schedule: Any, config: Config
) -> None:
    expected = run(reference.execute_block, block, state, scripted_vm)
    explored = explore(
        block, state, scripted_vm, choices=schedule, workers=3, config=config, hints=Hints.of(hints)
    )
    assert_same_result(Ran(explored.result, explored.error), expected)


@hypothesis.settings(max_examples=100, deadline=None, print_blob=True)
@hypothesis.given(choices(workers=3, max_length=200))
def test_with_all_dependencies_known_nothing_runs_twice(schedule: Any) -> None:
    block = [[("bump", n % 2, 1)] for n in range(8)]
    hints = from_dependencies([[n - 2] if n > 1 else [] for n in range(8)])
    explored = explore(block, {}, scripted_vm, choices=schedule, workers=3, hints=hints)
    assert explored.result is not None
    assert explored.result.stats.incarnations == len(block)


def test_wrong_dependencies_are_soon_not_waited_for() -> None:
    hints = from_dependencies([[n - 1] for n in range(COUNT)])
    report = executor(2).execute_block(FREE, {}, NativeScripts(), hints=hints).stats.hints
    assert report is not None
    assert report.expected == COUNT - 1
    assert not report.trusted
    assert report.right == 0
    assert report.precision == 0.0


@hypothesis.settings(max_examples=100, deadline=None, print_blob=True)
@hypothesis.given(choices(workers=2, max_length=200))
@hypothesis.example([0, 1])  # the first is stopped where it reads: all others run ahead of it
def test_runs_that_expect_a_value_tell_of_wrong_dependencies(schedule: Any) -> None:
    """What a run assumes itself, such as its sender's nonce, is no sum of others' additions."""
    block = [[("get", 100)], *([("expect", n, n), ("put", n, -1)] for n in range(8))]
    state = {n: n for n in range(8)}
    hints = from_dependencies([[], [], *([n] for n in range(1, 8))])
    vm = NativeScripts()
    explored = explore(block, state, vm, choices=schedule, workers=2, hints=hints)
    assert explored.result is not None
    report = explored.result.stats.hints
    assert report is not None
    assert not report.trusted
    assert report.right == 0


def test_a_worker_without_work_runs_what_waits_for_a_long_one() -> None:
    """The first transaction goes on until the second, which is held for it, is run."""
    begun = threading.Event()
    met = []

    def meet(view: blockstm.View, tx: str) -> None:
        if tx == "first":
            met.append(begun.wait(20))
            view.put("a", 1)
        else:
            begun.set()
            view.put("b", view.get("a", 0))

    result = executor(2).execute_block(
        ["first", "second"], {}, meet, hints=from_dependencies([[], [0]])
    )
    assert met[0]
    assert result.writes == {"a": 1, "b": 1}
    assert result.stats.hints is not None
    assert result.stats.hints.taken == 1


@pytest.mark.parametrize("workers", [2, 3, 4])
@pytest.mark.parametrize("schedule", ["declared", "grouped"])
def test_what_waits_for_long_ones_comes_to_the_same(schedule: Any, workers: int) -> None:
    """Runs so long that workers without work take held ones, which read late, early or nothing."""
    late, early = ("work", 800_000), ("bump", 100, 1)
    blocks = {
        "late reads": [[late, early]] * 6,
        "early reads": [[early, late]] * 6,
        "none": [[late, ("bump", n, 1)] for n in range(6)],
    }
    chain = from_dependencies([[n - 1] if n else [] for n in range(6)])
    fan = from_dependencies([[0] if n else [] for n in range(6)])
    config = Config(gate=False, schedule=schedule)
    vm = NativeScripts()
    for block in blocks.values():
        expected = reference.execute_block(block, {}, vm.python)
        for hints in (chain, fan):
            result = executor(workers, config).execute_block(block, {}, vm, hints=hints)
            assert_same_result(result, expected)
            assert result.stats.hints is not None
            check_is_bounded(result.stats.hints)


def test_right_dependencies_stay_trusted() -> None:
    hints = from_dependencies([[n - 3] if n > 2 else [] for n in range(COUNT)])
    stats = executor(2).execute_block(BUMPS, {}, NativeScripts(), hints=hints).stats
    assert stats.hints is not None
    assert stats.hints.trusted
    assert stats.hints.right >= COUNT - 3
    assert stats.hints.wrong == 0


def test_a_long_transaction_is_begun_before_its_turn() -> None:
    block = [[("work", 2_000), ("bump", n, 1)] for n in range(20)] + [[("work", 40_000)]]
    hints = Hints.of([*[Expected(weight=1)] * 20, Expected(weight=1_000)])
    assert hints.long_transactions == (20,)
    stats = executor(2).execute_block(block, {}, NativeScripts(), hints=hints).stats
    assert stats.hints is not None
    assert stats.hints.begun_early in (0, 1)  # 0 where one worker came to all of it alone
    assert stats.hints.begun_early_in_vain == 0


def test_the_longest_is_begun_first() -> None:
    weights = [1, 5, 9, 7, *[1] * 30]
    assert Hints.of(Expected(weight=each) for each in weights).long_transactions == (2, 3, 1)


def test_a_block_without_hints_has_no_report() -> None:
    assert executor(2).execute_block(BUMPS, {}, NativeScripts()).stats.hints is None


def test_accesses_become_dependencies() -> None:
    hints = Hints.of(
        [
            Expected(writes=["a"]),
            Expected(reads=["a"], writes=["a"]),
            Expected(adds=["a"]),
            Expected(adds=["a"]),
            Expected(writes=["a"]),
            Expected(reads=["a"]),
            Expected(adds=["b"], reads=["b"]),
            Expected(reads=["b", "a"], dependencies=[1]),
        ]
    )
    assert hints.dependencies == [(), (0,), (), (), (), (4,), (), (6, 4, 1)]


def test_a_reader_of_a_sum_depends_on_the_last_write_and_the_last_delta() -> None:
    hints = Hints.of([Expected(writes=["a"]), *[Expected(adds=["a"])] * 3, Expected(reads=["a"])])
    assert hints.dependencies[4] == (3, 0)


def test_the_highest_dependencies_are_kept() -> None:
    assert from_dependencies([range(n) for n in range(20)]).dependencies[19] == tuple(
        range(18, 10, -1)
    )


def test_declared_locks_order_what_conflicts() -> None:
    locks = [((), ("a",)), (("a",), ()), (("a",), ("b",)), ((), ("b", "a")), ((), ("c",))]
    assert declared(locks).dependencies == [(), (0,), (0,), (2, 0), ()]


def test_arrays_say_the_same_as_objects() -> None:
    objects = Hints.of(
        [
            Expected(writes=["a"], weight=3),
            Expected(reads=["a"], weight=100),
            Expected(reads=["a"], dependencies=[1], weight=1),
        ]
    )
    arrays = Hints.from_arrays(
        3,
        dependencies=(array("q", [0, 0, 0, 1]), array("q", [1])),
        accesses=(array("q", [0, 1, 2, 3]), array("q", [7, 7, 7]), bytes([2, 0, 0])),
        weights=array("q", [3, 100, 1]),
    )
    assert arrays.dependencies == objects.dependencies == [(), (0,), (1, 0)]
    assert arrays.long_transactions == objects.long_transactions == (1,)
    assert arrays.count == objects.count == 3


STARTS = array("q", [0, 1])
ONE = array("q", [0])
BAD_ARRAYS: dict[str, dict[str, Any]] = {
    "floats": {"weights": array("d", [1.0])},
    "int32": {"weights": array("i", [1])},
    "a list": {"weights": [1]},
    "too many weights": {"weights": array("q", [1, 2])},
    "too few starts": {"dependencies": (array("q", [0]), array("q"))},
    "starts that end early": {"dependencies": (array("q", [0, 0]), ONE)},
    "starts that begin late": {"dependencies": (array("q", [1, 1]), ONE)},
    "no kinds": {"accesses": (STARTS, ONE, b"")},
    "an unknown kind": {"accesses": (STARTS, ONE, bytes([3]))},
    "a tuple too short": {"accesses": (STARTS,)},
    "not contiguous": {"weights": memoryview(array("q", [1, 2, 3]))[::2]},
}


@pytest.mark.parametrize("arrays", BAD_ARRAYS)
def test_arrays_of_another_kind_are_refused(arrays: str) -> None:
    with pytest.raises(InputError):
        Hints.from_arrays(1, **BAD_ARRAYS[arrays])


def test_starts_that_step_back_are_refused() -> None:
    with pytest.raises(InputError, match="ascend"):
        Hints.from_arrays(2, dependencies=(array("q", [0, 2, 1]), array("q", [0])))


@pytest.mark.parametrize("count", [-1, 1 << 40])
def test_no_block_has_so_many_transactions(count: int) -> None:
    with pytest.raises(InputError):
        Hints.from_arrays(count)


BAD_EXPECTED = {
    "a number": [Expected(), 5],
    "no iterable": [Expected(reads=5)],  # type: ignore[arg-type]  # the test's subject
    "a list as a key": [Expected(writes=[["a"]])],  # type: ignore[list-item]  # as above
    "a name as a dependency": [Expected(dependencies=["a"])],  # type: ignore[list-item]  # as above
    "a weight in words": [Expected(weight="much")],  # type: ignore[arg-type]  # as above
}


@pytest.mark.parametrize("given", BAD_EXPECTED)
def test_objects_of_another_kind_are_refused(given: str) -> None:
    with pytest.raises(InputError):
        blockstm.execute_block(BUMPS, {}, scripted_vm, hints=BAD_EXPECTED[given])


class Source:
    """Hints of one block, which it notes."""

    def __init__(self, gives: Any) -> None:
        self.gives = gives
        self.asked: list[Any] = []

    def for_block(self, block: Any) -> Any:
        self.asked.append(block)
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives


@pytest.mark.parametrize("gives", [None, HINTS["right"]], ids=["nothing", "hints"])
def test_a_source_is_asked_once_for_each_block(gives: Any) -> None:
    source = Source(gives)
    with Executor(Config(gate=False), workers=2) as engine:
        for _ in range(2):
            result = engine.execute_block(BUMPS, {}, NativeScripts(), hints=source)
            assert (result.stats.hints is None) == (gives is None)
    assert source.asked == [BUMPS, BUMPS]


def test_what_a_source_gives_is_checked() -> None:
    with pytest.raises(InputError, match="for_block gives"):
        blockstm.execute_block(BUMPS, {}, scripted_vm, hints=Source([1]))
    with pytest.raises(OSError, match="no network"):
        blockstm.execute_block(BUMPS, {}, scripted_vm, hints=Source(OSError("no network")))


def test_an_expected_for_each_transaction_needs_no_hints_object() -> None:
    given = [None, *[Expected(reads=[n]) for n in range(5)]]
    result = executor(2).execute_block(BUMPS, {}, NativeScripts(), hints=given)
    assert result.stats.hints is not None


def test_a_stream_has_hints_too() -> None:
    vm = NativeScripts()
    expected = reference.execute_block(BUMPS, {}, vm.python)
    for hints in HINTS.values():
        with executor(2).stream(BUMPS, {}, vm, hints=hints) as stream:
            assert list(stream) == list(expected.outcomes)


def test_one_hints_object_serves_many_blocks_and_outlives_none() -> None:
    hints = from_dependencies([[n - 1] for n in range(COUNT)])
    for block in (FREE, BUMPS[:7], [], FREE):
        check(block, NativeScripts(), hints, workers=[4])
    del hints
    check(FREE, NativeScripts(), None, workers=[4])


HOLDS_FIRST, HOLDS_PER_RIGHT = 16, 8
EARLY_FIRST, EARLY_PER_RIGHT = 1, 2
TAKEN_FIRST, TAKEN_PER_RIGHT = 2, 2


def check_is_bounded(report: HintsReport) -> None:
    """What unproven hints may do: so many holds, so many runs before their turn, and no more."""
    assert report.holds <= HOLDS_FIRST + HOLDS_PER_RIGHT * report.right
    right_early = report.begun_early - report.begun_early_in_vain
    assert report.begun_early <= EARLY_FIRST + EARLY_PER_RIGHT * right_early
    right_taken = report.taken - report.taken_in_vain
    assert report.taken <= TAKEN_FIRST + TAKEN_PER_RIGHT * right_taken


@hypothesis.settings(max_examples=200, deadline=None, print_blob=True)
@hypothesis.given(
    expectations(),
    blocks(max_transactions=9, keys=2),
    choices(workers=3, max_length=150),
    st.sampled_from(SETTINGS),
)
def test_what_unproven_hints_decide_is_bounded_in_any_schedule(
    hints: Any, block: Any, schedule: Any, config: Config
) -> None:
    result = explore(
        block, {}, scripted_vm, choices=schedule, workers=3, config=config, hints=Hints.of(hints)
    ).result
    if result is not None and result.stats.hints is not None:
        check_is_bounded(result.stats.hints)


@pytest.mark.parametrize("hints", HINTS)
@pytest.mark.parametrize("block", ["free", "bumps"])
def test_what_unproven_hints_decide_is_bounded(block: str, hints: str) -> None:
    vm = NativeScripts()
    for workers in (2, 4):
        report = (
            executor(workers).execute_block(BLOCKS[block], {}, vm, hints=HINTS[hints]).stats.hints
        )
        if report is not None:
            check_is_bounded(report)


def test_hints_that_never_prove_right_hold_few() -> None:
    hints = from_dependencies([[n - 1] for n in range(COUNT)])
    for _ in range(20):
        report = executor(4).execute_block(FREE, {}, NativeScripts(), hints=hints).stats.hints
        assert report is not None
        assert report.right == 0
        assert report.holds <= HOLDS_FIRST


@hypothesis.settings(max_examples=100, deadline=None, print_blob=True)
@hypothesis.given(choices(workers=2, max_length=200))
def test_a_long_one_that_needs_all_before_it_is_begun_early_once(schedule: Any) -> None:
    block = [[("bump", "a", 1)] for _ in range(12)]
    hints = Hints.of(Expected(weight=1) for _ in block)
    explored = explore(block, {}, scripted_vm, choices=schedule, workers=2, hints=hints)
    assert explored.result is not None
    report = explored.result.stats.hints
    assert report is not None
    check_is_bounded(report)
    assert explored.result.writes == {"a": len(block)}
