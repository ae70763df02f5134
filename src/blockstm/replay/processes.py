"""Tasks in processes of this machine, one in each at a time.

A process that dies takes nothing with it but its task; another one takes its place.

Threads: all of it is for one thread of the parent.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from blockstm.child_process import ChildProcess
from blockstm.errors import BlockstmError, ConfigError
from blockstm.messages import said_by
from blockstm.replay.task import Settings, Task
from blockstm.replay.workplace import Died, Done, checked

__all__ = ["Processes"]


class Processes:
    """So many processes, which start when they are needed; see `Workplace`.

    Raises:
        ConfigError: the rules cannot be sent to other processes.
    """

    def __init__(self, settings: Settings, count: int) -> None:
        self._settings = _pickled(settings)
        self._count = count
        self._idle: list[ChildProcess] = []
        self._busy: dict[Connection, tuple[ChildProcess, Task]] = {}

    @property
    def is_free(self) -> bool:
        """See `Workplace`."""
        return len(self._busy) < self._count

    def submit(self, task: Task) -> None:
        """See `Workplace`."""
        process = self._idle.pop() if self._idle else ChildProcess(_serve, self._settings)
        self._busy[process.pipe] = process, task
        # A process that is gone already is noticed when its pipe is read.
        with contextlib.suppress(OSError):
            process.pipe.send(task)

    def wait(self) -> Sequence[Done | Died]:
        """See `Workplace`."""
        over: list[Done | Died] = []
        for pipe in wait(list(self._busy)) if self._busy else ():
            assert isinstance(pipe, Connection)
            process, task = self._busy.pop(pipe)
            try:
                given = pipe.recv()
            except (EOFError, OSError):
                over.append(Died(task, f"it {process.kill()}"))
                continue
            self._idle.append(process)
            if isinstance(given, BaseException):
                try:
                    raise given
                finally:
                    del given  # it has this frame: both would wait for the garbage collector
            over.append(checked(task, given))
        return over

    def close(self) -> None:
        """See `Workplace`."""
        for process, _ in self._busy.values():
            process.kill()
        for process in self._idle:
            process.end()
        self._idle, self._busy = [], {}


def _pickled(settings: Settings) -> bytes:
    try:
        return pickle.dumps(settings)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"the chain's rules cannot be sent to other processes ({said_by(error)}): have its "
            "functions at the top of a module, or replay with processes=0"
        ) from error


def _serve(pipe: Connection, settings: bytes) -> None:
    """The life of a process: take a task, run it, give its records."""
    rules: Settings = pickle.loads(settings)
    while True:
        task: Task = pipe.recv()
        try:
            given: Any = list(task.run(rules))
        except BlockstmError as error:  # of all blocks alike: the chain's folder, for example
            given = error
        pipe.send(given)
