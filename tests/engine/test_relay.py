"""A relay gives what running in order gives: in every schedule of small blocks, on real threads.

Where it is forced, every block of a native VM without hints has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from engine_cases import check, check_explored
from hypothesis import strategies as st
from test_engine_exploration import BUMP, PAIRS, TRIPLES, check_all, native
from tests.switching import switching_often

import blockstm
from blockstm import Config, Executor, reference
from blockstm.errors import BlockError, InvalidBlock
from blockstm.testing import NativeScripts, Ran, assert_same_result, run, scripted_vm
from blockstm.testing.strategies import blocks, choices, states

RELAY = Config(relay=True)
VM = NativeScripts()
KEYS = (1, 2, 3, 4)
WORKERS = (2, 3, 4, 8)
TIMES = 40  # that a drawn piece is repeated: batches are long where runs have proved to be short

READ, COPY, BACK = [("get", 1)], [("copy", 1, 2)], [("copy", 2, 1)]
BUMPED, DELTA, DELETED = [("bump", 1, 1)], [("add", 1, 2)], [("delete", 1)]
ENOUGH, WITHIN = [("at_least", 1, 4), ("add", 2, 1)], [("try_add", 1, -2, 0, None), ("get", 2)]
EXPECT = [("expect", 1, 4), ("put", 1, 6)]
REVERTED = [("bump", 1, 1), ("revert", "no")]
REFUSED = [("bump", 1, 1), ("invalid", "no")]
FOLLOW = [("follow", 1, 1)]
BRANCH = [("at_least", 1, 5), ("branch", 2, [("delete", 1)], [("put", 2, 1), ("add", 1, 1)])]

# In batches of two: one worker claims the first two transactions, and one the next two.
BATCHES = {
    "each after each": [BUMPED, BUMPED, BUMPED, BUMPED],
    "deltas, then a read": [DELTA, DELTA, DELTA, READ],
    "delta, read, delta, read": [DELTA, READ, DELTA, READ],
    "deltas and bounds": [DELTA, WITHIN, WITHIN, ENOUGH],
    "bounds fail": [WITHIN, WITHIN, WITHIN, WITHIN],
    "deltas over a value over a delta": [DELTA, BUMPED, DELTA, ENOUGH],
    "deleted and read": [BUMPED, DELETED, READ, DELTA],
    "deltas over nothing": [DELETED, DELTA, DELETED, WITHIN],
    "deleted in a batch": [BUMPED, BUMPED, DELETED, DELTA],
    "copied": [BUMPED, COPY, BACK, COPY],
    "expected": [DELTA, EXPECT, EXPECT, READ],
    "reverted": [BUMPED, BUMPED, REVERTED, BUMPED],
    "invalid": [BUMPED, REFUSED, REFUSED, BUMPED],
    "locations that depend on values": [BUMPED, FOLLOW, FOLLOW, READ],
    "written or not": [BUMPED, BRANCH, BRANCH, BRANCH],
    "three batches": [BUMPED, DELTA, BUMPED, DELTA, BUMPED],
}


@pytest.fixture(autouse=True, scope="module")
def _switch_often() -> Iterator[None]:
    """Let the interpreter change threads as often as it can."""
    with switching_often():
        yield


# ---------------------------------------------------------------- all schedules


@pytest.mark.parametrize("name", PAIRS)
def test_schedules_of_one_batch(name: str) -> None:
    check_all(native(PAIRS[name]), {1: 3}, VM, preemptions=4, config=RELAY)


@pytest.mark.parametrize("name", TRIPLES)
def test_schedules_of_a_batch_and_a_half(name: str) -> None:
    check_all(native(TRIPLES[name]), {1: 3}, VM, preemptions=3, config=RELAY)


@pytest.mark.parametrize("state", [{}, {1: 3, 2: 1}], ids=["nothing there", "numbers there"])
@pytest.mark.parametrize("name", BATCHES)
def test_schedules_of_two_batches(name: str, state: dict[int, int]) -> None:
    check_all(BATCHES[name], state, VM, preemptions=3, config=RELAY)


@pytest.mark.parametrize("name", ["each after each", "three batches", "deltas and bounds"])
def test_schedules_of_three_workers(name: str) -> None:
    check_all([*BATCHES[name], BUMPED], {1: 3}, VM, preemptions=2, workers=3, config=RELAY)


def test_a_batch_reads_what_it_has_written() -> None:
    """So of two transactions that one worker claims at once none runs twice; of four, some do."""
    batch = native([BUMP, BUMP])
    _, incarnations = check_all(batch, {1: 3}, VM, config=RELAY)
    assert incarnations == {2}
    _, incarnations = check_all(batch * 2, {1: 3}, VM, preemptions=3, config=RELAY)
    assert min(incarnations) == 4
    assert max(incarnations) > 4
    _, incarnations = check_all(batch, {1: 3}, VM, preemptions=4, config=Config(relay=False))
    assert max(incarnations) > 2


@pytest.mark.parametrize("on_invalid", ["raise", "skip"])
@hypothesis.settings(max_examples=200, deadline=None, print_blob=True)
@hypothesis.given(
    blocks(max_transactions=8, keys=KEYS),
    states(KEYS),
    st.sampled_from([2, 2, 3]),
    choices(workers=3, max_length=120),
)
def test_explored_schedules(
    on_invalid: Any, block: Any, state: Any, workers: int, schedule: Any
) -> None:
    options: dict[str, Any] = {"workers": workers, "config": RELAY, "on_invalid": on_invalid}
    check_explored(block, state, VM, choices=schedule, **options)


# ---------------------------------------------------------------- real threads

CALM = ("get", "put", "delete", "add", "expect", "at_least", "try_add", "charge")
CALM = (*CALM, "bump", "copy", "follow", "branch", "revert")


def repeated(block: Any) -> Any:
    """The drawn transactions over and over, and between them some that touch nothing of theirs."""
    return [
        transaction
        for turn in range(TIMES)
        for transaction in (*block, *([("bump", 100 + turn * 8 + other, 1)] for other in range(4)))
    ]


@pytest.mark.parametrize("relay", [True, None])
@hypothesis.settings(max_examples=40, deadline=None, print_blob=True)
@hypothesis.given(
    blocks(max_transactions=6, keys=KEYS, ops=CALM),
    states(KEYS),
    st.sampled_from(["raise", "skip"]),
)
def test_real_threads(relay: bool | None, block: Any, state: Any, on_invalid: Any) -> None:
    config = Config(relay=relay)
    check(
        repeated(block), state, VM, workers=WORKERS, config=config, repeats=2, on_invalid=on_invalid
    )


@hypothesis.settings(max_examples=60, deadline=None, print_blob=True)
@hypothesis.given(
    blocks(max_transactions=6, keys=KEYS, ops=(*CALM, "invalid")),
    blocks(max_transactions=4, keys=KEYS),
    states(KEYS),
    st.sampled_from(["raise", "skip"]),
    st.sampled_from([None, 0, 3, 40, 1000]),
)
def test_blocks_that_end_early(
    block: Any, last: Any, state: Any, on_invalid: Any, limit: int | None
) -> None:
    """By an error, an invalid transaction or a limit, somewhere in a batch or behind it."""
    charged = [[("charge", 1), *transaction] for transaction in [*repeated(block), *last, *block]]
    check(charged, state, VM, config=RELAY, on_invalid=on_invalid, limit=limit)


@pytest.mark.stress
@pytest.mark.parametrize("workers", [2, 3, 8])
def test_values_of_every_size(workers: int) -> None:
    """What a batch has written lies where the next one writes; what is final does not."""
    vm = NativeScripts("bytes", "bytes")
    sizes = (0, 1, 8, 9, 31, 32, 33, 200, 1023, 1024, 5000)
    keys = [b"", b"k", b"key" * 5, b"k" * 700]
    block: list[Any] = []
    for number in range(600):
        value = bytes([number % 251]) * sizes[number % len(sizes)]
        key, other = keys[number % 4], keys[number * 7 // 3 % 4]
        block.append(
            [("get", other), ("put", key, value), ("copy", key, b"copy %d" % (number % 9))]
        )
        if number % 13 == 0:
            block.append([("delete", key), ("get", other)])
    check(block, {b"": b"x" * 40}, vm, workers=(workers,), config=RELAY, repeats=5)


@pytest.mark.stress
def test_large_values_that_are_freed_on_the_way() -> None:
    """The workers leave the block for that, and then go on."""
    vm = NativeScripts("int64", "bytes")
    value = b"v" * 200_000
    block = [
        [("put", n % 3, value + bytes([n % 256])), ("get", 9)]
        + [("copy", n % 3, 4)] * (n % 90 == 80)
        for n in range(500)
    ]
    check(block, {9: b"nine"}, vm, workers=(2, 3), config=RELAY)


def test_more_writes_than_a_batch_may_have() -> None:
    """The rest of such a batch runs at the frontier."""
    wide = [("add", 1000 + n, 1) for n in range(700)]
    block = [[*wide, ("bump", n % 3, 1)] if n % 4 else [("bump", 0, 1)] for n in range(200)]
    block += [[("put", n, n) for n in range(1100)]] * 2
    check(block, {}, VM, config=RELAY)


# ---------------------------------------------------------------- with and without


def hot_after_calm(calm: int, hot: int) -> Any:
    """First nothing conflicts, so the workers relay it; then all does, and they leave the relay."""
    block = [[("bump", n, 1), ("add", n + 1, 1)] for n in range(100, 100 + calm)]
    return block + [[("bump", 1, 1), ("copy", 1, 2), ("try_add", 3, 1, 0, hot // 2)]] * hot


@pytest.mark.stress
@pytest.mark.parametrize("relay", [True, None, False])
@pytest.mark.parametrize("gate", [True, False])
def test_a_relay_that_ends_in_the_middle_of_a_block(relay: bool | None, gate: bool) -> None:
    block = hot_after_calm(6000, 3000) + hot_after_calm(3000, 500)
    expected = run(reference.execute_block, block, {1: 1}, VM.python)
    for workers in (2, 3, 4):
        with Executor(Config(relay=relay, gate=gate), workers=workers) as engine:
            for _ in range(4):
                assert_same_result(run(engine.execute_block, block, {1: 1}, VM), expected)


@pytest.mark.stress
def test_long_transactions_among_short_ones() -> None:
    block = [
        [("work", 60_000 if n % 400 == 7 else 0), ("bump", n % 5, 1), ("bump", 10 + n, 1)]
        for n in range(3000)
    ]
    expected = run(reference.execute_block, block, {}, VM.python)
    for relay in (True, None):
        for workers in (2, 4):
            with Executor(Config(relay=relay), workers=workers) as engine:
                for _ in range(3):
                    assert_same_result(run(engine.execute_block, block, {}, VM), expected)


@pytest.mark.stress
def test_an_executor_relays_some_blocks_and_not_others() -> None:
    """Short ones, one of a Python VM, one of one transaction, one that fails: on one executor."""
    short = hot_after_calm(800, 30)
    scripted = [[("bump", n % 3, 1)] for n in range(40)]
    failing = [*short[:500], [("raise", "no")], *short[500:]]
    wanted = {
        "short": run(reference.execute_block, short, {}, VM.python),
        "one": run(reference.execute_block, short[:1], {}, VM.python),
        "failing": run(reference.execute_block, failing, {}, VM.python),
        "python": run(reference.execute_block, scripted, {}, scripted_vm),
    }
    for gate in (True, False):
        with Executor(Config(relay=True, gate=gate), workers=4) as engine:
            for _ in range(5):
                for name, block, vm in [
                    ("short", short, VM),
                    ("one", short[:1], VM),
                    ("python", scripted, scripted_vm),
                    ("failing", failing, VM),
                    ("short", short, VM),
                ]:
                    assert_same_result(run(engine.execute_block, block, {}, vm), wanted[name])


@pytest.mark.stress
@pytest.mark.parametrize("workers", [2, 4])
def test_streams_that_are_read_and_left(workers: int) -> None:
    block = hot_after_calm(3000, 100)
    expected = run(reference.execute_block, block, {}, VM.python).result
    assert expected is not None
    with Executor(Config(relay=True, gate=False), workers=workers) as engine:
        for count in (len(block), 1, 700, len(block)):
            with engine.stream(block, {}, VM) as stream:
                for _, outcome, wanted in zip(
                    range(count), stream, expected.outcomes, strict=False
                ):
                    assert outcome == wanted
            result = engine.execute_block(block, {}, VM)
            assert_same_result(Ran(result, None), Ran(expected, None))


def test_what_is_not_committed_is_counted_as_aborted() -> None:
    block = hot_after_calm(2000, 600)
    with Executor(Config(relay=True, gate=False), workers=3) as engine:
        for _ in range(10):
            stats = engine.execute_block(block, {}, VM).stats
            assert stats.incarnations - sum(stats.aborts.values()) == len(block)


def test_a_block_that_cannot_go_on() -> None:
    block = [*hot_after_calm(900, 50), [("add", 5, 1)], [("invalid", "no")], [("get", 5)]] * 3
    with Executor(Config(relay=True, gate=False), workers=3) as engine:
        for _ in range(5):
            with pytest.raises(InvalidBlock) as caught:
                engine.execute_block(block, {}, VM)
            assert caught.value.index == 951
    block[900] = [("add", 5, 2**63 - 1)]
    with pytest.raises(BlockError):
        blockstm.execute_block(block, {}, VM, config=RELAY)
