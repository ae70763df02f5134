"""The gate and the rests: who works on a block depends on the block, and no result on that."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy
import pytest
from tests.patience import PATIENCE, at_best

from blockstm import Config, Executor, kernel, reference
from blockstm.state.memory import MemoryState
from blockstm.testing import NativeScripts, assert_same_result
from blockstm.types import BlockResult

VM = NativeScripts()
WORK = ("work", 20_000)  # some 20 µs, on any machine far above what the gate asks for

BATCH_MAX = 64  # transactions that a worker claims at once

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


def assert_left_to_one(block: Block) -> None:
    """One of two workers runs it, several times in a row: others may let a short run look long."""
    expected = reference.execute_block(block, {}, VM.python)

    def workers_of(engine: Executor) -> int:
        result = engine.execute_block(block, {}, VM)
        assert_same_result(result, expected)
        return result.stats.workers

    with Executor(Config(workers=2)) as engine:
        engine.execute_block(block, {}, VM)
        at_best(lambda: [workers_of(engine) for _ in range(5)], lambda seen: seen == [1] * 5)


@pytest.mark.alone
def test_a_short_block_is_left_to_one_worker() -> None:
    assert_left_to_one([[("add", index, 1)] for index in range(40)])


@pytest.mark.alone
def test_a_block_of_very_short_transactions_is_left_to_one_worker() -> None:
    assert_left_to_one([[]] * 3_000)


def test_sharing_that_does_not_pay_ends() -> None:
    """What begins as worth sharing and then is a chain of short ones loses no more than a bit."""
    block = [[WORK, ("add", index, 1)] for index in range(40)]
    run(block + chain(5_000))


def test_a_long_block_is_shared() -> None:
    assert run([[WORK, ("add", index, 1)] for index in range(300)]).stats.workers == 4


def test_a_block_like_those_before_is_shared_from_the_first_transaction_on() -> None:
    """The first of two tells too late that the second is worth sharing, unless one knew before."""
    block = [[("work", 3_000_000), ("bump", index, 1)] for index in range(2)]
    expected = reference.execute_block(block, {}, VM.python)
    with Executor(Config(workers=2)) as engine:
        for workers in (1, 2, 2):
            result = engine.execute_block(block, {}, VM)
            assert_same_result(result, expected)
            assert result.stats.workers == workers


def test_what_blocks_of_one_vm_took_says_nothing_of_another_vm() -> None:
    block = [[("work", 3_000_000), ("bump", index, 1)] for index in range(2)]
    with Executor(Config(workers=2)) as engine:
        for _ in range(3):
            engine.execute_block(block, {}, VM)
        other = engine.execute_block([[("bump", index, 1)] for index in range(2)], {}, VM.python)
        assert other.stats.workers == 1


def test_a_block_that_becomes_long_is_shared_from_there_on() -> None:
    block = [[]] * 500 + [[WORK, ("add", index, 1)] for index in range(300)]
    assert run(block).stats.workers == 4


def test_without_the_gate_all_work_on_a_short_block() -> None:
    block = [[("add", index, 1)] for index in range(40)]
    assert run(block, gate=False).stats.workers == 4


@pytest.mark.alone
@pytest.mark.parametrize("gate", [True, False])
def test_a_chain_is_left_to_one_worker_but_for_probes(gate: bool) -> None:
    """What runs ahead until the chain is found out is at most a window, and little after that; an
    engine that does not find out runs a transaction more than twice, on any machine."""
    block = chain(2_000, WORK)
    at_best(
        lambda: run(block, gate=gate).stats.incarnations,
        lambda incarnations: incarnations < len(block) + 512 + 300,
    )


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


@pytest.mark.alone
def test_who_expects_what_is_about_to_be_written_need_not_wait_for_it() -> None:
    """A run is in vain where the frontier overtakes it, as where its worker loses its core."""
    block = [[("put", 1, 0)], *([("expect", 1, n), ("put", 1, n + 1), WORK] for n in range(600))]
    stats = at_best(lambda: run(block).stats, lambda stats: stats.incarnations <= len(block) + 4)
    assert stats.workers == 4


def test_a_wrong_expectation_counts_as_wrong() -> None:
    block = [[("put", 1, n // 2)] if n % 2 else [("expect", 1, n // 3), WORK] for n in range(400)]
    assert run(block).stats.workers == 4


def runs_in_vain(engine: Executor, block: Block, expected: BlockResult) -> int:
    """How many of a run's incarnations were too many."""
    result = engine.execute_block(block, {}, VM)
    assert_same_result(result, expected)
    return result.stats.incarnations - len(block)


@pytest.mark.alone
def test_late_reads_of_a_hot_value_wait_instead_of_running_again() -> None:
    """Without waiting it is 0.27 a transaction at best: what runs again does so beside the next."""
    block = [[("work", 200_000), ("bump", 1, 1), ("work", 40_000)] for _ in range(60)]
    expected = reference.execute_block(block, {}, VM.python)
    with Executor(Config(workers=2)) as engine:
        at_best(
            lambda: runs_in_vain(engine, block, expected), lambda count: count < 0.15 * len(block)
        )


@pytest.mark.parametrize("long", [50, 100, 150])
def test_what_a_busy_worker_has_claimed_is_run_by_another_before_what_comes_later(
    long: int,
) -> None:
    """A transaction does not end before all others have begun, some of which its worker claimed
    with it. The other worker comes to those soon, not when there is nothing else to claim."""
    count = 500
    begun: dict[int, None] = {}
    long_began, all_began = threading.Event(), threading.Event()

    def vm(view: Any, index: int) -> None:
        begun.setdefault(index)
        if len(begun) == count:
            all_began.set()
        if index == 0:  # so that the other worker runs ahead, and learns that it may claim many
            assert long_began.wait(PATIENCE)
        elif index == long:
            long_began.set()
            assert all_began.wait(PATIENCE)
        elif index > long:
            time.sleep(0.001)  # after two of them it is seen that the frontier stands still

    with Executor(Config(workers=2, gate=False, throttle=False)) as engine:
        engine.execute_block(range(count), {}, vm)
    claimed = range(long + 1, long + BATCH_MAX)
    later = range(long + 4 * BATCH_MAX, count)
    assert max(begun_at(begun, claimed)) < max(begun_at(begun, later))


def begun_at(begun: Mapping[int, None], indices: Sequence[int]) -> list[int]:
    """The place of each of some transactions in the order in which they were begun."""
    place = {index: place for place, index in enumerate(begun)}
    return [place[index] for index in indices]


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
