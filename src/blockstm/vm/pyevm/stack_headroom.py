"""Stack headroom: free stack of the interpreter, ensured before code that would hide its end.

py-evm takes some errors for an answer of the EVM: a signature without a key, a proof that does
not hold. An interpreter that ran out of stack there (`RecursionError`) would look the same and
change the result; so it has to run out before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["need_headroom", "with_headroom"]

_NESTED_CALLS = 24  # the deepest such code, signature recovery, nests less than half of them


class _Room:
    """Calls itself through a slot, so that each call takes stack of Python and of C."""

    def __call__(self, calls: int) -> None:
        if calls:
            self(calls - 1)


_room = _Room()


def need_headroom() -> None:
    """Return if some tens of calls may still nest here.

    Raises:
        RecursionError: they may not.
    """
    _room(_NESTED_CALLS)


def with_headroom(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``run``, a precompiled contract, started only with headroom for it."""

    def run_with_headroom(computation: Any) -> Any:
        need_headroom()
        return run(computation)

    return run_with_headroom
