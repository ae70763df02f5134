"""What is executed in one piece: by one process, from its first block to its last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from blockstm.ethereum import Chain as Spec
from blockstm.replay.records import BlockRecord

__all__ = ["Settings", "Task"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all tasks of a replay, and is sent to each process once.

    Attributes:
        spec: whose rules hold.
        workers: threads of a block; they change no result.
    """

    spec: Spec
    workers: int = 1


class Task(Protocol):
    """Some blocks that stand one behind another in the range.

    It is sent to other processes, so it is pickled.
    """

    @property
    def places(self) -> range:
        """Of its blocks, in the range."""

    def run(self, settings: Settings) -> Iterator[BlockRecord]:
        """The record of each block, in order. What is wrong with one is in its record."""

    def split(self) -> Sequence[Task]:
        """A task for each of its blocks."""

    def shipped(self) -> Task:
        """The same for another machine, with what it needs.

        Raises:
            OSError: that cannot be read.
        """

    def given_up(self, reason: str) -> BlockRecord:
        """The record of its only block, whose process died each time."""
