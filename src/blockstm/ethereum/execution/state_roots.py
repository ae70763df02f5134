"""State roots around a block: after it, and after each transaction, as receipts before Byzantium
have them.

The state may be an `AccountState` that is complete, whose tries are kept from block to block; one
that knows its tries, as a `WitnessState`; or any that has a ``root_after(writes)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from blockstm.cores import usable_cores
from blockstm.ethereum.tries.state_trie import StateTrie
from blockstm.state.accounts import AccountState
from blockstm.types import Hash32

if TYPE_CHECKING:
    from blockstm.ethereum.execution.prepared import ExecuteBlock, PreparedBlock

__all__ = ["roots_after_transactions", "state_root_after", "tells_root", "trie_of"]


def trie_of(state: Any, workers: int | None = None) -> StateTrie | None:
    """The tries of a state, not to be changed; None where it has none, or is partial."""
    if isinstance(state, AccountState):
        if state.partial:
            return None
        found: StateTrie = state.tries(partial(StateTrie.of, workers=workers))
        return found
    trie = getattr(state, "trie", None)
    return trie if isinstance(trie, StateTrie) else None


def tells_root(state: Any) -> bool:
    """Whether `state_root_after` has a root to compute."""
    if getattr(state, "root_after", None) is not None:
        return True
    if isinstance(state, AccountState):
        return not state.partial
    return isinstance(getattr(state, "trie", None), StateTrie)


def state_root_after(
    state: Any, writes: Mapping[Any, Any], workers: int | None = None
) -> Hash32 | None:
    """The root of a state with a block's writes on top; None where the state is partial.

    ``workers`` threads share the work where that is much, by default as many as there are usable
    cores.
    """
    root_after = getattr(state, "root_after", None)
    if root_after is not None:
        root: Hash32 = root_after(writes)
        return root
    now = trie_of(state, workers)
    if now is None:
        return None
    after = now.copy(workers=workers or usable_cores())
    after.apply(writes, state)
    root = after.root
    if isinstance(state, AccountState):
        state.keep_tries_after(now, writes, after)
    return root


def roots_after_transactions(
    prepared: PreparedBlock, execute_block: ExecuteBlock, workers: int | None = None
) -> list[Hash32] | None:
    """The state root after each transaction; None where the state is partial.

    The engine commits a block as a whole. Here its transactions run once more, one at a time, on
    the state with what they have written so far, and the root follows them.
    """
    trie = trie_of(prepared.state, workers)
    if trie is None:
        return _by_root_after(prepared, execute_block)
    trie = trie.copy(workers=1)  # what one transaction changes is not worth sharing
    roots = []
    for before, writes in prepared.writes_by_transaction(execute_block):
        trie.apply(writes, before)
        roots.append(trie.root)
    return roots[1:]  # the first is of what is done before all transactions


def _by_root_after(prepared: PreparedBlock, execute_block: ExecuteBlock) -> list[Hash32] | None:
    root_after = getattr(prepared.state, "root_after", None)
    if root_after is None:
        return None
    so_far: dict[Any, Any] = {}
    roots = []
    for _, writes in prepared.writes_by_transaction(execute_block):
        so_far |= writes
        roots.append(root_after(so_far))
    return roots[1:]
