"""What a block's transactions took and touched when they ran in order, on one worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from blockstm.config import Config
from blockstm.errors import InputError
from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.execution import prepare_file
from blockstm.ethereum.execution.on_evm import BlockOnEvm
from blockstm.ethereum.files.block_files import BlockFile
from blockstm.ethereum.results.accesses import fold_accesses
from blockstm.ethereum.results.block_accesses import BlockAccesses, accesses_of
from blockstm.executor import Executor
from blockstm.state.accounts import balance_of
from blockstm.types import Stats
from blockstm.vm.evm import Evm

__all__ = ["Recording", "Steps", "record", "record_file", "run_for_accesses"]

_SPANS_PER_STEP = 16
_NOTHING = b""
"""What a step accessed that did nothing."""


@dataclass(frozen=True)
class Steps:
    """What the engine is given of a block: its steps, of which a range are transactions.

    Attributes:
        name: what the block is called.
        steps, state, evm: as `blockstm.execute_block` takes them.
        transactions: the places of the transactions among the steps.
    """

    name: str
    steps: Sequence[Any]
    state: Any
    evm: Evm
    transactions: range

    @classmethod
    def of_file(cls, file: BlockFile) -> Steps:
        """Those of a block file."""
        prepared = prepare_file(file)
        assert isinstance(prepared, BlockOnEvm)  # `prepare_file` was asked for no other VM
        name = f"block {file.block.header.number}"
        return cls(name, prepared.steps, prepared.state, prepared.vm, prepared.transaction_steps)


@dataclass(frozen=True)
class Recording:
    """One block, as it ran in order.

    Attributes:
        name: of the block.
        run_ns: what each transaction took on one worker, in ns, in the quickest repetition.
        commit_ns: what making each final took there, in ns.
        gas: what each used.
        accesses: what each looked at and changed, and whose writes it read.
        gas_limits: what each may use.
    """

    name: str
    run_ns: tuple[int, ...]
    commit_ns: tuple[int, ...]
    gas: tuple[int, ...]
    accesses: BlockAccesses
    gas_limits: tuple[int, ...] = ()

    @property
    def access_list(self) -> BlockAccessList:
        """The block's access list (EIP-7928), of whatever fork."""
        return self.accesses.access_list

    @property
    def dependencies(self) -> Sequence[tuple[int, ...]]:
        """For each transaction the earlier ones whose writes it read."""
        return self.accesses.dependencies

    def __len__(self) -> int:
        return len(self.run_ns)


def record_file(file: BlockFile, *, repeats: int = 5) -> Recording:
    """Record a block file's block; see `record`."""
    return record(Steps.of_file(file), repeats=repeats)


def record(steps: Steps, *, repeats: int = 5) -> Recording:
    """Run a block in order, once for its accesses and some times for its times.

    Args:
        repeats: how often it is timed, 1 or more, after one run that is not counted.

    Raises:
        InputError: ``repeats`` is less than 1.
        BlockError: the block ends early.
    """
    if repeats < 1:
        raise InputError(f"a block is timed once or more, not {repeats} times")
    with timing_executor(steps, 1) as engine:
        return recorded(steps, [run(engine, steps) for _ in range(repeats + 1)][1:])


def timing_executor(steps: Steps, workers: int) -> Executor:
    """An executor that keeps when each step was run and made final."""
    return Executor(Config(workers=workers, timeline=_SPANS_PER_STEP * len(steps.steps) + 64))


def run(engine: Executor, steps: Steps) -> Stats:
    """How a block ran."""
    return engine.execute_block(steps.steps, steps.state, steps.evm).stats


def recorded(steps: Steps, runs: Sequence[Stats]) -> Recording:
    """The recording of a block that was run on one worker with a timeline, once or more.

    Of several runs the quickest counts, whole: the least times of each transaction, from different
    runs, would add up to less than any run takes.
    """
    outcomes, accesses = run_for_accesses(steps)
    quickest = min(runs, key=lambda stats: stats.seconds)
    return Recording(
        name=steps.name,
        run_ns=tuple(_spent(steps, quickest, "execute")),
        commit_ns=tuple(_spent(steps, quickest, "commit")),
        gas=tuple(outcome.gas_used for outcome in outcomes),
        accesses=accesses,
        gas_limits=tuple(steps.steps[place].transaction.gas for place in steps.transactions),
    )


def run_for_accesses(steps: Steps) -> tuple[Sequence[Any], BlockAccesses]:
    """Run a block in order once: the outcomes of its transactions, and what they touched.

    Raises:
        BlockError: the block ends early.
    """
    with Executor(Config(workers=1)) as engine:
        told = engine.execute_block(steps.steps, steps.state, steps.evm.telling_accesses())
    outcomes = [told.outcomes[place] for place in steps.transactions]
    reports = [outcome.value.accesses for outcome in outcomes]
    senders = [steps.steps[place].sender for place in steps.transactions]
    start = [] if steps.transactions.start else [_NOTHING]  # a list counts it, there or not
    access_list = fold_accesses(
        start + [outcome.value.accesses for outcome in told.outcomes],
        lambda address: steps.state.get(balance_of(address), 0),
        lambda location: steps.state.get(location) is not None,
    )
    return outcomes, accesses_of(reports, senders, access_list)


def _spent(steps: Steps, stats: Stats, activity: str) -> list[int]:
    """What each transaction took of one kind of work, in ns."""
    spent = [0] * len(steps.transactions)
    for span in stats.timeline:
        if span.activity != activity or span.index is None or span.index not in steps.transactions:
            continue
        spent[steps.transactions.index(span.index)] += span.end_ns - span.begin_ns
    return spent
