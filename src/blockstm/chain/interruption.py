"""Steps that Ctrl-C must not end in the middle."""

from __future__ import annotations

import _thread
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from blockstm.errors import ClosedError, ForkedError

__all__ = ["Uninterrupted"]

T = TypeVar("T")


class Uninterrupted:
    """Runs a step to its end; a `KeyboardInterrupt` that came meanwhile is raised afterwards.

    Python raises it in the main thread, between any two of its instructions. So there the step is
    another thread's, and the main one waits for it. What the two share are locks and queues of C,
    which it finds either done or not: a `Future`, a pool and a `threading.Thread` that is being
    started take several instructions, and where they are left in the middle somebody waits forever.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._tasks: SimpleQueue[_Task[Any] | None] = SimpleQueue()
        self._has_thread = self._is_closed = False

    def run(self, step: Callable[[], T]) -> T:
        """What the step returns or raises.

        Raises:
            ForkedError: the thread is another process's.
            ClosedError: there is no thread any more.
        """
        if os.getpid() != self._pid:
            raise ForkedError("the chain was opened in another process: open it in this one")
        if threading.get_ident() != threading.main_thread().ident:
            return step()
        if self._is_closed:
            raise ClosedError("the chain is closed")
        task = _Task(step)
        interrupt: KeyboardInterrupt | None = None
        while not task.is_done:
            try:
                self._ask(task)
                task.wait()
            except KeyboardInterrupt as error:
                interrupt = error  # and again, as nobody knows how far this came
        try:
            if interrupt is not None:
                raise interrupt
            return task.result()
        finally:
            del interrupt  # it has this frame: both would wait for the garbage collector

    def _ask(self, task: _Task[Any]) -> None:
        if not self._has_thread:  # Ctrl-C may make it two, which is no harm
            _thread.start_new_thread(_serve, (self._tasks,))
            self._has_thread = True
        self._tasks.put(task)

    def close(self) -> None:
        """Release the thread."""
        self._is_closed = True
        self._tasks.put(None)


def _serve(tasks: SimpleQueue[_Task[Any] | None]) -> None:
    while (task := tasks.get()) is not None:
        task.run()
        del task  # with what it holds, while there is no other
    tasks.put(None)  # for another thread


class _Task(Generic[T]):
    """A step that is run once, however often it is asked for and by which thread."""

    def __init__(self, step: Callable[[], T]) -> None:
        self._step = step
        self._running = threading.Lock()
        self._ended = threading.Lock()
        self._ended.acquire()
        self._results: list[T] = []
        self._failure: BaseException | None = None
        self.is_done = False

    def run(self) -> None:
        """Run it, in a thread that Ctrl-C does not come to."""
        with self._running:
            if self.is_done:
                return
            try:
                self._results.append(self._step())
            except BaseException as failure:
                self._failure = failure
            self.is_done = True
            self._ended.release()

    def wait(self) -> None:
        """Wait until it has ended."""
        with self._ended:
            pass

    def result(self) -> T:
        """What it returned or raised, which it keeps no more. Pre: it is done."""
        failure, self._failure = self._failure, None
        if failure is None:
            return self._results.pop()
        try:
            raise failure
        finally:
            del failure  # it has this frame: both would wait for the garbage collector
