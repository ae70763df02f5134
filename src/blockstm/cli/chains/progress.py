"""How far an import is: a line that is written over, where standard error is a terminal."""

from __future__ import annotations

import sys
import time
from typing import Final

__all__ = ["Progress"]

_EVERY_SECONDS: Final = 0.5


class Progress:
    """Counts what is imported, and says so now and then.

    Attributes:
        blocks: imported since the beginning.
        known: that the chain had already.
        gas: used by those imported.
    """

    def __init__(self) -> None:
        self.blocks = self.known = self.gas = 0
        self._begun = self._shown = time.monotonic()
        self._is_terminal = sys.stderr.isatty()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._begun

    def add(self, number: int, gas_used: int, *, is_known: bool) -> None:
        """Count a block."""
        if is_known:
            self.known += 1
        else:
            self.blocks += 1
            self.gas += gas_used
        now = time.monotonic()
        if self._is_terminal and now - self._shown > _EVERY_SECONDS:
            self._shown = now
            seconds = max(now - self._begun, 1e-9)
            line = (
                f"block {number:,}: {self.blocks / seconds:,.0f} blocks/s, "
                f"{self.gas / seconds / 1e6:,.1f} Mgas/s"
            )
            print(f"\r{line:<60}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self._is_terminal:
            print(f"\r{'':<60}\r", end="", file=sys.stderr, flush=True)
