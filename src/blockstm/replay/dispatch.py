"""Which task is next, and what becomes of those whose process died.

A plain machine of tasks and records; who runs them, and where, is not known here. A task whose
process died is tried again. Once that has happened so often that it may be its own doing, its
blocks are tried one by one, and the one that still kills its process is given up, with a record
that says so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain

from blockstm.replay.records import BlockRecord
from blockstm.replay.task import Task

__all__ = ["Dispatch"]


class Dispatch:
    """Tasks on their way to records. For one thread.

    Args:
        tasks: in order; asked one at a time.
        tries: how often a task is tried.
    """

    def __init__(self, tasks: Iterator[Task], tries: int) -> None:
        self._coming = tasks
        self._again: deque[Task] = deque()
        self._tries = tries
        self._deaths: dict[range, int] = {}

    def next(self) -> Task | None:
        """A task to run; None where there is none at the moment."""
        return next(chain(self._pop(), self._coming), None)

    def _pop(self) -> Iterator[Task]:
        while self._again:
            yield self._again.popleft()

    def died(self, task: Task, how: str) -> Sequence[BlockRecord]:
        """Note that the process of a task died; the record of the block that is given up, if one
        is."""
        places = task.places
        deaths = self._deaths[places] = self._deaths.get(places, 0) + 1
        if deaths < self._tries:
            self._again.append(task)
        elif len(places) > 1:
            self._again.extend(task.split())
        else:
            times = f"{deaths} times" if deaths > 1 else "once"
            return [task.given_up(f"its process died {times} while it ran: {how}")]
        return ()
