"""Runs that ask the state for every code, also for those that the process has run before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, ParamSpec, TypeVar

from blockstm._native.evm.prepared import CODE_CACHE_LIMIT, code_cache
from blockstm.locks import lock_for_forks

__all__ = ["no_code_known", "on_fresh_thread"]

Given = ParamSpec("Given")
T = TypeVar("T")

_ONE_AT_A_TIME: Final = lock_for_forks()


@contextmanager
def no_code_known() -> Iterator[None]:
    """Has the EVM read every code from the state, `on_fresh_thread`.

    Meanwhile other blocks of the process run without the cache of codes, and are slower for it.
    A fork waits, so that the child has the cache.
    """
    with _ONE_AT_A_TIME:
        code_cache(0)
        try:
            yield
        finally:
            code_cache(CODE_CACHE_LIMIT)


def on_fresh_thread(run: Callable[Given, T], *args: Given.args, **kwargs: Given.kwargs) -> T:
    """What a call gives or raises on a thread of its own, whose machine remembers no code."""
    with ThreadPoolExecutor(1, thread_name_prefix="blockstm-witness") as fresh:
        return fresh.submit(run, *args, **kwargs).result()
