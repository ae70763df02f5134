"""How far ahead of the frontier speculation runs, and when it backs off: as the engine does."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Throttle"]

_CONFIDENCE_FULL, _CONFIDENCE_FIRST, _CONFIDENCE_WIDE, _CONFIDENCE_PROBE = 64, 32, 16, 6
_BACK_OFF_MIN, _BACK_OFF_MAX = 32, 1 << 16
_BACK_OFF_PAYS_NS = 150_000


@dataclass
class Throttle:
    """The window, learnt from how often runs ahead of the frontier were right.

    Attributes:
        workers: how many run ahead.
        window: how far now; ``widest``: how far ever.
        sequential_until: one worker goes on alone up to here; 0: they share the block.
    """

    workers: int
    window: int
    widest: int = 512
    sequential_until: int = 0
    _confidence: int = _CONFIDENCE_FIRST
    _back_off: int = _BACK_OFF_MIN
    _until: int = 0

    def learn(self, index: int, *, was_right: bool, run_ns: float) -> None:
        """A run ahead of the frontier has come to it."""
        if was_right:
            self._confidence = min(self._confidence + 1, _CONFIDENCE_FULL)
            if self._confidence in (_CONFIDENCE_WIDE, _CONFIDENCE_FULL):
                self._back_off, self.window = _BACK_OFF_MIN, self.widest
            return
        self._confidence -= 2
        if self._confidence <= 0:
            self._begin_back_off(index, run_ns)
        elif self._confidence < _CONFIDENCE_WIDE:
            self.window = self.workers

    def committed(self, index: int) -> None:
        """The frontier has come to ``index``."""
        if self._until and index >= self._until:
            self._until = self.sequential_until = 0
            self._confidence, self.window = _CONFIDENCE_PROBE, self.workers

    def widen(self) -> bool:
        """Double the window for a worker without work; False where it is as wide as it may be."""
        if self._until or self._confidence < _CONFIDENCE_WIDE or self.window >= self.widest:
            return False
        self.window = min(2 * self.window, self.widest)
        return True

    def _begin_back_off(self, index: int, run_ns: float) -> None:
        self._confidence, self.window = 0, 1
        self._until = index + self._back_off
        if self._back_off * run_ns > _BACK_OFF_PAYS_NS:
            self.sequential_until = self._until
        self._back_off = min(2 * self._back_off, _BACK_OFF_MAX)
