"""How many cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["usable_cores"]

_CGROUP = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """Cores that affinity and cgroup leave to this process, 1 or more.

    A cgroup quota of 1.5 cores counts as 2: a worker that waits for its share is parked by the
    kernel, not by us.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(affinity or 1, _quota(_CGROUP)))


def _quota(root: Path) -> int:
    """The CPU quota of the cgroup in whole cores, rounded up; a large number without one."""
    unlimited = 1 << 20
    try:
        if (root / "cpu.max").exists():
            limit, period = (root / "cpu.max").read_text().split()
        else:
            limit = (root / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (root / "cpu/cpu.cfs_period_us").read_text().strip()
        if limit in ("max", "-1"):
            return unlimited
        return max(1, -(-int(limit) // int(period)))
    except (OSError, ValueError):
        return unlimited
