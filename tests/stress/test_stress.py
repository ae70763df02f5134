"""Real threads for long enough to meet each other: many small blocks with few keys.

Run plainly they look for wrong results, under ThreadSanitizer and AddressSanitizer for races and
stray memory. Each test goes on for ``BLOCKSTM_STRESS_SECONDS`` (default 2); a failure prints the
seed and the round that ``BLOCKSTM_STRESS_SEED`` replays as far as threads can be replayed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.patience import PATIENCE
from tests.switching import switching_often

from blockstm import Config, Executor, reference
from blockstm.errors import BlockError, ClosedError
from blockstm.state.memory import MemoryState
from blockstm.testing import NativeScripts, Ran, assert_same_result, identical, run, scripted_vm
from blockstm.types import Outcome

pytestmark = pytest.mark.stress

SECONDS = float(os.environ.get("BLOCKSTM_STRESS_SECONDS", "2"))
SEED = int(os.environ.get("BLOCKSTM_STRESS_SEED", random.SystemRandom().getrandbits(32)))

workers = pytest.mark.parametrize("workers", [2, 4, 8])
relays = pytest.mark.parametrize("relay", [False, True])

Draw = random.Random


@pytest.fixture(autouse=True)
def _switch_often() -> Iterator[None]:
    """Let the interpreter change threads as often as it can."""
    with switching_often(1e-5):
        yield


def rounds(what: Callable[[Draw], None], seconds: float = SECONDS) -> None:
    """Call ``what`` with fresh random numbers until the time is over, at least three times."""
    end = time.monotonic() + seconds
    number = 0
    while number < 3 or time.monotonic() < end:
        try:
            what(Draw(f"{SEED} {number}"))
        except AssertionError as error:
            raise AssertionError(f"BLOCKSTM_STRESS_SEED={SEED}, round {number}: {error}") from error
        number += 1


OPERATIONS: dict[str, Callable[[Draw, Callable[[], Any]], tuple[Any, ...]]] = {
    "get": lambda draw, key: (key(),),
    "put": lambda draw, key: (key(), draw.randint(-3, 3)),
    "delete": lambda draw, key: (key(),),
    "add": lambda draw, key: (key(), draw.randint(-3, 3)),
    "expect": lambda draw, key: (key(), draw.randint(-3, 3)),
    "at_least": lambda draw, key: (key(), draw.randint(-3, 3)),
    "try_add": lambda draw, key: (key(), draw.randint(-3, 3), -2, draw.choice((None, 2))),
    "bump": lambda draw, key: (key(), draw.randint(-3, 3)),
    "copy": lambda draw, key: (key(), key()),
    "follow": lambda draw, key: (key(), draw.randint(-3, 3)),
    "branch": lambda draw, key: (key(), [("bump", key(), 1)], [("delete", key())]),
    "charge": lambda draw, key: (draw.randint(0, 9),),
    "work": lambda draw, key: (draw.randint(0, 300),),
    "revert": lambda draw, key: ("no",),
}
RARE = {"revert": 0.05}


def draw_block(draw: Draw, *, length: int = 60, without: tuple[str, ...] = ()) -> list[Any]:
    """A block over a few keys; how few, and how hot the first is, is drawn too."""
    keys = range(draw.choice((1, 2, 3, 8, 40)))
    hot = draw.choice((0.0, 0.5))

    def key() -> int:
        return 0 if draw.random() < hot else draw.choice(keys)

    names = [name for name in OPERATIONS if name not in without]
    weights = [RARE.get(name, 1.0) for name in names]

    def transaction() -> list[Any]:
        drawn = draw.choices(names, weights, k=draw.randint(0, 5))
        return [(name, *OPERATIONS[name](draw, key)) for name in drawn]

    return [transaction() for _ in range(draw.randint(0, length))]


def draw_config(draw: Draw) -> Config:
    return Config(
        gate=False,
        window=draw.choice((1, 3, 512)),
        max_incarnations=draw.choice((1, 8)),
        estimates=draw.random() < 0.5,
        revalidation=draw.random() < 0.5,
        throttle=draw.random() < 0.5,
        relay=draw.choice((None, True)),
        timeline=draw.choice((0, 5, 4096)),
    )


@relays
@workers
def test_native_transactions_on_hot_keys(workers: int, relay: bool) -> None:
    vm = NativeScripts()
    with Executor(Config(gate=False, relay=relay), workers=workers) as engine:

        def one(draw: Draw) -> None:
            block, state = draw_block(draw), {0: 5, 1: -1}
            expected = reference.execute_block(block, state, vm.python)
            for _ in range(4):
                assert_same_result(engine.execute_block(block, state, vm), expected)

        rounds(one)


@workers
def test_native_transactions_that_do_not_stop_when_told(workers: int) -> None:
    vm = NativeScripts(stubborn=True)
    with Executor(Config(gate=False), workers=workers) as engine:

        def one(draw: Draw) -> None:
            block = draw_block(draw)
            expected = reference.execute_block(block, {}, vm.python)
            for _ in range(4):
                assert_same_result(engine.execute_block(block, {}, vm), expected)

        rounds(one, SECONDS / 2)


@relays
@workers
def test_long_keys_and_values(workers: int, relay: bool) -> None:
    """What does not fit into the store's own slots is kept elsewhere, and released in time."""
    vm = NativeScripts("bytes", "bytes")
    keys = [b"", b"k", *(b"k" * size for size in (31, 32, 33, 700))]
    sizes = (0, 1, 8, 31, 32, 33, 64, 3000)

    def transaction(draw: Draw) -> list[Any]:
        value = bytes([draw.randrange(256)]) * draw.choice(sizes)
        target = draw.choice(keys)
        return [
            draw.choice([("get", target), ("delete", target), ("work", 100)]),
            draw.choice([("put", target, value), ("copy", draw.choice(keys), target)]),
        ]

    with Executor(Config(gate=False, relay=relay), workers=workers) as engine:

        def one(draw: Draw) -> None:
            block = [transaction(draw) for _ in range(draw.randint(1, 60))]
            state = {key: key * 2 for key in draw.sample(keys, 3)}
            expected = reference.execute_block(block, state, vm.python)
            for _ in range(4):
                assert_same_result(engine.execute_block(block, state, vm), expected)

        rounds(one, SECONDS / 2)


@workers
def test_nothing_but_empty_words(workers: int) -> None:
    """No word of the block has a byte; the engine still gets a pointer for each."""
    vm = NativeScripts("bytes", "bytes")
    block = [[("get", b""), ("put", b"", b"")]] * 40
    expected = reference.execute_block(block, {}, vm.python)
    with Executor(Config(gate=False), workers=workers) as engine:
        assert_same_result(engine.execute_block(block, {}, vm), expected)


@workers
def test_a_native_state(workers: int) -> None:
    vm = NativeScripts()
    items = {key: key - 3 for key in range(6)}
    state = MemoryState(items)
    with Executor(Config(gate=False), workers=workers) as engine:

        def one(draw: Draw) -> None:
            block = draw_block(draw)
            expected = reference.execute_block(block, items, vm.python)
            for _ in range(4):
                assert_same_result(engine.execute_block(block, state, vm), expected)

        rounds(one, SECONDS / 2)


@workers
def test_python_transactions_on_hot_keys(workers: int) -> None:
    with Executor(Config(gate=False), workers=workers) as engine:

        def one(draw: Draw) -> None:
            block = draw_block(draw, length=30, without=("work",))
            expected = reference.execute_block(block, {0: 5}, scripted_vm)
            for _ in range(3):
                assert_same_result(engine.execute_block(block, {0: 5}, scripted_vm), expected)

        rounds(one, SECONDS / 2)


@relays
@workers
def test_blocks_longer_than_any_window(workers: int, relay: bool) -> None:
    vm = NativeScripts()
    with Executor(Config(gate=False, relay=relay), workers=workers) as engine:

        def one(draw: Draw) -> None:
            block = draw_block(draw, length=3000, without=("revert",))
            expected = reference.execute_block(block, {}, vm.python)
            for _ in range(3):
                assert_same_result(engine.execute_block(block, {}, vm), expected)

        rounds(one, SECONDS / 2)


def test_any_option() -> None:
    vm = NativeScripts()

    def one(draw: Draw) -> None:
        with Executor(draw_config(draw), workers=draw.choice((2, 3, 8))) as engine:
            for _ in range(3):
                block = draw_block(draw)
                expected = reference.execute_block(block, {}, vm.python)
                for _ in range(3):
                    assert_same_result(engine.execute_block(block, {}, vm), expected)

    rounds(one)


class Fails:
    """A state that cannot read one key."""

    def __init__(self, bad: int) -> None:
        self.bad = bad

    def get(self, key: int) -> int | None:
        if key == self.bad:
            raise OSError(f"no {key}")
        return key if key < 2 else None


@relays
@workers
def test_blocks_that_end_early(workers: int, relay: bool) -> None:
    """Transactions that raise, invalid ones, unreadable keys, limits: the prefix is exact."""
    vm = NativeScripts()
    with Executor(Config(gate=False, relay=relay), workers=workers) as engine:

        def one(draw: Draw) -> None:
            block = draw_block(draw)
            for end in ("raise", "invalid"):
                if draw.random() < 0.5:
                    place = draw.randint(0, len(block))
                    block.insert(place, [("get", 0), ("bump", 1, 1), (end, "here")])
            options = {
                "on_invalid": draw.choice(("raise", "skip")),
                "limit": draw.choice((None, 30, 100, lambda outcome: outcome.index > 20)),
            }
            state = Fails(draw.choice((0, 7, 99)))
            expected = run(reference.execute_block, block, state, vm.python, **options)
            for _ in range(4):
                actual = run(engine.execute_block, block, state, vm, **options)
                assert_same_result(actual, expected)

        rounds(one)


def test_many_threads_share_executors() -> None:
    vm = NativeScripts()
    shared = Config(gate=False)
    with (
        Executor(shared, workers=2) as one,
        Executor(shared, workers=4) as other,
        ThreadPoolExecutor(4) as pool,
    ):

        def work(seed: float) -> None:
            draw = Draw(seed)
            block = draw_block(draw)
            expected = reference.execute_block(block, {}, vm.python)
            for engine in (one, other, one):
                assert_same_result(engine.execute_block(block, {}, vm), expected)

        def several(draw: Draw) -> None:
            for future in [pool.submit(work, draw.random()) for _ in range(8)]:
                future.result(PATIENCE)

        rounds(several)


def shown(outcomes: Iterable[Outcome]) -> list[Any]:
    return [(one.index, one.status, one.value, one.error, one.gas_used) for one in outcomes]


def test_streams_consumed_and_abandoned() -> None:
    vm = NativeScripts()
    with Executor(Config(gate=False), workers=4) as engine:

        def one(draw: Draw) -> None:
            block = draw_block(draw, length=100)
            expected = reference.execute_block(block, {}, vm.python)
            with engine.stream(block, {}, vm) as stream:
                taken = min(len(block), draw.choice((0, 1, len(block) // 2, len(block))))
                first = [next(stream) for _ in range(taken)]
            assert identical(shown(first), shown(expected.outcomes[:taken]))
            stream = engine.stream(block, {}, vm)
            assert identical(shown(stream), shown(expected.outcomes))
            assert_same_result(stream.result, expected)

        rounds(one)


def test_executors_made_used_and_closed_at_once() -> None:
    vm = NativeScripts()
    block = draw_block(Draw(SEED), length=200)
    expected = Ran(result=reference.execute_block(block, {}, vm.python))

    def one(draw: Draw) -> None:
        engine = Executor(Config(gate=False), workers=draw.choice((1, 2, 4)))
        with ThreadPoolExecutor(2) as pool:
            future = pool.submit(run, engine.execute_block, block, {}, vm)
            time.sleep(draw.choice((0.0, 0.0005, 0.002)))
            engine.close()
            with contextlib.suppress(ClosedError):
                assert_same_result(future.result(PATIENCE), expected)

    rounds(one)


def test_objects_of_python_transactions_are_released() -> None:
    """Values, keys, errors and outcomes made by many threads: each is freed exactly once."""

    made: list[None] = []  # appending needs no lock, also where there is no GIL
    freed: list[None] = []

    class Value:
        def __init__(self) -> None:
            made.append(None)

        def __del__(self) -> None:
            freed.append(None)

    def vm(view: Any, keys: list[str]) -> Value:
        for key in keys:
            view.get(("location", key))
            view.put(("location", key), Value())
        if len(keys) == 3:
            raise LookupError(Value())
        return Value()

    with Executor(Config(gate=False), workers=4) as engine:

        def one(draw: Draw) -> None:
            size = draw.randint(1, 2 + (draw.random() < 0.3))
            block = [draw.choices("abcd", k=size) for _ in range(draw.randint(1, 30))]
            with contextlib.suppress(BlockError):
                engine.execute_block(block, {}, vm)

        rounds(one)
        engine.execute_block([["a"]], {}, lambda view, keys: None)
    gc.collect()  # an error and the frames it came from refer to each other
    assert made
    assert len(freed) == len(made), f"BLOCKSTM_STRESS_SEED={SEED}"
