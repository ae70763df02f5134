"""Where the time of a block went, phase by phase."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter

__all__ = ["Stopwatch"]


@dataclass(slots=True)
class Stopwatch:
    """Seconds by phase; of one thread."""

    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=perf_counter)

    def end_phase(self, name: str) -> float:
        """Count the time since the last phase ended for this one; gives it, in s."""
        now = perf_counter()
        passed = now - self._since
        self.seconds[name] = self.seconds.get(name, 0.0) + passed
        self._since = now
        return passed
