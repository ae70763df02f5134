"""Where a fork begins on a chain."""

from __future__ import annotations

from dataclasses import dataclass

from blockstm.errors import ConfigError
from blockstm.ethereum.codecs.members import word
from blockstm.messages import brief
from blockstm.vm.forks import Fork

__all__ = ["Activation", "check_fork"]


def check_fork(fork: object) -> None:
    if not isinstance(fork, Fork):
        how = f": fork_named({brief(fork)})" if isinstance(fork, str) else ""
        raise ConfigError(f"a fork is a blockstm.ethereum.Fork, not {brief(fork)}{how}")


@dataclass(frozen=True, slots=True)
class Activation:
    """The start of a fork: exactly one of a block, a time or a total difficulty.

    Attributes:
        fork: what begins.
        block: the number of its first block.
        timestamp: of its first block, at the earliest, in s since 1970.
        total_difficulty: that the chain has reached before its first block (EIP-3675).
    """

    fork: Fork
    block: int | None = None
    timestamp: int | None = None
    total_difficulty: int | None = None

    def __post_init__(self) -> None:
        check_fork(self.fork)
        given = [x for x in (self.block, self.timestamp, self.total_difficulty) if x is not None]
        if len(given) != 1 or word(given[0]):
            what = brief(given[0]) if len(given) == 1 else f"{len(given) or 'none'} of them"
            raise ConfigError(
                "an Activation says where its fork begins by one of block=, timestamp= or "
                f"total_difficulty=, 0 or more; {self.fork} is given {what}"
            )

    def has_come(self, number: int, timestamp: int, total_difficulty: int | None) -> bool:
        """Whether a block is at or after it."""
        if self.block is not None:
            return number >= self.block
        if self.timestamp is not None:
            return timestamp >= self.timestamp
        if total_difficulty is None:
            raise ConfigError(f"{self.fork} begins at a total difficulty, and none is given")
        return total_difficulty >= (self.total_difficulty or 0)
