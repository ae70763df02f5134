"""The difficulty of a block before Paris (Yellow Paper 4.3.4, EIP-2, EIP-100, the bomb's delays).

It rises where blocks come quickly and falls where they are slow; the "bomb" doubles a part of it
every 100,000 blocks, and was put off six times.
"""

from __future__ import annotations

from typing import Final

from blockstm.vm.forks import BYZANTIUM, HOMESTEAD, Fork

__all__ = ["difficulty_after"]

_MIN: Final = 131_072
_STEP: Final = 2_048  # a step is this part of the parent's difficulty
_STEPS_DOWN_MAX: Final = 99
_BOMB_PERIOD: Final = 100_000  # blocks


def difficulty_after(
    parent_difficulty: int,
    parent_timestamp: int,
    parent_has_ommers: bool,
    number: int,
    timestamp: int,
    fork: Fork,
) -> int:
    """The difficulty of block ``number`` of ``timestamp`` (s since 1970) under ``fork``.

    Raises:
        ValueError: ``fork`` is Paris or later, where there is no difficulty.
    """
    if fork.bomb_delay is None:
        raise ValueError(f"{fork} has no difficulty")
    seconds = timestamp - parent_timestamp
    if fork >= BYZANTIUM:
        steps = (2 if parent_has_ommers else 1) - seconds // 9
    elif fork >= HOMESTEAD:
        steps = 1 - seconds // 10
    else:
        steps = 1 if seconds < 13 else -1
    difficulty = parent_difficulty + parent_difficulty // _STEP * max(steps, -_STEPS_DOWN_MAX)
    periods = (number - fork.bomb_delay) // _BOMB_PERIOD - 2
    if periods >= 0:
        difficulty += 1 << periods
    return max(difficulty, _MIN)
