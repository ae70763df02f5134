"""The blocks that ``blockstm insight`` tells of: of files, or of a chain's range."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from blockstm.cli.bench.rows import read_blocks
from blockstm.cli.block_ranges import numbers_in
from blockstm.errors import UsageError

if TYPE_CHECKING:
    from blockstm.ethereum import Block, ExecutedBlock

__all__ = ["Executed", "of_chain", "of_files"]

_HASHES: Final = 256

Executed = tuple["Block", "ExecutedBlock"]
"""A block, and what it did, with its accesses."""


def of_files(paths: list[Path]) -> Iterator[Executed]:
    """The blocks of files and folders, by their numbers.

    Raises:
        UsageError: a file cannot be read.
    """
    from blockstm.executor import execute_block  # loads what only this command needs

    for file in sorted(read_blocks(paths), key=lambda file: file.block.header.number):
        executed = execute_block(
            file.block, file.state(), "evm", block_hashes=file.block_hashes, accesses=True
        )
        yield file.block, executed


def of_chain(datadir: Path, given: list[Path]) -> Iterator[Executed]:
    """The blocks of a range of a chain on disk, each run on its parent's state: ``100..200``,
    ``100..``, ``..200``, ``..`` or ``100``.

    A range that begins before the oldest block whose parent's state is kept begins there.

    Raises:
        ConfigError: it is no range.
        UsageError: it is of blocks that the chain does not have, or cannot run again.
    """
    # loads what only this command needs
    from blockstm.chain import Chain
    from blockstm.executor import execute_block

    first, last = numbers_in([*map(str, given)])
    with Chain.open(datadir, read_only=True) as chain:
        head, oldest = chain.head.number, chain.oldest_state + 1
        last = head if last is None else last
        first = oldest if first is None else first
        if not oldest <= first <= last <= head:
            raise UsageError(f"the chain can run blocks {oldest} to {head}, not {first} to {last}")
        for number in range(first, last + 1):
            block, state = chain.block(number), chain.state_at(number - 1)
            known = range(max(0, number - _HASHES), number)
            executed = execute_block(
                block,
                state,
                "evm",
                chain=chain.spec,
                parent=state.header,
                block_hashes={each: chain.block_hash(each) for each in known},
                total_difficulty=chain.total_difficulty(number - 1),
                accesses=True,
            )
            yield block, executed
