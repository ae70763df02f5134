"""Groups: the connected sets of a block's transactions that write a location in common."""

from __future__ import annotations

from collections.abc import Iterable

from blockstm.ethereum.results.block_accesses import BlockAccesses, Location
from blockstm.hints import Expected, Hints

__all__ = ["groups_of"]


def groups_of(accesses: BlockAccesses) -> tuple[tuple[int, ...], ...]:
    """The groups of a block that has run, those of one transaction included, by their first one.

    A nonce joins nothing: a transaction names its sender's itself, so that it need not wait for it.
    """
    hints = Hints.of(Expected(writes=_without_nonces(each.writes)) for each in accesses)
    shared = tuple(hints.groups)
    alone = set(range(len(accesses))).difference(*shared)
    return tuple(sorted([*shared, *((index,) for index in alone)]))


def _without_nonces(locations: Iterable[Location]) -> list[Location]:
    return [location for location in locations if location[1] != "nonce"]
