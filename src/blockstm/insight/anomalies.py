"""What is out of the ordinary in a block, against the blocks before it; and where numbers tend to.

Robust: medians instead of means, so that one odd block among the last ones hides nothing. A number
is odd where it is further from the median of the last blocks than `THRESHOLD` times their scaled
median absolute deviation (1.4826 MAD, which is the standard deviation of a normal distribution).
That deviation counts as no less than a twentieth of the median and one: where all blocks were the
same, a small change is none. A location turns hot where it has `HOT_DEPENDENTS` dependents or more
and had none in most of the last blocks.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from blockstm.errors import InputError
from blockstm.ethereum.results.block_accesses import Location
from blockstm.insight.signals import COLUMNS, BlockSignals

__all__ = ["HOT_DEPENDENTS", "THRESHOLD", "Anomaly", "anomalies", "trends"]

THRESHOLD = 3.5
HOT_DEPENDENTS = 5
_BLOCKS_MIN = 8
_NORMAL = 1.4826


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something odd in a block.

    Attributes:
        number: of the block.
        signal: which number of it: one of `COLUMNS`, or ``"turns hot"``.
        value: what it is; ``median``: what it was in most of the last blocks.
        score: how far off, in scaled deviations; of a location that turns hot, its dependents.
        location: what turns hot; None otherwise.
    """

    number: int
    signal: str
    value: float
    median: float
    score: float
    location: Location | None = None


def anomalies(
    blocks: Sequence[BlockSignals], *, last: int = 32, threshold: float = THRESHOLD
) -> list[Anomaly]:
    """What is odd in each block, against up to ``last`` blocks before it; from the ninth block on.

    Raises:
        InputError: fewer than 8 blocks to compare with are asked for.
    """
    if last < _BLOCKS_MIN:
        raise InputError(f"a block is compared with {_BLOCKS_MIN} blocks or more, not {last}")
    found: list[Anomaly] = []
    for place in range(_BLOCKS_MIN, len(blocks)):
        before = blocks[max(place - last, 0) : place]
        found += _odd_numbers(blocks[place], before, threshold)
        found += _turning_hot(blocks[place], before)
    return found


def trends(blocks: Sequence[BlockSignals]) -> dict[str, float]:
    """By how much each number changes from one block to the next: the median of all slopes between
    two blocks (Theil and Sen's estimate); 0 for fewer than two blocks."""
    return {name: _slope([float(getattr(each, name)) for each in blocks]) for name in COLUMNS[1:]}


def _odd_numbers(
    block: BlockSignals, before: Sequence[BlockSignals], threshold: float
) -> Iterator[Anomaly]:
    for name in COLUMNS[1:]:
        values = [float(getattr(each, name)) for each in before]
        median = statistics.median(values)
        deviation = _NORMAL * statistics.median(abs(each - median) for each in values)
        value = float(getattr(block, name))
        score = (value - median) / max(deviation, abs(median) / 20, _least(name))
        if abs(score) > threshold:
            yield Anomaly(block.number, name, value, median, score)


def _least(name: str) -> float:
    """The least deviation that counts: one of what is counted, a twentieth of a share."""
    return 0.05 if name == "commuting_share" else 1.0


def _turning_hot(block: BlockSignals, before: Sequence[BlockSignals]) -> Iterator[Anomaly]:
    for hot in block.hot:
        seen = sum(any(each.location == hot.location for each in other.hot) for other in before)
        if hot.dependents >= HOT_DEPENDENTS and 2 * seen < len(before):
            score = float(hot.dependents)
            yield Anomaly(block.number, "turns hot", score, 0.0, score, hot.location)


def _slope(values: Sequence[float]) -> float:
    slopes = [
        (values[right] - values[left]) / (right - left)
        for left in range(len(values))
        for right in range(left + 1, len(values))
    ]
    return statistics.median(slopes) if slopes else 0.0
