"""What a simulation is made of: costs, transactions and workers; and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["Costs", "Phase", "Simulated", "Transaction", "Worker"]


@dataclass(frozen=True)
class Costs:
    """What the engine's steps take, in ns.

    Attributes:
        fixed_ns: of the whole block, whatever the number of workers.
        joined_ns: from the block's begin until the other workers work; one is alone until then.
        claim_ns, publish_ns, validate_ns, commit_ns: for a transaction.
        miss: how many times as long a run takes where all of its data are in another core's cache,
            1 or more.
    """

    fixed_ns: float = 0.0
    joined_ns: float = 0.0
    claim_ns: float = 0.0
    publish_ns: float = 0.0
    validate_ns: float = 0.0
    commit_ns: float = 0.0
    miss: float = 1.0


@dataclass(frozen=True)
class Simulated:
    """What a simulated block came to.

    Attributes:
        seconds: until its end, in s.
        incarnations: runs of all transactions.
        busy: the part of the workers' time that they spent on work, 0 to 1.
    """

    seconds: float
    incarnations: int
    busy: float


class Phase(Enum):
    """Where a simulated transaction stands."""

    READY = auto()
    CLAIMED = auto()
    RUNNING = auto()
    EXECUTED = auto()
    WAITING = auto()
    FINAL = auto()


@dataclass
class Transaction:
    """A simulated transaction."""

    phase: Phase = Phase.READY
    incarnations: int = 0
    is_stale: bool = False  # the last run read too early
    worker: int = -1  # whose batch it was executed in; -1: nobody's
    length_ns: float = 0.0  # of its last run


@dataclass
class Worker:
    """A simulated worker.

    Attributes:
        batch: what it has claimed and not run; ``ran``: what it has run of it.
        busy_ns: spent on work.
        last: the transaction that it ran last; -1: none.
    """

    batch: list[int]
    ran: list[int]
    busy_ns: float = 0.0
    last: int = -1
