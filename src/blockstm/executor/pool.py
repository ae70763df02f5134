"""Executors that `execute_block` keeps for the next call."""

from __future__ import annotations

from blockstm.config import Config
from blockstm.executor.executor import Executor

__all__ = ["POOL"]


class _Pool:
    """Executors kept for the next call with the same options.

    An executor is either here or held by one call, and an exception may come between any two steps:
    so there is no lock, each step is one operation of a list, and an executor that no call holds
    any more ends its threads by itself.
    """

    KEPT = 4

    def __init__(self) -> None:
        self._idle: list[Executor] = []

    def take(self, config: Config) -> Executor:
        for executor in tuple(self._idle):
            if not executor._runner.is_usable:  # closed, or another process's: left behind
                self._has(executor)
            elif executor.config == config and self._has(executor):
                return executor
        return Executor(config)

    def _has(self, executor: Executor) -> bool:
        """Take this one out; False where another thread was faster."""
        try:
            self._idle.remove(executor)
        except ValueError:
            return False
        return True

    def give_back(self, executor: Executor) -> None:
        self._idle.append(executor)
        if len(self._idle) > self.KEPT:
            try:
                surplus = self._idle.pop(0)
            except IndexError:  # other threads took them all
                return
            surplus.close()


POOL = _Pool()
