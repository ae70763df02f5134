"""In which order a builder tries transactions: a function, yours or one of these.

An order gets the candidates as they were given and returns those that are to be tried, first to
last. It may leave some out; it cannot add any.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace

from blockstm.errors import InputError
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.kinds import check_kind
from blockstm.messages import brief
from blockstm.types import Address

__all__ = ["Candidate", "Order", "as_given", "by_price", "ordered"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A transaction that may become part of the block.

    Attributes:
        index: its place among those given.
        transaction: the transaction.
        sender: who signed it.
        tip: what the beneficiary gets, in wei per gas; below zero where it does not offer the base
            fee.
    """

    index: int
    transaction: Transaction
    sender: Address
    tip: int


Order = Callable[[Sequence[Candidate]], Iterable[Candidate]]


def as_given(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """The order in which they were given."""
    return candidates


def by_price(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """The highest tip first, and each sender's by their nonces; what came earlier wins a tie."""
    by_sender: defaultdict[Address, list[Candidate]] = defaultdict(list)
    for each in candidates:
        check_kind(each, Candidate, "a candidate")
        by_sender[each.sender].append(each)
    queues = [
        sorted(listed, key=lambda each: (each.transaction.nonce, -each.tip, each.index))[::-1]
        for listed in by_sender.values()
    ]
    heads = [(-queue[-1].tip, queue[-1].index, place) for place, queue in enumerate(queues)]
    heapify(heads)
    found = []
    while heads:
        _, _, place = heads[0]
        queue = queues[place]
        found.append(queue.pop())
        if queue:
            heapreplace(heads, (-queue[-1].tip, queue[-1].index, place))
        else:
            heappop(heads)
    return found


def ordered(order: Order, candidates: Sequence[Candidate]) -> list[Candidate]:
    """What an order makes of the candidates.

    Raises:
        InputError: it returns what is none of them, or one of them twice.
    """
    found = list(order(candidates))
    known = {each.index for each in candidates}
    for each in found:
        index = getattr(each, "index", None)
        if not isinstance(each, Candidate) or index not in known:
            raise InputError(
                f"an order returns each candidate once, or not at all: not {brief(each)}"
            )
        known.discard(each.index)
    return found
