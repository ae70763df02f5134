"""Streams: a block that runs in the background, and its outcomes as they become final."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Self

from blockstm.errors import ReentrantError
from blockstm.types import BlockResult, Outcome

__all__ = ["Stream"]

_WAIT_NS = 20_000_000


class Stream(Iterator[Outcome]):
    """The outcomes of a running block, in block order, each as soon as it is final.

    To be used by one thread at a time. Closing it early, or dropping it, stops the block.
    """

    def __init__(self, executor: Any, request: Any) -> None:
        self._executor = executor
        self._engine = executor._engine
        self._run = _BackgroundRun(executor, request)
        self._taken = 0
        self._open = True

    @property
    def result(self) -> BlockResult | None:
        """The result of the block once the stream is exhausted; None before, and after an error."""
        return None if self._open else self._run.result

    def __next__(self) -> Outcome:
        if not self._open:
            raise StopIteration
        try:
            if not self._wait():
                return self._end()
            outcome: Outcome = self._engine.outcome(self._taken)
        except BaseException:
            self.close()
            raise
        self._taken += 1
        return outcome

    def _wait(self) -> bool:
        """Whether there is another outcome; waits until that is known."""
        while self._engine.wait_final(self._taken, _WAIT_NS) <= self._taken:
            if self._run.finished.wait(0.001 if self._engine.stopping else 0):
                return bool(self._engine.wait_final(self._taken, 0) > self._taken)
        return True

    def _end(self) -> Outcome:
        self.close()
        if self._run.error is not None:
            raise self._run.error
        raise StopIteration

    def close(self) -> None:
        """Stop the block, if it is still running, and free the executor; may be called twice.

        Raises:
            ReentrantError: called by what the stream runs, which would wait for itself.
        """
        if self._open:
            if self._run.is_mine():
                raise ReentrantError("a stream cannot be closed by what it runs")
            self._run.stop()
            self._open = False  # not before: a close that was interrupted can be repeated
            self._executor._leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_open", False):
            return
        if not self._run.is_mine():
            self.close()
            return
        # The collector runs in a thread that works for the block: somebody else has to wait for it.
        self._engine.stop()
        arguments = (self._executor, self._run)
        threading.Thread(target=_close_dropped, args=arguments, daemon=True).start()


def _close_dropped(executor: Any, run: _BackgroundRun) -> None:
    """Free the executor of a stream that nobody holds any more."""
    run.stop()
    executor._leave()


class _BackgroundRun:
    """A block that runs in a thread of its own; knows nothing of the stream that reads it."""

    def __init__(self, executor: Any, request: Any) -> None:
        self.result: BlockResult | None = None
        self.error: BaseException | None = None
        self.finished = threading.Event()
        self._engine = executor._engine
        self._engine.prepare()
        self._thread = threading.Thread(
            target=self._drive, args=(executor, request), name="blockstm-stream", daemon=True
        )
        self._helpers = executor._threads
        self._thread.start()

    def is_mine(self) -> bool:
        """Whether the calling thread works for this block."""
        return threading.current_thread() in (self._thread, *self._helpers)

    def _drive(self, executor: Any, request: Any) -> None:
        executor._inside.add(threading.get_ident())
        try:
            self.result = executor._run(request, streaming=True)
        except BaseException as error:
            self.error = error
        finally:
            self.finished.set()

    def stop(self) -> None:
        """Send the workers home, and wait for them."""
        while not self.finished.is_set():
            self._engine.stop()
            self.finished.wait(0.01)
        self._thread.join()
