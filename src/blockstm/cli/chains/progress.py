"""How far an import is: a line that is written over, where standard error is a terminal."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Final

__all__ = ["Progress", "progress_line"]

_EVERY_SECONDS: Final = 0.5
_BAR_WIDTH: Final = 20


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

    def add(self, number: int, gas_used: int, fraction: float, *, is_known: bool) -> None:
        """Count a block; ``fraction`` says how much of all files has been read."""
        if is_known:
            self.known += 1
        else:
            self.blocks += 1
            self.gas += gas_used
        now = time.monotonic()
        if self._is_terminal and now - self._shown > _EVERY_SECONDS:
            self._shown = now
            line = progress_line(number, self.blocks, self.gas, fraction, self.seconds)
            self._write(line)

    def end(self) -> None:
        """Leave the line."""
        if self._is_terminal:
            self._write("")
            print("\r", end="", file=sys.stderr, flush=True)

    def _write(self, line: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{line[:width]:<{width}}", end="", file=sys.stderr, flush=True)


def progress_line(number: int, blocks: int, gas: int, fraction: float, seconds: float) -> str:
    """How far an import is.

    Args:
        number: of the last block.
        blocks, gas: imported so far.
        fraction: how much has been read, from 0 to 1; 0 where nobody knows.
        seconds: that it took.
    """
    seconds = max(seconds, 1e-9)
    speed = f"block {number:,}  {blocks / seconds:,.0f} blocks/s  {gas / seconds / 1e6:,.1f} Mgas/s"
    if not fraction:
        return speed
    done = round(fraction * _BAR_WIDTH)
    bar = "#" * done + "." * (_BAR_WIDTH - done)
    left = round(seconds / fraction - seconds)
    minutes, hours = left // 60 % 60, left // 3600
    clock = f"{hours}:{minutes:02}:{left % 60:02}" if hours else f"{minutes}:{left % 60:02}"
    return f"[{bar}] {fraction:4.0%}  {speed}  {clock} left"
