"""How many cores this process may use."""

from __future__ import annotations

import os
import time

__all__ = ["usable_cores"]

_CGROUP = "/sys/fs/cgroup"
_KEPT_S = 1.0
_UNLIMITED = 1 << 20
_WORDS_MAX = 256  # bytes of a quota's file: two numbers

_known: tuple[float, int] = (float("-inf"), _UNLIMITED)
"""When the quota was read, and what it was: always one pair, whichever thread wrote it last."""


def usable_cores() -> int:
    """Cores that affinity and cgroup leave to this process, 1 or more.

    A cgroup quota of 1.5 cores counts as 2: a worker that waits for its share is parked by the
    kernel, not by us. A quota that changes is noticed within a second. Any thread.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(affinity or 1, _quota_now()))


def _quota_now() -> int:
    """The CPU quota, read within the last second: blocks may take less than a reading."""
    global _known
    now = time.monotonic()
    read_at, quota = _known
    if now - read_at > _KEPT_S:
        quota = _quota(_CGROUP)
        _known = (now, quota)
    return quota


def _quota(root: str | os.PathLike[str]) -> int:
    """The CPU quota of the cgroup in whole cores, rounded up; a large number without one."""
    try:
        try:
            limit, period = _words(os.path.join(root, "cpu.max"))
        except FileNotFoundError:
            (limit,) = _words(os.path.join(root, "cpu/cpu.cfs_quota_us"))
            (period,) = _words(os.path.join(root, "cpu/cpu.cfs_period_us"))
        if limit in (b"max", b"-1"):
            return _UNLIMITED
        return max(1, -(-int(limit) // int(period)))
    except (OSError, ValueError, ZeroDivisionError):
        return _UNLIMITED


def _words(path: str) -> list[bytes]:
    """What a small file holds. Not by a file object: where memory runs out, that may raise another
    error than `MemoryError`."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, _WORDS_MAX).split()
    finally:
        os.close(file)
