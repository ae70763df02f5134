"""Engines that are kept for the next call."""

from __future__ import annotations

from blockstm.config import Config
from blockstm.engine.engine import Engine

__all__ = ["POOL"]


class _Pool:
    """Engines kept for the next call with the same options.

    An engine is either here or held by one call, and an exception may come between any two steps:
    so there is no lock, each step is one operation of a list, and an engine that no call holds
    any more ends its threads by itself.
    """

    KEPT = 4

    def __init__(self) -> None:
        self._idle: list[Engine] = []

    def take(self, config: Config) -> Engine:
        for engine in tuple(self._idle):
            if not engine.is_usable:  # closed, or another process's: left behind
                self._has(engine)
            elif engine.config == config and self._has(engine):
                return engine
        return Engine(config)

    def _has(self, engine: Engine) -> bool:
        """Take this one out; False where another thread was faster."""
        try:
            self._idle.remove(engine)
        except ValueError:
            return False
        return True

    def give_back(self, engine: Engine) -> None:
        self._idle.append(engine)
        if len(self._idle) > self.KEPT:
            try:
                surplus = self._idle.pop(0)
            except IndexError:  # other threads took them all
                return
            surplus.close()


POOL = _Pool()
