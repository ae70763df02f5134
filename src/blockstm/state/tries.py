"""The tries of a state, kept from block to block so that a root costs what a block changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, Self

from blockstm.state.changes import AccountChanges

__all__ = ["KeptTries", "Trie"]

_BLOCKS_KEPT = 2  # two that were run on one state, for example siblings


class Trie(Protocol):
    """The kept trie: a `blockstm.ethereum.StateTrie`, which this layer does not know."""

    def copy(self) -> Self:
        """The same state once more."""

    def apply(self, writes: Mapping[Any, Any], before: Any) -> None:
        """Make the writes of a block."""


class _Kept(NamedTuple):
    version: int
    now: Trie
    after: tuple[tuple[Mapping[Any, Any], Trie], ...] = ()  # the last block first


class KeptTries:
    """The tries of a state that are kept, and those after blocks that were run on it.

    A memo: it changes no result, and without it everything is computed anew. All that it knows is
    about one version of the state's contents, and a caller names the version. A trie that is
    kept is never changed in place, so that any number of blocks may read it.

    Thread-safety: any thread may use it. What is known is one object that is replaced as a whole;
    of two threads that replace it at once one is forgotten.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: _Kept | None = None

    def now(self, version: int) -> Trie | None:
        """The tries of the state; None where none are kept for this version."""
        kept = self._kept
        return kept.now if kept is not None and kept.version == version else None

    def keep(self, version: int, now: Trie) -> None:
        """Remember the tries of the state."""
        kept = self._kept
        if kept is None or kept.version != version:
            self._kept = _Kept(version, now)

    def keep_after(self, now: Trie, writes: Mapping[Any, Any], after: Trie) -> None:
        """Remember what ``writes`` make of the tries ``now``, unless these writes may change."""
        kept = self._kept
        if kept is not None and kept.now is now and isinstance(writes, AccountChanges):
            others = kept.after[: _BLOCKS_KEPT - 1]
            self._kept = kept._replace(after=((writes, after), *others))

    def after(self, version: int, writes: Any, before: Any) -> Trie | None:
        """The tries after ``writes``; ``before`` is the state, which does not have them yet."""
        kept = self._kept
        if kept is None or kept.version != version:
            return None
        for those, trie in kept.after:
            if those is writes:
                return trie
        trie = kept.now.copy()
        trie.apply(writes, before)
        return trie
