"""Ommers: the headers of side blocks that a block before Paris may name (Yellow Paper 11.1).

An ommer is a sibling of an ancestor: its parent is one of the block's ancestors, but not the
block's own parent, and it stands at most six blocks back. None is named twice on a chain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.rules.header_rules import header_violation
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.types import Hash32

__all__ = ["ANCESTORS_MAX", "ommers_violation"]

ANCESTORS_MAX: Final = 7
"""How many ancestors decide on a block's ommers: the oldest ommer's parent is the seventh."""

_OMMERS_MAX: Final = 2
_DEPTH_MAX: Final = 6


def ommers_violation(
    block: Block,
    ancestors: Sequence[Block],
    chain: Chain,
    total_difficulty: int | None = None,
) -> Violation | None:
    """The first rule that a block's ommers break; None if they keep all.

    Args:
        block: whose ommers.
        ancestors: its parent first, back to the seventh or to the chain's first block.
        chain: see `Chain`.
        total_difficulty: of the block's parent; see `Chain.fork_at`.
    """
    return next(_violations(block, ancestors[:ANCESTORS_MAX], chain, total_difficulty), None)


def _violations(
    block: Block, ancestors: Sequence[Block], chain: Chain, total_difficulty: int | None
) -> Iterator[Violation]:
    ommers = block.ommers or ()
    if len(ommers) > _OMMERS_MAX:
        yield Violation(Reason.TOO_MANY_OMMERS, f"{len(ommers)} ommers, over {_OMMERS_MAX}")
    headers = {ancestor.header.hash: ancestor.header for ancestor in ancestors}
    named = {ommer.hash for ancestor in ancestors for ommer in ancestor.ommers or ()}
    for place, ommer in enumerate(ommers):
        violation = _violation(ommer, block.header, headers, named, chain, total_difficulty)
        if violation is not None:
            yield Violation(violation.reason, f"ommer {place}: {violation.detail}")
        named.add(ommer.hash)


def _violation(
    ommer: Header,
    header: Header,
    ancestors: dict[Hash32, Header],
    named: set[Hash32],
    chain: Chain,
    total_difficulty: int | None,
) -> Violation | None:
    if ommer.hash in named:
        return Violation(Reason.OMMER_TWICE, "it is named before")
    if ommer.hash in ancestors:
        return Violation(Reason.OMMER_IS_ANCESTOR, "it is an ancestor of the block")
    if ommer.number < header.number - _DEPTH_MAX:
        back = header.number - ommer.number
        return Violation(Reason.OMMER_TOO_OLD, f"{back} blocks back, over {_DEPTH_MAX}")
    if ommer.parent_hash == header.parent_hash:
        return Violation(Reason.OMMER_IS_SIBLING, "its parent is the block's own")
    parent = ancestors.get(ommer.parent_hash)
    if parent is None:
        return Violation(Reason.OMMER_NOT_RELATED, "its parent is no ancestor of the block")
    # An ommer that was mined before a total difficulty was reached is under the older rules.
    return header_violation(ommer, parent, chain, total_difficulty)
