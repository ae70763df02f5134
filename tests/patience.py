"""How long tests wait, and figures that other processes can spoil but never mend.

How long something took is such a figure, how often work was done in vain, who got a core in time.

It is taken again until it is good. What is slow by itself never gets there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 120.0  # s; never waited for in full unless the test fails
TIMES_MIN = 5

Figure = TypeVar("Figure")


def at_best(measure: Callable[[], Figure], good: Callable[[Figure], bool]) -> Figure:
    """The first good figure of those taken within `PATIENCE`; else a failure, after `TIMES_MIN`."""
    seen: list[Figure] = []
    until = time.monotonic() + PATIENCE
    while len(seen) < TIMES_MIN or time.monotonic() < until:
        seen.append(measure())
        if good(seen[-1]):
            return seen[-1]
    raise AssertionError(f"none of {len(seen)} is good: {seen[:100]}")


def comes_true(condition: Callable[[], bool]) -> bool:
    """Whether a condition holds within `PATIENCE`."""
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.001)
    return True
