"""The traces of a block: each is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

from blockstm.ethereum.tracing.tracer import TracedTransaction, Tracer

__all__ = ["Traces"]


class Traces(Sequence[Any]):
    """One trace, a JSON value, for each transaction of a block.

    Immutable; safe from any thread. The events are kept, and the traces are not: one that is
    asked for twice is made twice.
    """

    def __init__(
        self, tracer: Tracer, count: int, traced: Callable[[int], TracedTransaction]
    ) -> None:
        self._tracer = tracer
        self._count = count
        self._traced = traced

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Any]: ...

    def __getitem__(self, place: int | slice) -> Any:
        places = range(self._count)[place]
        if isinstance(places, range):
            return [self._tracer.trace(self._traced(each)) for each in places]
        return self._tracer.trace(self._traced(places))

    def __repr__(self) -> str:
        return f"<{self._count} traces>"
