"""`ChildProcess`: a process of this machine that serves its parent through a pipe."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final

__all__ = ["ChildProcess"]

_PATIENCE_S: Final = 5.0  # for a process to end after it was told to
_DYING_S: Final = 0.5  # for one whose pipe is broken, until it can say how it ended


class ChildProcess:
    """A fresh interpreter that runs ``serve(pipe, *arguments)`` until its pipe is closed.

    Threads: for one thread of the parent.

    Attributes:
        pipe: to ``serve``'s.
    """

    def __init__(self, serve: Callable[..., None], *arguments: Any) -> None:
        """Start it; ``serve`` and ``arguments`` are pickled."""
        start = multiprocessing.get_context("spawn")
        self.pipe, theirs = start.Pipe()
        self._process = start.Process(target=_live, args=(serve, theirs, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def end(self) -> None:
        """Let it end by itself; kill it where it does not."""
        self.pipe.close()
        self._process.join(_PATIENCE_S)
        self.kill()

    def kill(self) -> str:
        """End it; how it had ended already, in words that follow "a process that"."""
        self._process.join(_DYING_S)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            self._process.join()
        self.pipe.close()
        return _ending(code)


def _ending(code: int | None) -> str:
    if code is None:
        return "stopped answering"
    if code < 0:
        return f"died of {signal.Signals(-code).name}"
    return f"ended with status {code}"


def _live(serve: Callable[..., None], pipe: Connection, arguments: tuple[Any, ...]) -> None:
    """The life of a process; it ends when the parent has closed the pipe or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and ends this
    with contextlib.suppress(EOFError, ConnectionError):
        serve(pipe, *arguments)
