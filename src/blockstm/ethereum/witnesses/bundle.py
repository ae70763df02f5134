"""Bundles: a block with all that another party checks it by, and all that it came to.

A file is the commitment over what follows, 32 bytes, then an RLP list::

    version        1
    engine         what made it, in ASCII
    chain id
    difficulty     the total difficulty up to the parent; 0 where none counts
    block          its RLP, as bytes
    nodes, codes   of its witness, each list in ascending order, nothing twice
    headers        their RLP, as bytes, by number: up to the parent's
    access list    its RLP, as bytes (EIP-7928); none where the fork has no such lists
    receipts       as the receipts trie holds each
    changes        by address, in ascending order: address, what becomes of the account (0: it is
                   gone, 1: it is there unless empty, 2: it is there), nonce, balance, code hash,
                   each in a list that is empty where it is as it was; 1 if all slots go first; and
                   slots with their new values, in ascending order

Each has one encoding: the same block gives the same bundle on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Self, TypeVar

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import Item, Items, Value, decode, encode
from blockstm.ethereum.witnesses.commitment import ChunkProof, commitment, prove_chunk
from blockstm.ethereum.witnesses.witness import Witness
from blockstm.types import Address, Hash32

if TYPE_CHECKING:
    from blockstm.ethereum.execution.executed import ExecutedBlock
    from blockstm.state.changes import AccountChange

__all__ = ["Bundle"]

_VERSION: Final = 1
_HASH_SIZE: Final = 32

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A block, its witness, and what executing it gave.

    Attributes:
        engine: what made it; it says nothing about whether it is right.
        chain_id: of the chain that the block is on.
        difficulty: the total difficulty up to the parent, which decides the fork around a merge.
        block: itself.
        witness: with the header of the parent.
        access_list: the encoding of the block's access list; no bytes where the fork has none.
        receipts: as the receipts trie holds each.
        changes: of accounts, encoded each for itself, in the order of their addresses.
    """

    engine: str
    chain_id: int
    difficulty: int
    block: Block
    witness: Witness
    access_list: bytes
    receipts: tuple[bytes, ...]
    changes: tuple[bytes, ...]

    @classmethod
    def of(
        cls,
        block: Block,
        witness: Witness,
        executed: ExecutedBlock,
        *,
        engine: str,
        chain_id: int,
        difficulty: int,
    ) -> Self:
        """The bundle of a block that was executed."""
        listed = executed.access_list
        headers = sorted(set(witness.headers), key=lambda header: header.number)
        sorted_witness = Witness(
            witness.parent_state_root,
            tuple(sorted(set(witness.nodes))),
            tuple(sorted(set(witness.codes))),
            tuple(headers),
        )
        return cls(
            engine,
            chain_id,
            difficulty,
            block,
            sorted_witness,
            b"" if listed is None else listed.encode(),
            tuple(receipt.encode() for receipt in executed.receipts),
            tuple(_changes(executed.writes)),
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a bundle. Pure; safe from any thread.

        Raises:
            DecodeError: it is none, or not what its commitment says; ``place`` says where.
        """
        root, content = data[:_HASH_SIZE], data[_HASH_SIZE:]
        if len(root) < _HASH_SIZE or commitment(content) != root:
            raise DecodeError("commitment: the bundle is not what it commits to", "commitment")
        items = Items(content, "bundle")
        version = items.quantity("version", 64)
        if version != _VERSION:
            raise DecodeError(f"bundle.version: {version}, and {_VERSION} is known", "version")
        engine = _text(items.data("engine"))
        chain_id, difficulty = items.quantity("chainId", 64), items.quantity("difficulty")
        block = Block.decode(items.data("block"), "bundle.block")
        witness = _witness(items)
        access_list = items.data("accessList")
        receipts = tuple(_all(items.items("receipts"), lambda each, name: each.data(name)))
        changes = tuple(_strict(each) for each in items.lists("changes"))
        items.end()
        return cls(engine, chain_id, difficulty, block, witness, access_list, receipts, changes)

    def encode(self) -> bytes:
        """The file."""
        content = self._content()
        return commitment(content) + content

    def _content(self) -> bytes:
        witness = self.witness
        return encode(
            [
                _VERSION,
                self.engine.encode("ascii"),
                self.chain_id,
                self.difficulty,
                self.block.encode(),
                [*witness.nodes],
                [*witness.codes],
                [header.encode() for header in witness.headers],
                self.access_list,
                [*self.receipts],
                [_item(each) for each in self.changes],
            ]
        )

    @property
    def hash(self) -> Hash32:
        """The commitment over all of it."""
        return commitment(self._content())

    def prove_chunk(self, index: int) -> ChunkProof:
        """A chunk of its content, with the proof against `hash`.

        Raises:
            InputError: there is no such chunk.
        """
        return prove_chunk(self._content(), index)

    def compare(self, executed: ExecutedBlock) -> None:
        """Compare what it says with what executing its block gave.

        Raises:
            DecodeError: something differs; ``place`` names the first such thing.
        """
        listed = executed.access_list
        if self.access_list != (b"" if listed is None else listed.encode()):
            raise _different("accessList")
        _compare(self.receipts, [each.encode() for each in executed.receipts], "receipts")
        _compare(self.changes, list(_changes(executed.writes)), "changes")


def _strict(items: Items) -> bytes:
    decode(items.encoding, items.place)  # all that stands in it, too
    return items.encoding


def _text(data: bytes) -> str:
    if not data.isascii():
        raise DecodeError("bundle.engine: it is not ASCII", "bundle.engine")
    return data.decode("ascii")


def _witness(items: Items) -> Witness:
    nodes = _ascending(items, "nodes")
    codes = _ascending(items, "codes")
    headers = tuple(
        _all(
            items.items("headers"),
            lambda each, name: Header.decode(each.data(name), f"bundle.headers{name}"),
        )
    )
    numbers = [header.number for header in headers]
    if not headers or numbers != sorted(set(numbers)):
        raise DecodeError("bundle.headers: expected headers by number", "bundle.headers")
    root = headers[-1].state_root
    _check_linked(root, nodes, codes)
    return Witness(root, nodes, codes, headers)


def _check_linked(root: Hash32, nodes: tuple[bytes, ...], codes: tuple[bytes, ...]) -> None:
    """Refuse a node or a code that nothing refers to: it would prove nothing, and might be a lie.

    Raises:
        DecodeError: there is one, or a node is no RLP.
    """
    known = {bytes(root)}
    for index, node in enumerate(nodes):
        known.update(_hashes_in(decode(node, f"bundle.nodes[{index}]")))
    for name, listed in (("nodes", nodes), ("codes", codes)):
        for index, data in enumerate(listed):
            if keccak(data) not in known:
                place = f"bundle.{name}[{index}]"
                raise DecodeError(f"{place}: no node refers to it", place)


def _hashes_in(value: Value) -> Iterator[bytes]:
    """What may be hashes in a node: of its children, and of the storage and code of an account."""
    if isinstance(value, list):
        for each in value:
            yield from _hashes_in(each)
    elif len(value) == _HASH_SIZE:
        yield value
    elif len(value) > 2 * _HASH_SIZE:
        with suppress(DecodeError):  # the value of a leaf is RLP, too
            yield from _hashes_in(decode(value))


def _ascending(items: Items, name: str) -> tuple[bytes, ...]:
    found = tuple(_all(items.items(name), lambda each, index: each.data(index)))
    if any(one >= other for one, other in pairwise(found)):
        place = items.place_of(name)
        raise DecodeError(f"{place}: they do not ascend", place)
    return found


def _all(items: Items, read: Callable[[Items, str], T]) -> Iterable[T]:
    index = 0
    while items:
        yield read(items, f"[{index}]")
        index += 1


def _item(encoding: bytes) -> Item:
    return decode(encoding)


def _changes(writes: Mapping[Address, AccountChange]) -> Iterable[bytes]:
    """Each account's change, encoded, in the order of addresses."""
    for address, change in sorted(writes.items()):
        if change.exists is False:
            yield encode([address, 0])
            continue
        slots: list[Item] = [[slot, value] for slot, value in sorted(change.storage.items())]
        yield encode(
            [
                address,
                2 if change.exists else 1,
                _known(change.nonce),
                _known(change.balance),
                _known(change.code_hash),
                int(change.cleared),
                slots,
            ]
        )


def _known(value: int | bytes | None) -> Item:
    return [] if value is None else [value]


def _compare(said: Iterable[bytes], found: Iterable[bytes], name: str) -> None:
    ours, theirs = list(found), list(said)
    for index, (one, other) in enumerate(zip(ours, theirs, strict=False)):
        if one != other:
            raise _different(f"{name}[{index}]")
    if len(ours) != len(theirs):
        raise _different(f"{name}[{min(len(ours), len(theirs))}]")


def _different(place: str) -> DecodeError:
    return DecodeError(f"{place}: executing the block gives something else", place)
