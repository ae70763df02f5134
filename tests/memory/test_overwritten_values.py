"""Overwritten values do not pile up to the block's end."""

from __future__ import annotations

import gc
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.memory.built import built

import blockstm
from blockstm import BlockError, Config, Executor, Invalid, Revert, reference
from blockstm.errors import ReentrantError, ViewError
from blockstm.testing import NativeScripts
from blockstm.types import View

ROOT = Path(__file__).parents[2]
COUNT = 400
ALONE = Config(workers=1)
OTHERS = (Config(workers=2), Config(workers=2, gate=False), Config(workers=3, gate=False, window=4))
FEW = 6  # the values of the run at hand, and of the one before


class Counted:
    """Counts how many of its kind there are at once."""

    alive = 0
    most = 0

    def __init__(self, number: int) -> None:
        self.number = number
        Counted.alive += 1
        Counted.most = max(Counted.most, Counted.alive)

    def __del__(self) -> None:
        Counted.alive -= 1


def most_at_once(run: Callable[[], Any]) -> tuple[int, Any]:
    gc.collect()
    before = Counted.most = Counted.alive
    result = run()
    return Counted.most - before, result


def executed(vm: Any, state: Any = None, config: Config = ALONE, **options: Any) -> Any:
    return blockstm.execute_block(range(COUNT), state or {}, vm, config=config, **options)


def overwrite(view: View, tx: int) -> None:
    view.put("key", Counted(tx))


@pytest.mark.parametrize("keys", [1, 5, 50])
def test_no_more_are_alive_than_are_final(keys: int) -> None:
    def vm(view: View, tx: int) -> int:
        before = view.get(tx % keys)
        view.put(tx % keys, Counted(tx))
        view.put(tx % keys, Counted(tx))  # what a run overwrites itself goes with the run
        return 0 if before is None else before.number

    most, result = most_at_once(lambda: executed(vm))
    assert most <= keys + FEW
    assert [o.value for o in result.outcomes] == [max(0, tx - keys) for tx in range(COUNT)]
    assert {key: value.number for key, value in result.writes.items()} == {
        key: max(tx for tx in range(COUNT) if tx % keys == key) for key in range(keys)
    }


@pytest.mark.parametrize("ending", ["revert", "delete", "invalid"])
def test_what_does_not_stay_goes(ending: str) -> None:
    def vm(view: View, tx: int) -> None:
        view.put("key", Counted(tx))
        if tx % 2 and ending == "delete":
            view.delete("key")
        elif tx % 2:
            raise Revert("no") if ending == "revert" else Invalid("no")

    most, result = most_at_once(lambda: executed(vm, on_invalid="skip"))
    assert most <= FEW
    if ending == "delete":
        assert result.writes == {}
    else:
        assert result.writes["key"].number == COUNT - 2


def test_sums_go_with_the_next_one() -> None:
    class Amount(int):
        def __new__(cls, number: int) -> Amount:
            made = int.__new__(cls, number)
            made.token = Counted(number)  # type: ignore[attr-defined]  # lives as long
            return made

        def __add__(self, other: int) -> Amount:
            return Amount(int(self) + int(other))

    def vm(view: View, tx: int) -> None:
        view.add("sum", Amount(tx))

    most, result = most_at_once(lambda: executed(vm, state={"sum": Amount(1)}))
    assert most <= 2 * FEW
    assert result.writes["sum"] == 1 + sum(range(COUNT))


def test_a_stream_keeps_what_is_final() -> None:
    def vm(view: View, tx: int) -> int:
        before = view.get("key")
        view.put("key", Counted(tx))
        return -1 if before is None else before.number

    def run() -> list[Any]:
        with Executor(ALONE) as engine, engine.stream(range(COUNT), {}, vm) as stream:
            return [outcome.value for outcome in stream]

    most, seen = most_at_once(run)
    assert most <= FEW
    assert seen == list(range(-1, COUNT - 1))


def test_a_limit_that_cuts_leaves_the_prefix() -> None:
    most, result = most_at_once(
        lambda: executed(overwrite, limit=lambda outcome: outcome.index == 300)
    )
    assert most <= FEW
    assert len(result.outcomes) == 300
    assert result.writes["key"].number == 299


def test_a_block_that_fails_has_its_prefix() -> None:
    def vm(view: View, tx: int) -> None:
        view.put("key", Counted(tx))
        view.put(tx % 3, Counted(tx))
        if tx == 300:
            raise ZeroDivisionError

    def run() -> Any:
        with pytest.raises(BlockError) as raised:
            executed(vm)
        return raised.value.prefix

    most, prefix = most_at_once(run)
    assert most <= 4 + FEW
    numbers = {key: value.number for key, value in prefix.writes.items()}
    assert numbers == {"key": 299, 0: 297, 1: 298, 2: 299}


def test_a_sum_that_fails_names_what_it_failed_on() -> None:
    def vm(view: View, tx: int) -> None:
        if tx < 300:
            view.put("key", f"text {tx}")
        else:
            view.add("key", 1)

    for config in (ALONE, *OTHERS):
        with pytest.raises(BlockError) as raised:
            executed(vm, config=config)
        assert isinstance(raised.value.__cause__, TypeError)
        assert raised.value.prefix.writes == {"key": "text 299"}


def test_what_the_state_and_the_outcomes_hold_stays() -> None:
    state = {"first": Counted(-1)}

    def vm(view: View, tx: int) -> object:
        first = view.get("first")
        if tx == COUNT - 1:
            view.put("first", state["first"])  # as it was: no write of the block
        else:
            view.put("first", Counted(tx))
        return first

    most, result = most_at_once(lambda: executed(vm, state=state))
    assert most >= COUNT - 1  # each is the value of an outcome
    assert result.writes == {}
    assert [o.value.number for o in result.outcomes] == list(range(-1, COUNT - 1))


def test_destructors_run_between_transactions_and_may_raise() -> None:
    class Loud(Counted):
        def __del__(self) -> None:
            super().__del__()
            if len(views) == COUNT:
                return
            with pytest.raises(ReentrantError):
                engine.execute_block([1], {}, overwrite)
            views[-1].put("key", 1)  # of a transaction that has ended: raises, which goes nowhere

    views: list[View] = []

    def vm(view: View, tx: int) -> None:
        views.append(view)
        view.put("key", Loud(tx))

    with pytest.MonkeyPatch.context() as patch, Executor(ALONE) as engine:
        unraisable: list[Any] = []
        patch.setattr(sys, "unraisablehook", lambda told: unraisable.append(told.exc_type))
        last = engine.execute_block(range(COUNT), {}, vm).writes["key"].number
        assert last == COUNT - 1
        assert set(unraisable) == {ViewError}


def test_a_view_that_is_a_value_makes_no_cycle_that_stays() -> None:
    def vm(view: View, tx: int) -> None:
        view.put("key", (view, Counted(tx)))

    gc.collect()
    before = Counted.alive
    executed(vm)
    gc.collect()
    assert Counted.alive == before


@pytest.mark.parametrize("window", [4, 256])
def test_a_block_that_is_shared_and_rests_gives_the_same(window: int) -> None:
    """What one worker has made final when the others come, and they when they leave, is there."""

    def vm(view: View, tx: int) -> int:
        before = view.get(tx % 7)
        view.put(tx % 7, Counted(tx))
        sum(range(3000 if tx % 100 < 50 else 0))
        return -1 if before is None else before.number

    wanted = [tx - 7 if tx >= 7 else -1 for tx in range(2000)]
    for gate in (True, False):
        config = Config(workers=2, gate=gate, window=window)  # whatever the gate decides
        result = blockstm.execute_block(range(2000), {}, vm, config=config)
        assert [o.value for o in result.outcomes] == wanted
        assert {k: v.number for k, v in result.writes.items()} == {
            tx % 7: tx for tx in range(1993, 2000)
        }


SIZES = [0, 8, 9, 32, 33, 40, 41, 48, 63, 64, 65, 100, 1000, 1 << 12, (1 << 12) + 1, 70_000]


def long_scripts(seed: int) -> list[list[tuple[Any, ...]]]:
    """Transactions that look at values of all sizes and overwrite and delete them."""
    chance = random.Random(seed)
    return [
        [
            chance.choice(
                [
                    ("get", key),
                    ("delete", key),
                    ("put", key, bytes([tx % 256]) * chance.choice(SIZES)),
                    ("put", key, bytes([tx % 256, key]) * chance.choice(SIZES)),
                ]
            )
            for key in chance.choices(range(4), k=chance.randrange(1, 5))
        ]
        for tx in range(300)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_long_values_are_right_whatever_was_there_before(seed: int) -> None:
    vm = NativeScripts(keys="int64", values="bytes")
    block = long_scripts(seed)
    state = {1: b"x" * 50, 2: b"y" * 8}
    wanted = reference.execute_block(block, state, vm.python)
    for config in (ALONE, *OTHERS):
        for machine in (vm, vm.python):
            got = blockstm.execute_block(block, state, machine, config=config)
            assert got.writes == wanted.writes
            assert [o.value for o in got.outcomes] == [o.value for o in wanted.outcomes]


def grown(script: str) -> int:
    """By how many MB a process of its own grows in a ``block`` of 800, after a short one."""
    measure = """
import resource, json
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
block(2)
before = peak()
block(800)
print(json.dumps(peak() - before))
"""
    environment = {**os.environ, "LIBRARY": str(built("long_values"))}
    ended = subprocess.run(
        [sys.executable, "-c", script + measure],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return int(json.loads(ended.stdout))


PYTHON_BLOCK = """
import blockstm
from blockstm import Config
def vm(view, tx):
    view.put("k", bytes([tx % 255 + 1]) * 1_000_000)
    VERDICT
def block(count):
    result = blockstm.execute_block(range(count), {}, vm, on_invalid="skip", config=CONFIG)
    assert len(result.writes["k"]) == 1_000_000
"""
NATIVE_BLOCK = """
import os, blockstm
from blockstm import Config
from pathlib import Path
from tests.memory.built import LongValues
vm = LongValues(Path(os.environ["LIBRARY"]), size=1 << 20, OPTIONS)
def block(count):
    result = blockstm.execute_block(range(count), {}, vm, config=CONFIG)
    assert len(result.outcomes) == count
"""


RECLAIMED = 64  # MB that two workers may write before it is freed what is not final


@pytest.mark.parametrize("verdict", ["return", "if tx > 1 and tx % 2: raise blockstm.Revert('no')"])
def test_a_megabyte_overwritten_800_times_by_a_python_vm(verdict: str) -> None:
    script = PYTHON_BLOCK.replace("VERDICT", verdict)
    assert grown(script.replace("CONFIG", repr(ALONE))) < 40
    for config in OTHERS:
        assert grown(script.replace("CONFIG", repr(config))) < 40 + 2 * RECLAIMED


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ("keys=1, outputs=0", 40),
        ("keys=20, outputs=0", 70),
        ("keys=1, outputs=10_000", 60),  # those stay, as part of the result
        ("keys=1, outputs=0, changes=True", 60),
    ],
)
def test_a_megabyte_overwritten_800_times_by_a_native_vm(options: str, most: int) -> None:
    script = NATIVE_BLOCK.replace("OPTIONS", options)
    assert grown(script.replace("CONFIG", repr(ALONE))) < most
    for config in OTHERS:
        assert grown(script.replace("CONFIG", repr(config))) < most + 2 * RECLAIMED


@pytest.mark.parametrize("workers", [2, 3])
def test_what_is_final_outlasts_what_is_freed(workers: int) -> None:
    """Values of all sizes; together many times what has workers free memory."""

    def vm(view: View, tx: int) -> int:
        chance = random.Random(tx)
        seen = sum(len(view.get(key, b"")) for key in chance.choices(range(40), k=2))
        for key in chance.choices(range(40), k=2):
            size = chance.choice([10, 2_000, 400_000])
            view.put(key, bytes([tx % 256]) * size)
        view.delete(chance.randrange(40))
        return seen

    state = {key: bytes([key]) * 5000 for key in range(0, 40, 3)}
    wanted = reference.execute_block(range(1500), state, vm)
    config = Config(workers=workers, gate=False)
    got = blockstm.execute_block(range(1500), state, vm, config=config)
    assert got.writes == wanted.writes
    assert [o.value for o in got.outcomes] == [o.value for o in wanted.outcomes]


@pytest.mark.stress
@pytest.mark.parametrize("seed", range(2))
def test_large_native_values_are_right_whenever_others_are_freed(seed: int) -> None:
    vm = NativeScripts(keys="int64", values="bytes")
    chance = random.Random(seed)
    block: list[list[tuple[Any, ...]]] = [
        [
            ("put", chance.randrange(30), bytes([tx % 256]) * chance.choice([40, 1024, 300_000])),
            ("get", 7) if tx % 20 == 0 else chance.choice([("delete", 5), ("delete", 7)]),
            ("put", 7, bytes([tx % 256]) * 2_000),
        ]
        for tx in range(900)
    ]
    wanted = reference.execute_block(block, {1: b"x" * 5000}, vm.python)
    for config in OTHERS:
        got = blockstm.execute_block(block, {1: b"x" * 5000}, vm, config=config)
        assert got.writes == wanted.writes
        assert [o.value for o in got.outcomes] == [o.value for o in wanted.outcomes]
