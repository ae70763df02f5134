"""The two ways to run a workload that are compared: the engine, and a plain sequential loop.

Both run the same transactions on the same start. For a kernel the plain loop calls the very
same compiled code on a private hash map; for a Python program it is written over a dict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from blockstm._native.engine.results.results import NativeOutcomes
from blockstm._native.lab.plain_loop import PlainLoop
from blockstm.bench.benchmark import Candidate
from blockstm.bench.engine.programs import PLAIN_LOOPS, PROGRAMS, spin
from blockstm.bench.engine.workloads import Workload
from blockstm.executor import Executor
from blockstm.extras import need
from blockstm.state.memory import MemoryState
from blockstm.types import BlockResult, Status

__all__ = ["Vm", "candidates"]

Vm = Literal["kernel", "python"]


def engine_input(workload: Workload, vm: Vm, turns: int) -> tuple[Any, Any, Any]:
    """The transactions, the state and the VM to call ``execute_block`` with.

    Args:
        workload: what to run.
        vm: "kernel" (Numba, without the GIL) or "python".
        turns: turns of the work loop of each transaction.
    """
    block: Any = [(*transaction, turns) for transaction in workload.transactions]
    if vm == "python":
        return block, workload.state, PROGRAMS[workload.program]
    need("numba", "a workload of kernels (--vm python does without)")
    import numpy  # an optional extra, as Numba

    from blockstm.bench.engine.kernels import KERNELS, TRANSACTION

    return numpy.array(block, TRANSACTION), MemoryState(workload.state), KERNELS[workload.program]


def candidates(
    workload: Workload, vm: Vm, turns: int, executor: Executor
) -> tuple[Candidate, Candidate]:
    """The engine and its baseline; the number of workers is the executor's.

    Arguments are those of `engine_input`. The engine's iterations return its `BlockResult`.
    """
    block, state, program = engine_input(workload, vm, turns)
    wanted = expected(workload)

    def run(fresh: Any) -> BlockResult:
        return complete(executor.execute_block(block, fresh, program), len(block))

    # The loops start from a copy made just before, as they change it. So does the engine, which
    # does not: to have been copied puts a state into the caches.
    engine = Candidate(run, state.copy, lambda result: check_result(result, wanted))
    if vm == "python":
        return engine, _dict_loop(workload, block, wanted)
    return engine, _native_loop(workload, block, state, program, wanted)


def _dict_loop(workload: Workload, block: Sequence[Any], wanted: Mapping[int, int]) -> Candidate:
    """A Python loop over a dict."""
    plain = PLAIN_LOOPS[workload.program]

    def run(state: dict[int, int]) -> dict[int, int]:
        if plain(state, block) != len(block):
            raise AssertionError("a transaction of the plain loop failed")
        return state

    return Candidate(
        run, lambda: dict(workload.state), lambda state: same(changes(workload, state), wanted)
    )


def _native_loop(
    workload: Workload, block: Any, state: Any, program: Any, wanted: Mapping[int, int]
) -> Candidate:
    """The same compiled kernel, one transaction after another, on a private hash map."""

    def run(loop: PlainLoop) -> PlainLoop:
        if loop.run(program.__blockstm_bind__(block)) != len(block):
            raise AssertionError("a transaction of the plain loop failed")
        return loop

    return Candidate(
        run, lambda: PlainLoop(state), lambda loop: same(changes(workload, loop.state()), wanted)
    )


def work_loop(vm: Vm) -> Callable[[int], object]:
    """The loop that a transaction's work consists of, by turns."""
    if vm == "python":
        return spin
    from blockstm.bench.engine import kernels  # needs an optional extra

    compiled: Callable[[int], object] = kernels.spin
    return compiled


def complete(result: BlockResult, count: int) -> BlockResult:
    """``result``, unless a transaction is missing or failed: cheap, for the timed part."""
    if len(result.outcomes) != count or result.stats.transactions != count:
        raise AssertionError(f"{len(result.outcomes)} of {count} transactions became final")
    if isinstance(result.outcomes, NativeOutcomes):  # the others are checked after the iteration
        succeeded = result.outcomes.count_of(Status.SUCCESS)
        if succeeded != count:
            raise AssertionError(f"{succeeded} of {count} transactions succeeded")
    return result


def check_result(result: BlockResult, wanted: Mapping[int, int]) -> None:
    """Raise AssertionError unless every transaction succeeded and the block changed ``wanted``."""
    failed = [each.index for each in result.outcomes if each.status is not Status.SUCCESS]
    if failed:
        raise AssertionError(f"{len(failed)} transactions failed, {failed[0]} first")
    same(result.writes, wanted)


def expected(workload: Workload) -> dict[int, int]:
    """The expected writes of the block: key → value, by a plain loop over a dict."""
    state = dict(workload.state)
    block = [(*transaction, 0) for transaction in workload.transactions]
    if PLAIN_LOOPS[workload.program](state, block) != len(block):
        raise AssertionError(f"{workload.name} has transactions that fail")
    return changes(workload, state)


def changes(workload: Workload, state: Mapping[int, int]) -> dict[int, int]:
    """The difference of a state from the one that the workload starts from."""
    return {key: value for key, value in state.items() if workload.state.get(key) != value}


def same(writes: Mapping[int, int], wanted: Mapping[int, int]) -> None:
    """Raise AssertionError unless the block changed what it must."""
    if writes != wanted:
        wrong = [key for key in {*writes, *wanted} if writes.get(key) != wanted.get(key)]
        raise AssertionError(f"{len(wrong)} keys differ from the plain loop, {wrong[0]} first")
