"""The options of an executor: one frozen object; none of them changes a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from blockstm.errors import ConfigError
from blockstm.messages import brief

__all__ = ["Config"]

MAX_WORKERS = 256
SCHEDULES = ("optimistic", "declared", "grouped", "listed", "adaptive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """How a block is run. No option changes a result, only when work is done and what is told
    of it.

    Attributes:
        workers: threads, 1 to 256, at most; or "auto": the usable cores (affinity and cgroup
            aware), one where the VM needs the GIL and the interpreter has one.
        gate: whether a block is left to one worker where it has too little to share: where
            transactions are too short, or too few are left. The block itself tells, as it runs.
        window: how many transactions speculation may run ahead of the frontier, 1 or more.
        max_incarnations: speculative runs of one transaction before it waits for the frontier.
        estimates: whether a transaction that meets a write known to be coming waits for it.
        revalidation: whether executed transactions are checked again before the frontier.
        throttle: whether speculation backs off in blocks whose transactions depend on each other.
        relay: whether workers keep what they run ahead to themselves and hand the frontier on from
            batch to batch; None: where they take less than 2 µs. Only in blocks of native VMs that
            record no steps, and where no hints are used.
        schedule: how hints are used, where a block has some: "optimistic" (not at all), "declared"
            (transactions wait for those that they depend on), "grouped" (and those that write the
            same locations run one after another on one worker), "listed" (all reads are taken to be
            known), or "adaptive" (whichever took the least time lately); see docs/groups.md.
        timeline: how many spans of what it did each worker keeps for `Stats.timeline`, up to
            2**24; 0: no clock is read for it.

    Raises:
        ConfigError: a value is out of its range.
    """

    workers: int | Literal["auto"] = "auto"
    gate: bool = True
    window: int = 512
    max_incarnations: int = 8
    estimates: bool = True
    revalidation: bool = True
    throttle: bool = True
    relay: bool | None = None
    schedule: Literal["optimistic", "declared", "grouped", "listed", "adaptive"] = "declared"
    timeline: int = 0

    def __post_init__(self) -> None:
        if self.workers != "auto":
            _check_int("workers", self.workers, 1, MAX_WORKERS)
        _check_int("window", self.window, 1, 1 << 20)
        _check_int("max_incarnations", self.max_incarnations, 1, 1 << 20)
        _check_int("timeline", self.timeline, 0, 1 << 24)
        if self.schedule not in SCHEDULES:
            raise ConfigError(
                f"schedule is one of {', '.join(SCHEDULES)}, not {brief(self.schedule)}"
            )
        for name in ("gate", "estimates", "revalidation", "throttle"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} is a bool, not {brief(getattr(self, name))}")
        if not isinstance(self.relay, bool | None):
            raise ConfigError(f"relay is a bool or None, not {brief(self.relay)}")


def _check_int(name: str, value: object, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ConfigError(f"{name} is an int from {low} to {high}, not {brief(value)}")
