"""The traces of a block: each is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, overload

from blockstm._native.tracing.traces import BlockTraces
from blockstm.ethereum.tracing.nested_json import parsed
from blockstm.ethereum.tracing.tracer import TracedTransaction, Tracer

__all__ = ["Traces"]

_AT_ONCE: Final = 256
"""Traces that are parsed together where one after the other is asked for."""


class Traces(Sequence[Any]):
    """One trace, a JSON value, for each transaction of a block; or all of them as JSON.

    Immutable; safe from any thread. The events are kept, and the traces are not: one that is
    asked for twice is made twice.

    Attributes:
        tracer: what makes them.
    """

    def __init__(
        self,
        tracer: Tracer,
        count: int,
        traced: Callable[[int], TracedTransaction],
        written: Callable[[bool], BlockTraces] | None,
        hashes: Callable[[], Sequence[bytes]],
        workers: int,
    ) -> None:
        self.tracer = tracer
        self._count = count
        self._traced = traced
        self._written = written  # by the native core, given whether with hashes; None: it does not
        self._hashes = hashes
        self._workers = workers

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Any]: ...

    def __getitem__(self, place: int | slice) -> Any:
        places = range(self._count)[place]
        if not isinstance(places, range):
            return self._made(places)
        if self._written is not None and places.step == 1:
            return parsed(self._listed(places, named=False))
        return [self._made(each) for each in places]

    def __iter__(self) -> Iterator[Any]:
        for first in range(0, self._count, _AT_ONCE):
            yield from self[first : first + _AT_ONCE]

    def json(self, index: int | None = None) -> bytes:
        """The trace of a transaction as JSON, in UTF-8; None: the list of all of them.

        All tracers but those of one's own have the native core write it, without the GIL and, where
        it is much, in as many threads as the block had workers.

        Raises:
            IndexError: there is no such transaction.
        """
        if index is not None:
            return self._json(range(self._count)[index])
        if self._written is not None:
            return self._listed(range(self._count), named=False)
        return b"[%b]" % b",".join(map(self._json, range(self._count)))

    def json_by_hash(self) -> bytes:
        """All of them as ``debug_traceBlockByNumber`` gives them: each with its ``txHash``."""
        if self._written is not None:
            return self._listed(range(self._count), named=True)
        named = (
            b'{"txHash":"0x%b","result":%b}' % (each.hex().encode(), self._json(index))
            for index, each in enumerate(self._hashes())
        )
        return b"[%b]" % b",".join(named)

    def _listed(self, places: range, *, named: bool) -> bytes:
        assert self._written is not None
        places = places or range(0)
        return self._written(named).listed(places.start, places.stop, self._workers, named)

    def _json(self, index: int) -> bytes:
        if self._written is not None:
            return self._written(False).one(index)
        return self.tracer.json(self._traced(index))

    def _made(self, index: int) -> Any:
        if self._written is not None:
            return parsed(self._written(False).one(index))
        return self.tracer.trace(self._traced(index))

    def __repr__(self) -> str:
        return f"<{self._count} traces>"
