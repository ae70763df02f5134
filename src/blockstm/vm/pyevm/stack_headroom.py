"""Room on the interpreter's stack, asked for before code that would hide the lack of it.

py-evm takes some errors for an answer of the EVM: a signature without a key, a proof that does
not hold. An interpreter that ran out of stack there (`RecursionError`) would look the same and
change the result; so it has to run out before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["need_room", "with_room"]

_NESTED_CALLS = 24  # the deepest such code, signature recovery, nests less than half of them


class _Room:
    """Calls itself through a slot, so that each call takes stack of Python and of C."""

    def __call__(self, calls: int) -> None:
        if calls:
            self(calls - 1)


_room = _Room()


def need_room() -> None:
    """Return if some tens of calls may still nest here.

    Raises:
        RecursionError: they may not.
    """
    _room(_NESTED_CALLS)


def with_room(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``run``, a precompiled contract, started only with room for it."""

    def run_with_room(computation: Any) -> Any:
        need_room()
        return run(computation)

    return run_with_room
