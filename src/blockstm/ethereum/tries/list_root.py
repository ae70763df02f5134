"""The root of a list: the Merkle Patricia trie over index → item (Yellow Paper, appendix D).

A block commits to its transactions, receipts and withdrawals by such roots. The root of a state is
in `stateroot`.
"""

from __future__ import annotations

from collections.abc import Sequence

from blockstm._native.trie.roots import ordered_root
from blockstm.types import Hash32

__all__ = ["list_root"]


def list_root(items: Sequence[bytes]) -> Hash32:
    """The root of the trie that maps the RLP of each index to the item at it.

    Raises:
        InputError: an item is not bytes.
    """
    return Hash32(ordered_root(items))
