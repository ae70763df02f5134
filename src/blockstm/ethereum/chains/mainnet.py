"""When mainnet changed: which fork each of its blocks is under, by number and time."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

__all__ = ["BYZANTIUM_BLOCK", "MAINNET_BY_NUMBER", "MAINNET_BY_TIMESTAMP", "mainnet_fork"]

MAINNET_BY_NUMBER: Final = (
    (0, "frontier"),
    (1_150_000, "homestead"),
    (1_920_000, "dao_fork"),
    (2_463_000, "tangerine_whistle"),
    (2_675_000, "spurious_dragon"),
    (4_370_000, "byzantium"),
    (7_280_000, "petersburg"),
    (9_069_000, "istanbul"),
    (9_200_000, "muir_glacier"),
    (12_244_000, "berlin"),
    (12_965_000, "london"),
    (13_773_000, "arrow_glacier"),
    (15_050_000, "gray_glacier"),
    (15_537_394, "paris"),
)
"""First block number → fork, oldest first."""

MAINNET_BY_TIMESTAMP: Final = (
    (1_681_338_455, "shanghai"),
    (1_710_338_135, "cancun"),
    (1_746_612_311, "prague"),
    (1_764_798_551, "osaka"),
    (1_765_290_071, "bpo1"),
    (1_767_747_671, "bpo2"),
)
"""First timestamp (s since 1970) → fork, oldest first; they all came after Paris."""

BYZANTIUM_BLOCK: Final = 4_370_000
"""The first mainnet block whose receipts carry a status instead of a state root (EIP-658)."""

_SHANGHAI_TIMESTAMP = MAINNET_BY_TIMESTAMP[0][0]


def mainnet_fork(number: int, timestamp: int) -> str:
    """The name of the fork that mainnet's block ``number`` of ``timestamp`` is under."""
    schedule: tuple[tuple[int, str], ...] = MAINNET_BY_NUMBER
    position = number
    if number >= MAINNET_BY_NUMBER[-1][0] and timestamp >= _SHANGHAI_TIMESTAMP:
        schedule, position = MAINNET_BY_TIMESTAMP, timestamp
    starts = [start for start, _ in schedule]
    return schedule[bisect_right(starts, position) - 1][1]
