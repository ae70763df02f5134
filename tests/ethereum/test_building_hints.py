"""Hints of the transactions that a block is built of: used, and never believed."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import Address
from tests.ethereum.builders import ATTRIBUTES, COUNTER, Site
from tests.ethereum.test_builders import RICH, pay

from blockstm.errors import InputError
from blockstm.ethereum import Block, BuiltBlock, Candidate, as_given, build_block
from blockstm.ethereum.building.hinting import hints_of_candidates
from blockstm.hints import Expected, Hints, from_dependencies
from blockstm.vm.forks import PRAGUE

# The fourth and the last of them do not fit: their nonces are too high.
POOL = [
    pay(0, 0, gas=100_000, to=COUNTER, value=0),
    pay(1, 0, gas=100_000, to=COUNTER, value=0),
    pay(0, 1),
    pay(2, 7),
    pay(1, 1, gas=100_000, to=COUNTER, value=0),
    pay(3, 0),
    pay(2, 9),
]
CHAINED = [Expected(dependencies=range(index)) for index in range(len(POOL))]


class Source:
    """Says of each block that every transaction depends on the one before it."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def for_block(self, block: Block) -> Hints | None:
        self.asked.append(len(block.transactions))
        return from_dependencies([n - 1] if n else [] for n in range(len(block.transactions)))


def built(hints: Any = None, workers: int = 2, order: Any = as_given) -> BuiltBlock:
    site = Site(PRAGUE)
    transactions = [transaction for _, transaction in POOL]
    return build_block(
        *(site.parent, transactions, RICH),
        attributes=ATTRIBUTES,
        chain=site.chain,
        workers=workers,
        order=order,
        hints=hints,
    )


def backwards(candidates: Any) -> list[Candidate]:
    return [*reversed(candidates)]


@pytest.mark.parametrize("order", [as_given, backwards], ids=["as given", "backwards"])
@pytest.mark.parametrize(
    "hints",
    [
        CHAINED,
        [None, Expected(weight=9), Expected(dependencies=[99])],
        [Expected(reads=["a"], writes=["a"])] * (2 * len(POOL)),
        Source(),
    ],
    ids=["chained", "few", "too many", "source"],
)
def test_hints_never_change_what_is_built(hints: Any, order: Any) -> None:
    expected = built(order=order, workers=1)
    for workers in (1, 2, 4):
        done = built(hints, workers, order)
        assert done.block == expected.block
        assert done.rejected == expected.rejected
        assert done.executed.hints_report is not None or workers == 1


def test_a_source_is_asked_of_the_block_that_is_tried() -> None:
    source = Source()
    assert len(built(source).rejected) == 2
    assert source.asked == [len(POOL)]


def test_dependencies_are_places_among_those_given() -> None:
    known = [
        Expected(dependencies=[3]),
        Expected(dependencies=[0, 2]),
        None,
        Expected(dependencies=[1]),
    ]
    order = [3, 0, 1]  # the third is left out
    transactions = [transaction for _, transaction in POOL]
    candidates = [Candidate(index, transactions[index], Address(bytes(20)), 0) for index in order]
    hints = hints_of_candidates(known, candidates, built().block)
    assert hints is not None
    assert hints.dependencies == [(), (0,), (1,)]


@pytest.mark.parametrize("hints", [5, ["a key"], from_dependencies([])], ids=["5", "keys", "one"])
def test_hints_of_another_kind_are_refused(hints: Any) -> None:
    with pytest.raises(InputError, match="hints"):
        built(hints)
