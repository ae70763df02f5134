"""Proofs of single items of a list against its root, as blocks have roots of their receipts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from blockstm._native.trie.tries import NodeStore, Trie
from blockstm.errors import DecodeError, InputError, MissingNode
from blockstm.ethereum.codecs.rlp import encode
from blockstm.messages import brief

__all__ = ["ListProver", "proved_item"]

_INDEX_MAX: Final = (1 << 32) - 1


class ListProver:
    """Proves items of a list, which does not change.

    Args:
        items: encodings, as `blockstm.ethereum.tries.list_root.list_root` takes them.

    >>> from blockstm.ethereum.tries.list_root import list_root
    >>> items = [b"receipt %d" % index * 9 for index in range(200)]
    >>> proof = ListProver(items).prove(130)
    >>> proved_item(list_root(items), 130, proof) == items[130]
    True
    """

    def __init__(self, items: Sequence[bytes]) -> None:
        self._trie = Trie()
        self._trie.update({encode(index): item for index, item in enumerate(items)})

    def prove(self, index: int) -> tuple[bytes, ...]:
        """The encoded nodes from the root towards an item."""
        self._trie.root()
        return tuple(self._trie.prove(encode(index)))


def proved_item(root: bytes, index: int, nodes: Sequence[bytes]) -> bytes:
    """The item at an index of the list with this root.

    Args:
        root: 32 bytes.
        index: from 0 on.
        nodes: as `ListProver.prove` gives them.

    Raises:
        DecodeError: the nodes do not lead there from the root, or prove that there is no such item.
        InputError: an argument is of the wrong kind.
    """
    if type(index) is not int or not 0 <= index <= _INDEX_MAX:
        raise InputError(f"an index is an int from 0 on, not {brief(index)}")
    given: Any = nodes
    if not isinstance(given, Sequence) or not all(isinstance(each, bytes) for each in given):
        raise InputError(f"nodes are a sequence of bytes, not {brief(given)}")
    try:
        item = Trie(root, NodeStore(nodes)).get(encode(index))
    except MissingNode as error:
        raise DecodeError(f"nodes: they do not lead to item {index}: {error}", "nodes") from error
    if item is None:
        raise DecodeError(f"nodes: they prove that there is no item {index}", "nodes")
    return item
