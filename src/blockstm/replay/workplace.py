"""Where tasks run: this process, processes of this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from blockstm.errors import InternalError
from blockstm.replay.records import BlockRecord
from blockstm.replay.task import Settings, Task

__all__ = ["Died", "Done", "Here", "Workplace"]


@dataclass(frozen=True, slots=True)
class Done:
    """A task came to its end."""

    task: Task
    records: Sequence[BlockRecord]


@dataclass(frozen=True, slots=True)
class Died:
    """The process that ran a task is gone; ``how``, in words."""

    task: Task
    how: str


class Workplace(Protocol):
    """Runs tasks, several at a time. For one thread."""

    @property
    def is_free(self) -> bool:
        """Whether it takes another task now."""

    def submit(self, task: Task) -> None:
        """Begin a task; only where it `is_free`."""

    def wait(self) -> Sequence[Done | Died]:
        """Wait until some tasks are over, and give them; none where none is running.

        Raises:
            BlockstmError: something is wrong with all tasks alike, such as a cluster's machines.
        """

    def close(self) -> None:
        """End what is running, and what was started for it."""


class Here:
    """This process, a task at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._task: Task | None = None

    @property
    def is_free(self) -> bool:
        """See `Workplace`."""
        return self._task is None

    def submit(self, task: Task) -> None:
        """See `Workplace`."""
        self._task = task

    def wait(self) -> Sequence[Done | Died]:
        """See `Workplace`."""
        task, self._task = self._task, None
        return () if task is None else [checked(task, list(task.run(self._settings)))]

    def close(self) -> None:
        """See `Workplace`."""


def checked(task: Task, records: Sequence[BlockRecord]) -> Done:
    """A task and its records, one for each of its blocks.

    Raises:
        InternalError: there are others.
    """
    if [each.place for each in records] != list(task.places):
        raise InternalError(f"blocks {task.places} were given {len(records)} records")
    return Done(task, records)
