"""What is known of the candidates for a block, as hints of the block that they are tried in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from blockstm.errors import InputError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.building.ordering import Candidate
from blockstm.hints import Expected, Hints, HintSource
from blockstm.hints.options import hints_of
from blockstm.messages import brief

__all__ = ["CandidateHints", "checked_hints", "hints_of_candidates"]

CandidateHints: TypeAlias = HintSource | Sequence[Expected | None]
"""A source, or what is known of each of the transactions that were given."""


def checked_hints(given: Any) -> CandidateHints | None:
    """Refuse what is known of no candidates.

    Raises:
        InputError: it is of another kind.
    """
    are_listed = isinstance(given, list | tuple) and all(
        each is None or isinstance(each, Expected) for each in given
    )
    if given is None or isinstance(given, HintSource) or are_listed:
        return given  # type: ignore[no-any-return]  # its kind was asked for
    raise InputError(
        "hints of what a block is built of are a source of them, or an Expected (or None) for each "
        f"transaction, not {brief(given)}"
    )


def hints_of_candidates(
    given: CandidateHints | None, candidates: Sequence[Candidate], block: Block
) -> Hints | None:
    """The hints of a block of these candidates, in this order."""
    if given is None or isinstance(given, HintSource):
        return hints_of(given, block)
    places = {each.index: place for place, each in enumerate(candidates)}
    known = [given[each.index] if each.index < len(given) else None for each in candidates]
    return Hints.of(each and _placed(each, places) for each in known)


def _placed(expected: Expected, places: dict[int, int]) -> Expected:
    """The same, its dependencies by their places in the block, of those that are in it."""
    there = [places[each] for each in expected.dependencies if each in places]
    return replace(expected, dependencies=there)
