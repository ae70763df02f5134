"""Locks in Python that a fork waits for."""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager

__all__ = ["lock_for_forks"]


def lock_for_forks(*, is_logged_under: bool = True) -> AbstractContextManager[object]:
    """A reentrant lock that lives as long as the process.

    A fork waits until no thread has it, so what it guards is whole in the child: modules are
    imported, other people's compilers have ended, and locks of theirs are free as well.

    Hooks run from the last registered to the first. That of ``logging`` takes a lock which a
    compiler needs to end, so it is registered before ours, whenever the compiler is imported.

    Args:
        is_logged_under: whether what is guarded may write logs; to load logging takes 6 ms.
    """
    if is_logged_under:
        import logging  # a fork must have waited here before it takes that lock

        assert logging, "imported for its hook"
    lock = threading.RLock()
    os.register_at_fork(
        before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
    )
    return lock
