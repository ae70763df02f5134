"""Steps that Ctrl-C must not end in the middle."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from blockstm.errors import ForkedError

__all__ = ["Uninterrupted"]

T = TypeVar("T")


class Uninterrupted:
    """Runs a step to its end; a `KeyboardInterrupt` that came meanwhile is raised afterwards.

    Python raises it in the main thread, between any two of its instructions. So there the step is
    another thread's, and the main one waits for it.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="blockstm-chain")

    def run(self, step: Callable[[], T]) -> T:
        """What the step returns or raises.

        Raises:
            ForkedError: the thread is another process's.
        """
        if os.getpid() != self._pid:
            raise ForkedError("the chain was opened in another process: open it in this one")
        if threading.current_thread() is not threading.main_thread():
            return step()
        running = self._pool.submit(step)
        interrupt: BaseException | None = None
        while True:
            try:
                result = running.result()
                break
            except KeyboardInterrupt as error:
                if running.done():
                    raise
                interrupt = error
        if interrupt is not None:
            raise interrupt
        return result

    def close(self) -> None:
        """Release the thread."""
        self._pool.shutdown(wait=os.getpid() == self._pid)
