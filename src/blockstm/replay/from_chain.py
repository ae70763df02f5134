"""Tasks of a chain: from checkpoints in its folder, or by witnesses that it makes.

A *checkpoint* is a state that the chain has: every one of its window, or all with ``archive``. A
task starts from one and executes the blocks up to the next at which roots are compared.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from blockstm.chain import Chain
from blockstm.errors import ClusterError
from blockstm.ethereum import Block, ExecutedBlock, Witness, WitnessState
from blockstm.ethereum import Chain as Spec
from blockstm.executor import execute_block
from blockstm.replay.comparing import beginning, compared
from blockstm.replay.records import BlockRecord, Verdict
from blockstm.replay.segments import ancestors_of, replay_segment
from blockstm.replay.task import Settings, Task

__all__ = ["SegmentTask", "WitnessTask", "opened", "release", "spans", "witness_task"]

_OPEN: Final[dict[Path, Chain]] = {}
_OPENING: Final = threading.Lock()


def opened(folder: Path, spec: Spec | None = None) -> Chain:
    """The chain of a folder, which this process opens once and keeps.

    Args:
        folder: of the chain.
        spec: the chain's rules, where they have code of its own.

    Raises:
        ClusterError: the folder is not on this machine.
        ChainError: it cannot be opened.
    """
    with _OPENING:
        if folder not in _OPEN:
            if not folder.is_dir():
                raise ClusterError(
                    f"{folder} is not on this machine. All machines of a cluster have to see it, "
                    "or have each block come with its witness (--witnesses)"
                )
            _OPEN[folder] = Chain.open(folder, read_only=True, spec=spec)
        return _OPEN[folder]


def release(folder: Path) -> None:
    """Close what `opened` keeps of a folder."""
    with _OPENING:
        chain = _OPEN.pop(folder, None)
        if chain is not None:
            chain.close()


@dataclass(frozen=True, slots=True)
class SegmentTask:
    """Blocks of a chain in a folder, from the state before the first on.

    Attributes:
        folder: of the chain.
        first, last: numbers of its blocks.
        place: of the first in the range.
        ends: whether the record of the last has its state root, which is compared in any case.
        spec: as `opened` takes it.
    """

    folder: Path
    first: int
    last: int
    place: int
    ends: bool = True
    spec: Spec | None = None

    @property
    def places(self) -> range:
        """See `Task`."""
        return range(self.place, self.place + self.last - self.first + 1)

    def run(self, settings: Settings) -> Iterator[BlockRecord]:
        """See `Task`."""
        chain = opened(self.folder, self.spec)
        return replay_segment(
            chain, self.first, self.last, self.place, settings, tells_root=self.ends
        )

    def split(self) -> Sequence[Task]:
        """See `Task`."""
        return [
            replace(
                self,
                first=number,
                last=number,
                place=place,
                ends=self.ends and number == self.last,
            )
            for number, place in zip(range(self.first, self.last + 1), self.places, strict=True)
        ]

    def shipped(self) -> SegmentTask:
        """See `Task`: the folder has to be where the task runs."""
        return self

    def given_up(self, reason: str) -> BlockRecord:
        """See `Task`."""
        return _killed(self.place, self.first, reason)


@dataclass(frozen=True, slots=True)
class WitnessTask:
    """A block with the witness that its chain made.

    Attributes:
        place: in the range.
        encoding: of the block.
        witness: of it.
        ommers_from: encodings of the blocks that its ommers may come from.
        total_difficulty: of its parent.
    """

    place: int
    number: int
    encoding: bytes
    witness: Witness
    ommers_from: tuple[bytes, ...]
    total_difficulty: int

    @property
    def places(self) -> range:
        """See `Task`."""
        return range(self.place, self.place + 1)

    def run(self, settings: Settings) -> Iterator[BlockRecord]:
        """See `Task`."""
        block = Block.decode(self.encoding, rules=settings.spec.rules)
        record = beginning(self.place, block, nodes=len(self.witness.nodes))
        yield compared(record, block, lambda: self._executed(block, settings), lambda: None)[0]

    def _executed(self, block: Block, settings: Settings) -> ExecutedBlock:
        rules = settings.spec.rules
        parent, hashes = self.witness.ancestry(block)
        ancestors = [Block.decode(each, rules=rules) for each in self.ommers_from]
        return execute_block(
            block,
            WitnessState(self.witness),
            "evm",
            chain=settings.spec,
            parent=parent,
            ancestors=ancestors or None,
            block_hashes=hashes,
            total_difficulty=self.total_difficulty,
            workers=settings.workers,
        )

    def split(self) -> Sequence[Task]:
        """See `Task`."""
        return (self,)

    def shipped(self) -> WitnessTask:
        """See `Task`."""
        return self

    def given_up(self, reason: str) -> BlockRecord:
        """See `Task`."""
        return _killed(self.place, self.number, reason)


def _killed(place: int, number: int, reason: str) -> BlockRecord:
    return BlockRecord(place=place, number=number, verdict=Verdict.KILLED, reason=reason)


def witness_task(chain: Chain, number: int, place: int) -> WitnessTask:
    """The task of a block by its witness, which is made here.

    Raises:
        UnknownBlock, PrunedState, StateError, StoreError: see `Chain.witness`.
    """
    block = chain.block(number)
    return WitnessTask(
        place,
        number,
        block.encode(),
        chain.witness(number),
        tuple(each.encode() for each in ancestors_of(chain, block) or ()),
        chain.total_difficulty(number - 1),
    )


def spans(first: int, last: int, every: int) -> Iterator[tuple[int, int]]:
    """The blocks from ``first`` to ``last`` in pieces that end where roots are compared.

    These are the numbers that ``every`` divides, so that they do not depend on where the range
    begins; and the last.

    >>> list(spans(3, 9, 4))
    [(3, 4), (5, 8), (9, 9)]
    """
    while first <= last:
        end = min(-(-first // every) * every, last)
        yield first, end
        first = end + 1
