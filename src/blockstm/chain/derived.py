"""Tries of blocks whose states no table holds: from those there are, by what blocks changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, Protocol

from blockstm.chain.blocks import Blocks
from blockstm.errors import StoreDamaged
from blockstm.ethereum import Header, StateTrie
from blockstm.types import Hash32

__all__ = ["DerivedTries", "Tries"]

_KEPT_MAX: Final = 32
"""Derived tries that are at hand for who asks again."""


class Tries(Protocol):
    """Where the tries after a block are found."""

    def trie(self, block_hash: Hash32, /) -> StateTrie | None:
        """The tries after a block, not to be changed; None where they are not at hand."""

    def start(self, blocks: Blocks, head: Hash32, /) -> tuple[Hash32, StateTrie] | None:
        """A block whose tries are at hand, and these; None where the chain is moving on."""


class DerivedTries:
    """The tries after any block in reach.

    Those that were asked lately are kept, as long as the tries that they follow from are the
    store's: they hold on to the commit that these were made by, and the file cannot use again what
    was left since.

    Thread-safety: any thread; where something is to be derived they take turns.
    """

    def __init__(self, tries: Tries) -> None:
        self._tries = tries
        self._deriving = threading.Lock()
        self._from: Hash32 | None = None
        self._kept: OrderedDict[Hash32, StateTrie] = OrderedDict()

    def release(self, stored: Hash32 | None) -> None:
        """Keep no tries that follow from those of another block than this. Waits for nobody."""
        if stored != self._from:
            self._from, self._kept = stored, OrderedDict()

    def trie(
        self, blocks: Blocks, head: Hash32, block_hash: Hash32, header: Header
    ) -> StateTrie | None:
        """The tries after a block, not to be changed; None where the chain has moved on meanwhile.

        Args:
            blocks, head: the chain as it is seen.
            block_hash, header: of the block.

        Raises:
            StoreError: something cannot be read.
        """
        trie = self._tries.trie(block_hash)
        if trie is not None:
            return trie
        with self._deriving:
            start = self._tries.start(blocks, head)
            if start is None or not blocks.has(start[0]):
                return None
            self.release(start[0])
            kept = self._kept  # an import may begin another meanwhile
            derived = kept.get(block_hash)
            if derived is None:
                derived = kept[block_hash] = _derived(blocks, start, kept, block_hash, header)
                if len(kept) > _KEPT_MAX:
                    kept.popitem(last=False)
            return derived


def _derived(
    blocks: Blocks,
    start: tuple[Hash32, StateTrie],
    kept: Mapping[Hash32, StateTrie],
    block_hash: Hash32,
    header: Header,
) -> StateTrie:
    undone, done = blocks.path(start[0], block_hash)
    known = next((place for place in reversed(range(len(done))) if done[place] in kept), None)
    if known is None:
        trie = start[1].copy()
    else:
        trie, undone, done = kept[done[known]].copy(), [], done[known + 1 :]
    for each in undone:
        trie.apply(blocks.undoing(each), None)
    for each in done:
        trie.apply(blocks.doing(each), None)
    if trie.root != header.state_root:
        raise StoreDamaged(f"the changes back to block {header.number} do not give its root")
    return trie
