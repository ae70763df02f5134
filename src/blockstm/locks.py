"""Locks in Python that a fork waits for."""

from __future__ import annotations

import logging  # a fork must have waited here before it takes the lock of logging: see below
import os
import threading
from contextlib import AbstractContextManager

__all__ = ["lock_for_forks"]


def lock_for_forks() -> AbstractContextManager[object]:
    """A reentrant lock that lives as long as the process.

    A fork waits until no thread has it, so what it guards is whole in the child: modules are
    imported, other people's compilers have ended, and locks of theirs are free as well.

    Hooks run from the last registered to the first. That of ``logging`` takes a lock which a
    compiler needs to end, so it is registered before ours, whenever the compiler is imported.
    """
    assert logging, "imported for its hook"
    lock = threading.RLock()
    os.register_at_fork(
        before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
    )
    return lock
