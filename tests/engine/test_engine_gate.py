"""The gate and the rests: who works on a block depends on the block, and no result on that."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy
import pytest
from engine_cases import undisturbed

from blockstm import Config, Executor, kernel, reference
from blockstm.state.memory import MemoryState
from blockstm.testing import NativeScripts, assert_same_result
from blockstm.types import BlockResult

VM = NativeScripts()
WORK = ("work", 20_000)  # some 20 µs, on any machine far above what the gate asks for

Block = Sequence[Sequence[tuple[Any, ...]]]


def run(block: Block, *, workers: int = 4, **options: Any) -> BlockResult:
    """The block on so many workers, twice on one executor: equal, and equal to the reference."""
    expected = reference.execute_block(block, {}, VM.python)
    with Executor(Config(workers=workers, **options)) as engine:
        for _ in range(2):
            result = engine.execute_block(block, {}, VM)
            assert_same_result(result, expected)
    return result


def chain(length: int, *work: tuple[Any, ...]) -> list[list[tuple[Any, ...]]]:
    """Each looks first at what the one before sets at its end."""
    return [[("bump", 1, 1), *work, ("put", 2, index)] for index in range(length)]


def bump(draw: random.Random, keys: int) -> list[tuple[Any, ...]]:
    """Looks at one of some keys, and sets it."""
    return [("bump", draw.randrange(keys), 1)]


def is_left_to_one(block: Block) -> bool:
    """Whether one of two workers ran it, each time that no other process took their cores."""
    expected = reference.execute_block(block, {}, VM.python)
    with Executor(Config(workers=2)) as engine:
        engine.execute_block(block, {}, VM)
        results = undisturbed(lambda: engine.execute_block(block, {}, VM), 5)
    for result in results:
        assert_same_result(result, expected)
    return all(result.stats.workers == 1 for result in results)


def test_a_short_block_is_left_to_one_worker() -> None:
    assert is_left_to_one([[("add", index, 1)] for index in range(40)])


def test_a_block_of_very_short_transactions_is_left_to_one_worker() -> None:
    assert is_left_to_one([[]] * 3_000)


def test_sharing_that_does_not_pay_ends() -> None:
    """What begins as worth sharing and then is a chain of short ones loses no more than a bit."""
    block = [[WORK, ("add", index, 1)] for index in range(40)]
    run(block + chain(5_000))


def test_a_long_block_is_shared() -> None:
    assert run([[WORK, ("add", index, 1)] for index in range(300)]).stats.workers == 4


def test_a_block_that_becomes_long_is_shared_from_there_on() -> None:
    block = [[]] * 500 + [[WORK, ("add", index, 1)] for index in range(300)]
    assert run(block).stats.workers == 4


def test_without_the_gate_all_work_on_a_short_block() -> None:
    block = [[("add", index, 1)] for index in range(40)]
    assert run(block, gate=False).stats.workers == 4


@pytest.mark.parametrize("gate", [True, False])
def test_a_chain_is_left_to_one_worker_but_for_probes(gate: bool) -> None:
    block = chain(2_000, WORK)
    runs = [run(block, gate=gate).stats.incarnations for _ in range(5)]
    # What runs ahead until the chain is found out is at most a window, and little after that.
    assert statistics.median(runs) < len(block) + 512 + 300


@pytest.mark.parametrize("gate", [True, False])
@pytest.mark.parametrize("throttle", [True, False])
def test_chains_between_other_transactions(gate: bool, throttle: bool) -> None:
    """Into rests and out of them, with what ran ahead forgotten in between."""
    for seed in range(4):
        draw = random.Random(seed)
        block: list[list[tuple[Any, ...]]] = []
        while len(block) < 1_500:
            if draw.random() < 0.5:
                block += chain(draw.randrange(20, 400), ("work", 1_000))
            else:
                block += [
                    [
                        ("work", 1_000),
                        ("bump", draw.randrange(50), 1),
                        ("add", draw.randrange(9), 1),
                    ]
                    for _ in range(draw.randrange(20, 400))
                ]
        run(block, gate=gate, throttle=throttle)


def test_a_run_that_would_never_end_releases_the_batch_before_it() -> None:
    """One of a batch loops on two values that never stood side by side. Only the frontier can
    stop it, which must get past those that the same worker ran just before."""

    @kernel
    def pair(view: Any, tx: Any) -> None:
        if tx.sets:
            value = view.get(0, 0) + 1
            view.put(0, value)
            view.put(1, value)
        else:
            first = view.get(0, 0)
            while first != view.get(1, 0):
                pass

    block = numpy.array([(n % 2,) for n in range(3_000)], [("sets", "i8")])
    expected = reference.execute_block(block, {}, pair.python)
    with Executor(Config(workers=4, gate=False)) as engine:
        for _ in range(20):
            assert_same_result(engine.execute_block(block, MemoryState(), pair), expected)


def test_who_expects_what_is_about_to_be_written_need_not_wait_for_it() -> None:
    block = [[("put", 1, 0)], *([("expect", 1, n), ("put", 1, n + 1), WORK] for n in range(600))]
    stats = run(block).stats
    assert stats.workers == 4
    assert stats.incarnations <= len(block) + 4  # a run is in vain where the frontier overtakes it


def test_a_wrong_expectation_counts_as_wrong() -> None:
    block = [[("put", 1, n // 2)] if n % 2 else [("expect", 1, n // 3), WORK] for n in range(400)]
    assert run(block).stats.workers == 4


def runs_in_vain(block: Block, count: int) -> list[int]:
    """Of so many runs on two workers, those in which the process had two cores to itself.

    Where others take them, who waits for whom is up to the system: then there is nothing to see.
    """
    expected = reference.execute_block(block, {}, VM.python)
    seen = []
    with Executor(Config(workers=2)) as engine:
        for _ in range(5 * count):
            cpu, wall = time.process_time(), time.perf_counter()
            result = engine.execute_block(block, {}, VM)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            assert_same_result(result, expected)
            if cpu > 1.8 * wall:
                seen.append(result.stats.incarnations - len(block))
            if len(seen) == count:
                return seen
    pytest.skip("other processes take the cores")


def test_late_reads_of_a_hot_value_wait_instead_of_running_again() -> None:
    """Without waiting it is 0.27 a transaction at best: what runs again does so beside the next."""
    block = [[("work", 200_000), ("bump", 1, 1), ("work", 40_000)] for _ in range(60)]
    assert min(runs_in_vain(block, 50)) < 0.15 * len(block)


def test_what_comes_first_runs_first() -> None:
    """After short ones come long ones, of which one worker has claimed the first few. Each reads
    at its end what the one before writes: running ahead of the claimed ones is in vain."""
    short = [[("work", 5_000)]] * 160
    block = short + [[("work", 300_000), ("bump", 1, 1), ("work", 3_000)]] * 60
    means = (statistics.mean(runs_in_vain(block, 40)) for _ in range(5))
    assert any(mean < 1.6 for mean in means)  # some are disturbed all the same


def test_results_are_whole_however_late_a_helper_comes_to_copy_them() -> None:
    block = [[("work", 20), ("put", index, index), ("add", -1, 1)] for index in range(600)]
    expected = reference.execute_block(block, {}, VM.python)
    with Executor(Config(workers=4, gate=False)) as engine:
        for _ in range(400):
            result = engine.execute_block(block, {}, VM)
            assert len(result.outcomes) == len(block)
            assert result.outcomes.outputs() == expected_outputs(expected)
            assert result.writes == expected.writes


def expected_outputs(result: BlockResult) -> list[bytes]:
    return [outcome.value.to_bytes(8, "little") for outcome in result.outcomes]


KINDS = (
    lambda draw: bump(draw, 6),
    lambda draw: [("expect", draw.randrange(6), draw.randrange(3)), ("put", draw.randrange(6), 1)],
    lambda draw: [("at_least", draw.randrange(6), 9), ("add", draw.randrange(6), -1)],
    lambda draw: [("at_least", 6, 5), ("add", 6, draw.choice((2, 2, -3)))],
    lambda draw: [("add", draw.randrange(6), 1)],
    lambda draw: [("copy", draw.randrange(6), draw.randrange(6))],
    lambda draw: [("revert", "")],
)


def test_batches_that_are_interrupted() -> None:
    """Short transactions, some of which wait, fail or end the block."""
    for seed in range(6):
        draw = random.Random(seed)
        block = [draw.choice(KINDS)(draw) for _ in range(2_000)]
        run(block, gate=False)
