"""What a caller passes as ``hints=``, as what the core takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from blockstm.errors import InputError
from blockstm.hints.hints import Expected, Hints, HintSource
from blockstm.messages import brief, kind_of
from blockstm.types import Key

__all__ = ["BlockHints", "GivenHints", "check_source", "hints_of", "keys_of"]

BlockHints: TypeAlias = Hints | HintSource | Sequence[Expected | None]
"""Hints of a block's transactions, in one of their forms."""

GivenHints: TypeAlias = BlockHints | Iterable[Key]
"""The same, or keys that the block will probably read."""


def hints_of(given: Any, block: Any) -> Hints | None:
    """The hints of a block's transactions; None where there are none, or only keys.

    Raises:
        InputError: a source gives something else.
    """
    if given is None or isinstance(given, Hints):
        return given
    if isinstance(given, HintSource):
        found = given.for_block(block)
        if found is not None and not isinstance(found, Hints):
            raise InputError(f"for_block gives blockstm.hints.Hints or None, not {brief(found)}")
        return found
    return Hints.of(given) if _are_of_transactions(given) else None


def keys_of(given: Any) -> Iterable[Any] | None:
    """The keys that a block will probably read; None where what is given is something else.

    Raises:
        InputError: it is of no kind that hints are.
    """
    if given is None or isinstance(given, Hints | HintSource) or _are_of_transactions(given):
        return None
    if not isinstance(given, Iterable):
        raise InputError(
            f"hints are Hints, a source of them, an Expected for each transaction, or an iterable "
            f"of keys, not {kind_of(given)}"
        )
    return given


def check_source(given: Any) -> None:
    """Refuse what has no hints of one block after another.

    Raises:
        InputError: it is neither a source nor None.
    """
    if given is not None and not isinstance(given, HintSource):
        raise InputError(
            f"hints of several blocks are a source of them, with for_block, not {brief(given)}"
        )


def _are_of_transactions(given: Any) -> bool:
    return isinstance(given, list | tuple) and any(isinstance(each, Expected) for each in given)
