"""The blocks that are to be simulated, in order and without gaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from blockstm.errors import SimulationError
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.calls.message import Message, checked
from blockstm.ethereum.calls.overrides import (
    BlockOverrides,
    StateOverrides,
    check_block_overrides,
    checked_overrides,
)
from blockstm.ethereum.codecs.members import sequence
from blockstm.ethereum.rules.reasons import Reason
from blockstm.kinds import check_kind

__all__ = ["BLOCKS_MAX", "BlockCalls", "NumberedBlock", "chained"]

BLOCKS_MAX: Final = 256
"""How many blocks a simulation has at most, those that fill gaps among them."""

_SECONDS: Final = 12  # between two blocks where nothing is said


@dataclass(frozen=True, slots=True)
class BlockCalls:
    """A block that is to be simulated.

    Attributes:
        calls: its transactions.
        overrides: what they find in the state; it stays so for the blocks after it.
        block_overrides: fields of the block. One whose number leaves a gap has empty blocks before
            it; one without a time comes 12 s after the block before.
    """

    calls: Sequence[Message] = ()
    overrides: StateOverrides | None = None
    block_overrides: BlockOverrides | None = None


@dataclass(frozen=True, slots=True)
class NumberedBlock:
    """A block of a simulation whose number and time are known.

    Attributes:
        number: the block's.
        timestamp: in s since 1970.
        calls: checked.
        overrides: of the state, checked.
        fields: of the block, checked.
    """

    number: int
    timestamp: int
    calls: Sequence[Message]
    overrides: StateOverrides
    fields: BlockOverrides


def chained(blocks: Sequence[BlockCalls], parent: Header) -> list[NumberedBlock]:
    """The blocks, with those that fill gaps.

    Raises:
        InputError: one is of the wrong kind.
        SimulationError: they are not in order, or too many.
    """
    found: list[NumberedBlock] = []
    number, timestamp = parent.number, parent.timestamp
    for block in _checked(blocks):
        fields = block.block_overrides or BlockOverrides()
        wanted = number + 1 if fields.number is None else fields.number
        place = len(found)
        if wanted <= number:
            detail = f"block numbers must be in order: {wanted} <= {number}"
            raise SimulationError(detail, Reason.BLOCK_NUMBER, place)
        if wanted - parent.number > BLOCKS_MAX:
            detail = f"a simulation has at most {BLOCKS_MAX} blocks, not {wanted - parent.number}"
            raise SimulationError(detail, "too_many_blocks", place)
        for between in range(number + 1, wanted):
            timestamp += _SECONDS
            found.append(NumberedBlock(between, timestamp, (), {}, BlockOverrides()))
        at = timestamp + _SECONDS if fields.timestamp is None else fields.timestamp
        if at <= timestamp:
            detail = f"block timestamps must be in order: {at} <= {timestamp}"
            raise SimulationError(detail, Reason.TIMESTAMP, len(found))
        number, timestamp = wanted, at
        found.append(NumberedBlock(number, at, block.calls, block.overrides or {}, fields))
    return found


def _checked(blocks: Any) -> Iterator[BlockCalls]:
    for index, block in enumerate(sequence(blocks, BlockCalls, "blocks")):
        place = f"blocks[{index}]"
        calls = sequence(block.calls, Message, f"{place}.calls")
        for at, call in enumerate(calls):
            checked(call, f"{place}.calls[{at}]")
        if block.block_overrides is not None:
            check_kind(block.block_overrides, BlockOverrides, f"{place}.block_overrides")
            check_block_overrides(block.block_overrides)
        yield replace(block, overrides=checked_overrides(block.overrides))
