"""Stack headroom for oracles in Python, whose calls nest as deep as the EVM's: 1,024 times."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

Done = TypeVar("Done")

STACK_BYTES = 1 << 29
NESTING = 60_000  # Python calls: a call of the EVM takes some twelve


def with_headroom(run: Callable[[], Done]) -> Done:
    """Run it in a thread of its own with a large stack; return its result or raise its error."""
    done: list[Done] = []
    failed: list[BaseException] = []

    def inside() -> None:
        try:
            done.append(run())
        except BaseException as error:  # handed to the one who waits
            failed.append(error)

    before = sys.getrecursionlimit(), threading.stack_size(STACK_BYTES)
    sys.setrecursionlimit(max(before[0], NESTING))
    try:
        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(before[0])
        threading.stack_size(before[1])
    if failed:
        raise failed[0]
    return done[0]
