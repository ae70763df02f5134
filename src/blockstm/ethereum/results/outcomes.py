"""The outcomes of a block's transactions, by the transactions' own places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, overload

from blockstm.types import BlockResult, Outcome

__all__ = ["TransactionOutcomes", "of_transactions"]


class TransactionOutcomes(Sequence[Outcome]):
    """The outcome of each transaction; `Outcome.index` is its place in the block.

    The engine's outcomes are of all that it ran, with what a block does before and after its
    transactions. Immutable, safe from any thread; equal to any sequence of the same outcomes.

    Args:
        outcomes: the engine's.
        places: of the transactions among them.
    """

    __slots__ = ("_outcomes", "_places")

    def __init__(self, outcomes: Sequence[Outcome], places: range) -> None:
        self._outcomes = outcomes
        self._places = places

    @property
    def places(self) -> range:
        """The places of the transactions among the engine's outcomes, as a timeline names them."""
        return self._places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> Outcome: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Outcome, ...]: ...

    def __getitem__(self, place: int | slice) -> Outcome | tuple[Outcome, ...]:
        if isinstance(place, slice):
            return tuple(self[each] for each in range(*place.indices(len(self))))
        step = self._places[place]
        return replace(self._outcomes[step], index=step - self._places.start)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as any sequence that compares by content

    def __reduce__(self) -> tuple[Any, ...]:
        return TransactionOutcomes, (tuple(self), range(len(self)))

    def __repr__(self) -> str:
        return f"<outcomes of {len(self)} transactions>"


def of_transactions(result: BlockResult, places: range) -> BlockResult:
    """A result that ends before the block does, with the outcomes of its transactions alone."""
    there = range(places.start, max(places.start, min(places.stop, len(result.outcomes))))
    return replace(result, outcomes=TransactionOutcomes(result.outcomes, there))
