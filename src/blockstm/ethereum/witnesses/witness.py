"""What a witness is, how it is written, and how it belongs to the block that it is of.

A witness holds encoded nodes of the state's tries: those on the paths to whatever a block reads
or changes, and a few that removals need. Each is known by its hash, so nothing has to be trusted.
Code is no part of a trie; it comes beside the nodes and is known by its hash, too. The headers of
the blocks before lead from the block's parent back, each by the hash that the one after it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from blockstm.errors import DecodeError, MissingHeader
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.codecs.fields import shown
from blockstm.types import Hash32

__all__ = ["Witness"]


@dataclass(frozen=True, slots=True)
class Witness:
    """The part of the state that a block reads, with its proof.

    Attributes:
        parent_state_root: of that state; `ancestry` compares it with the header of the parent,
            where there is one, else it is to be compared with a trusted one.
        nodes: encoded nodes of the tries, in any order.
        codes: of the contracts that run, in any order.
        headers: of the block's parent and of blocks before it, in any order.
    """

    parent_state_root: Hash32
    nodes: tuple[bytes, ...]
    codes: tuple[bytes, ...] = ()
    headers: tuple[Header, ...] = ()

    def ancestry(self, block: Block) -> tuple[Header | None, dict[int, Hash32]]:
        """What `blockstm.execute_block` takes as ``parent`` and ``block_hashes``.

        Returns:
            The header of the parent, and number → hash of the blocks before. Where the witness has
            no headers, None and the hash of the parent, which the block itself has.

        Raises:
            MissingHeader: the header of the parent, or one between others, is not there.
            DecodeError: a header leads nowhere, or the parent has another state root.
        """
        number, block_hash = block.header.number, block.header.parent_hash
        hashes = {int(number) - 1: block_hash} if number else {}
        if not self.headers:
            return None, hashes
        left = {header.hash: header for header in self.headers}
        parent = left.get(block_hash)
        while left:
            header = left.pop(block_hash, None)
            if header is None or header.number + 1 != number:
                raise self._unlinked(block_hash, int(number) - 1, left)
            number, block_hash = header.number, header.parent_hash
            if number:
                hashes[int(number) - 1] = block_hash
        assert parent is not None  # the first that was looked for
        if parent.state_root != self.parent_state_root:
            raise DecodeError(
                f"the witness is of a state with the root {shown(self.parent_state_root)}, and "
                f"the block's parent has {shown(parent.state_root)}",
                "parentStateRoot",
            )
        return parent, hashes

    def _unlinked(self, block_hash: Hash32, number: int, left: dict[Hash32, Header]) -> Exception:
        """The error about the first header that the walk from the block back does not come to."""
        stray = [at for at, each in enumerate(self.headers) if each.hash in left]
        if stray and self.headers[stray[0]].number < number:
            return MissingHeader(
                f"the witness lacks the header of block {number}, {shown(block_hash)}", block_hash
            )
        place = f"headers[{stray[0]}]" if stray else "headers"
        return DecodeError(
            f"{place}: of no block before this one; that of block {number} has the hash "
            f"{shown(block_hash)}",
            place,
        )

    def to_json(self) -> dict[str, Any]:
        """The witness as ``debug_executionWitness`` prints it: sorted, each thing once.

        Nodes and codes are in the order of their bytes, headers in RLP by number; no ``keys``.
        """
        headers = sorted(set(self.headers), key=lambda header: (header.number, header.hash))
        return {
            "state": [shown(node) for node in sorted(set(self.nodes))],
            "codes": [shown(code) for code in sorted(set(self.codes))],
            "keys": [],
            "headers": [shown(header.encode()) for header in headers],
        }
