"""The two ways to run a workload that are raced: the engine, and a plain sequential loop.

Both run the same transactions on the same start. For a kernel the plain loop calls the very
same compiled code on a private hash map; for a Python program it is written over a dict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from blockstm.executor import Executor
from blockstm.insight.programs import PLAIN_LOOPS, PROGRAMS, spin
from blockstm.insight.race import Contender
from blockstm.insight.workloads import Workload
from blockstm.types import BlockResult, Status

__all__ = ["Vm", "contenders"]

Vm = Literal["kernel", "python"]


def contenders(
    load: Workload, vm: Vm, turns: int, executor: Executor
) -> tuple[Contender, Contender]:
    """The engine and its baseline, on a workload with ``turns`` turns of work a transaction.

    Args:
        load: what to run.
        vm: "kernel" (Numba, without the GIL) or "python".
        turns: turns of the work loop, from `calibrated_turns`.
        executor: runs the engine's laps; the number of workers is its own.

    Returns:
        the contenders; the engine's laps return its `BlockResult`.
    """
    return _MAKERS[vm](load, turns, executor)


def _python(load: Workload, turns: int, executor: Executor) -> tuple[Contender, Contender]:
    block = [(*transaction, turns) for transaction in load.transactions]
    program, plain = PROGRAMS[load.program], PLAIN_LOOPS[load.program]
    wanted = expected(load)

    def engine(_: object) -> BlockResult:
        return complete(executor.execute_block(block, load.state, program), len(block))

    def loop(state: dict[int, int]) -> dict[int, int]:
        if plain(state, block) != len(block):
            raise AssertionError("a transaction of the plain loop failed")
        return state

    return (
        Contender(engine, check=lambda result: check_block(result, wanted)),
        Contender(loop, lambda: dict(load.state), lambda end: same(changes(load, end), wanted)),
    )


def complete(result: BlockResult, count: int) -> BlockResult:
    """``result``, unless it lacks a transaction: cheap enough to stand in the timed part."""
    if len(result.outcomes) != count or result.stats.transactions != count:
        raise AssertionError(f"{len(result.outcomes)} of {count} transactions became final")
    return result


def check_block(result: BlockResult, wanted: Mapping[int, int]) -> None:
    """Raise AssertionError unless every transaction succeeded and the block changed ``wanted``."""
    failed = [each.index for each in result.outcomes if each.status is not Status.SUCCESS]
    if failed:
        raise AssertionError(f"{len(failed)} transactions failed, {failed[0]} first")
    same(result.writes, wanted)


def expected(load: Workload) -> dict[int, int]:
    """What the block must change: key → value, by a plain loop over a dict."""
    state = dict(load.state)
    block = [(*transaction, 0) for transaction in load.transactions]
    if PLAIN_LOOPS[load.program](state, block) != len(block):
        raise AssertionError(f"{load.name} has transactions that fail")
    return changes(load, state)


def changes(load: Workload, state: Mapping[int, int]) -> dict[int, int]:
    """Where a state differs from the one the workload starts from."""
    return {key: value for key, value in state.items() if load.state.get(key) != value}


def same(writes: Mapping[int, int], wanted: Mapping[int, int]) -> None:
    """Raise AssertionError unless the block changed what it must."""
    if writes != wanted:
        wrong = [key for key in {*writes, *wanted} if writes.get(key) != wanted.get(key)]
        raise AssertionError(f"{len(wrong)} keys differ from the plain loop, {wrong[0]} first")
