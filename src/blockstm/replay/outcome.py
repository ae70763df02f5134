"""What a replay came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blockstm.replay.records import BlockRecord, Verdict

__all__ = ["Replay"]


@dataclass(frozen=True, slots=True)
class Replay:
    """The records of all blocks of a range.

    Attributes:
        records: one for each block, in order; each has `BlockRecord.facts`, which are the same
            however the range is split.
        resumed: how many of them were in the file of progress already.
        deaths: how often a process died on the way.
        seconds: wall time, of this part.
    """

    records: Sequence[BlockRecord]
    resumed: int = 0
    deaths: int = 0
    seconds: float = 0.0

    @property
    def is_equal(self) -> bool:
        """Whether all that was compared is equal, of every block."""
        return self.first_divergence is None

    @property
    def first_divergence(self) -> BlockRecord | None:
        """The first block that something is wrong with."""
        return next((each for each in self.records if not each.is_equal), None)

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many blocks came to each verdict; those that none came to are left out."""
        found = dict.fromkeys(Verdict, 0)
        for each in self.records:
            found[each.verdict] += 1
        return {verdict: count for verdict, count in found.items() if count}

    @property
    def gas_used(self) -> int:
        """By all blocks, in gas."""
        return sum(each.gas_used for each in self.records)
