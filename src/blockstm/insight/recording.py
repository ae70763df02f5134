"""What a block's transactions took and touched when they ran in order, on one worker."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from blockstm.config import Config
from blockstm.errors import InputError
from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.execution import prepare_file
from blockstm.ethereum.execution.on_evm import BlockOnEvm
from blockstm.ethereum.files.block_files import BlockFile
from blockstm.ethereum.results.block_accesses import BlockAccesses, accesses_of
from blockstm.executor import Executor
from blockstm.types import BlockResult, Stats
from blockstm.vm.evm import Evm

__all__ = ["Recording", "Steps", "record", "record_file"]


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
        run_ns: what each transaction took on one worker, in ns: the median of the repetitions.
        commit_ns: what making each final took, likewise.
        gas: what each used.
        accesses: what each looked at and changed, and whose writes it read.
        seconds: the engine's wall time of the whole block, likewise, in s.
    """

    name: str
    run_ns: tuple[int, ...]
    commit_ns: tuple[int, ...]
    gas: tuple[int, ...]
    accesses: BlockAccesses
    seconds: float

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
    with Executor(Config(workers=1)) as engine:
        accesses, result = _accesses(engine, steps)
        seconds = [_run(engine, steps).seconds for _ in range(repeats + 1)][1:]
    with Executor(Config(workers=1, timeline=_spans(steps))) as engine:
        runs = [_times(engine, steps) for _ in range(repeats + 1)][1:]
    places = steps.transactions
    return Recording(
        name=steps.name,
        run_ns=_medians([each.run_ns for each in runs]),
        commit_ns=_medians([each.commit_ns for each in runs]),
        gas=tuple(result.outcomes[place].gas_used for place in places),
        accesses=accesses,
        seconds=statistics.median(seconds),
    )


@dataclass(frozen=True)
class _Times:
    run_ns: Sequence[int]
    commit_ns: Sequence[int]


def _run(engine: Executor, steps: Steps) -> Stats:
    return engine.execute_block(steps.steps, steps.state, steps.evm).stats


def _spans(steps: Steps) -> int:
    """Enough for each step's run and commit."""
    return 2 * len(steps.steps) + 16


def _accesses(engine: Executor, steps: Steps) -> tuple[BlockAccesses, BlockResult]:
    """By an EVM that reports them, which is slower: its times do not count."""
    result = engine.execute_block(steps.steps, steps.state, steps.evm.telling_accesses())
    places = steps.transactions
    reports = [result.outcomes[place].value.accesses for place in places]
    senders = [steps.steps[place].sender for place in places]
    return accesses_of(reports, senders, BlockAccessList(())), result


def _times(engine: Executor, steps: Steps) -> _Times:
    stats = _run(engine, steps)
    places = steps.transactions
    spent = {"execute": [0] * len(places), "commit": [0] * len(places)}
    for span in stats.timeline:
        if span.activity in spent and span.index is not None and span.index in places:
            spent[span.activity][places.index(span.index)] += span.end_ns - span.begin_ns
    return _Times(spent["execute"], spent["commit"])


def _medians(rows: Sequence[Sequence[int]]) -> tuple[int, ...]:
    return tuple(int(statistics.median(column)) for column in zip(*rows, strict=True))
