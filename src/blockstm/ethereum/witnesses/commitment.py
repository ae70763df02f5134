"""A Merkle commitment over the chunks of some bytes, with proofs of single chunks.

Bytes are cut into chunks of 1,024, the last of which may be shorter. A leaf is the keccak of a zero
byte and a chunk, a node that of a one byte and two nodes; a node without a right neighbour goes up
as it is. The root is the keccak of a two byte, the number of bytes (8, big-endian) and the topmost
node, so that no chunk passes as a node, and no bytes as others with more or fewer behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from blockstm._native.crypto.hashes import keccak256_many
from blockstm.errors import DecodeError, InputError
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import Items, encode
from blockstm.messages import brief
from blockstm.types import Hash32

__all__ = ["CHUNK_SIZE", "ChunkProof", "commitment", "join_chunks", "prove_chunk", "prove_chunks"]

CHUNK_SIZE: Final = 1024
"""Bytes of a chunk, the last excepted."""

_LEAF, _NODE, _ROOT = b"\0", b"\1", b"\2"


@dataclass(frozen=True, slots=True)
class ChunkProof:
    """A chunk of committed bytes, with what leads from it to the commitment.

    Attributes:
        index: which chunk it is, from 0.
        size: how many bytes are committed to in all.
        chunk: itself.
        neighbours: from the bottom up, the nodes beside those on the way.
    """

    index: int
    size: int
    chunk: bytes
    neighbours: tuple[Hash32, ...]

    def encode(self) -> bytes:
        """The proof in RLP: index, size, chunk, neighbours."""
        return encode([self.index, self.size, self.chunk, list(self.neighbours)])

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a proof; whether it proves anything is for `check` to say.

        Raises:
            DecodeError: it is none, or not the only encoding of it.
        """
        items = Items(data, "chunk")
        index, size, chunk = (
            items.quantity("index", 64),
            items.quantity("size", 64),
            items.data("chunk"),
        )
        neighbours = tuple(items.items("neighbours").hashes())
        items.end()
        return cls(index, size, chunk, neighbours)

    def check(self, root: bytes) -> None:
        """Check that the bytes that ``root`` commits to have this chunk at this place.

        Raises:
            DecodeError: they have not, or an attribute is of the wrong kind.
            InputError: a root is 32 bytes.
        """
        if not isinstance(root, bytes) or len(root) != 32:
            raise InputError(f"a root is 32 bytes, not {brief(root)}")
        self._check_kinds()
        count = -(-self.size // CHUNK_SIZE)
        is_last = self.index == count - 1
        wanted = self.size - self.index * CHUNK_SIZE if is_last else CHUNK_SIZE
        if not 0 <= self.index < count or len(self.chunk) != wanted:
            raise DecodeError(f"chunk {self.index}: none of {self.size} bytes", "chunk")
        node, at, left = keccak(_LEAF + self.chunk), self.index, list(self.neighbours)
        while count > 1:
            if at ^ 1 < count:
                if not left:
                    raise DecodeError(f"chunk {self.index}: the proof ends early", "neighbours")
                other = left.pop(0)
                node = keccak(_NODE + (other + node if at & 1 else node + other))
            at, count = at >> 1, (count + 1) >> 1
        if left or _rooted(self.size, node) != root:
            raise DecodeError(f"chunk {self.index}: it is not proved against the root", "chunk")

    def _check_kinds(self) -> None:
        given: Any = self.neighbours
        if type(self.index) is not int or type(self.size) is not int or self.size >= 1 << 64:
            raise DecodeError(f"no chunk: {brief(self.index)} of {brief(self.size)} bytes", "chunk")
        if not isinstance(self.chunk, bytes):
            raise DecodeError(f"a chunk is bytes, not {brief(self.chunk)}", "chunk")
        if not isinstance(given, tuple) or not all(isinstance(each, bytes) for each in given):
            raise DecodeError(f"neighbours are a tuple of hashes, not {brief(given)}", "neighbours")


def commitment(data: bytes) -> Hash32:
    """The root over the chunks of some bytes."""
    return _rooted(len(data), _levels(data)[-1][0])


def prove_chunks(data: bytes, indexes: Iterable[int] | None = None) -> Iterator[ChunkProof]:
    """Chunks of some bytes, by default all, each with its proof against their `commitment`.

    Raises:
        InputError: there is no such chunk.
    """
    levels = _levels(data)
    count = len(levels[0]) if data else 0
    for index in range(count) if indexes is None else indexes:
        if type(index) is not int or not 0 <= index < count:
            raise InputError(f"there is no chunk {brief(index)} in {len(data)} bytes")
        at, neighbours = index, []
        for level in levels[:-1]:
            if at ^ 1 < len(level):
                neighbours.append(Hash32(level[at ^ 1]))
            at >>= 1
        chunk = data[index * CHUNK_SIZE : (index + 1) * CHUNK_SIZE]
        yield ChunkProof(index, len(data), chunk, tuple(neighbours))


def prove_chunk(data: bytes, index: int) -> ChunkProof:
    """A chunk of some bytes; see `prove_chunks`."""
    [proof] = prove_chunks(data, [index])
    return proof


def join_chunks(chunks: Iterable[ChunkProof], root: bytes) -> bytes:
    """The bytes that a root commits to, of all their chunks in any order.

    Raises:
        DecodeError: a chunk is not proved against the root, or one is missing.
        InputError: one is no `ChunkProof`, or the root is not 32 bytes.
    """
    found: dict[int, ChunkProof] = {}
    for proof in chunks:
        if not isinstance(proof, ChunkProof):
            raise InputError(f"chunks are of ChunkProof, not {brief(proof)}")
        proof.check(root)
        found[proof.index] = proof
    size = next((proof.size for proof in found.values()), 0)
    missing = next((at for at in range(-(-size // CHUNK_SIZE) or 1) if at not in found), None)
    if missing is not None:
        raise DecodeError(f"chunk {missing} is missing", "chunk")
    return b"".join(found[at].chunk for at in range(len(found)))


def _levels(data: bytes) -> list[Sequence[bytes]]:
    """The nodes of each level, the leaves first."""
    chunks = [data[at : at + CHUNK_SIZE] for at in range(0, len(data), CHUNK_SIZE)] or [b""]
    levels: list[Sequence[bytes]] = [keccak256_many([_LEAF + chunk for chunk in chunks])]
    while len(level := levels[-1]) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = list(keccak256_many([_NODE + one + other for one, other in pairs]))
        levels.append(above + list(level[len(level) // 2 * 2 :]))
    return levels


def _rooted(size: int, node: bytes) -> Hash32:
    return keccak(_ROOT + size.to_bytes(8, "big") + node)
