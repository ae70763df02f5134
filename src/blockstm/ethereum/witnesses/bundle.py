"""Bundles: a block with all that another party checks it by, and all that it came to.

A file is the commitment over what follows, 32 bytes, then an RLP list::

    version        2
    engine         what made it, in ASCII
    chain id
    difficulty     the total difficulty up to the parent; 0 where none counts
    block          its RLP, as bytes
    nodes, codes   of its witness, each list in ascending order, nothing twice
    headers        their RLP, as bytes, by number: up to the parent's
    access list    its RLP, as bytes, in the form of EIP-7928, whatever the fork
    receipts       as the receipts trie holds each
    hints          for each transaction the list of the earlier ones whose writes it read, ascending
    changes        by address, in ascending order: address, what becomes of the account (0: it is
                   gone, 1: it is there unless empty, 2: it is there), nonce, balance, code hash,
                   each in a list that is empty where it is as it was; 1 if all slots go first; and
                   slots with their new values, in ascending order

Version 1 has no hints, and an access list only where the fork has such lists; it is read as before.

Each has one encoding: the same block gives the same bundle on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Self, TypeVar

from blockstm.errors import DecodeError, InputError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import Item, Items, Value, decode, encode
from blockstm.ethereum.witnesses.commitment import (
    CHUNK_SIZE,
    ChunkProof,
    commitment,
    prove_chunk,
    prove_chunks,
)
from blockstm.ethereum.witnesses.witness import Witness
from blockstm.types import Address, Hash32

if TYPE_CHECKING:
    from blockstm.ethereum.execution.executed import ExecutedBlock
    from blockstm.ethereum.results.block_accesses import BlockAccesses
    from blockstm.state.changes import AccountChange

__all__ = ["Bundle"]

_VERSIONS: Final = (1, 2)
_HASH_SIZE: Final = 32
_ACCOUNT_MEMBERS: Final = 4  # nonce, balance, storage root, code hash

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
        access_list: the encoding of the block's access list; of version 1, no bytes where the fork
            has none.
        receipts: as the receipts trie holds each.
        changes: of accounts, encoded each for itself, in the order of their addresses.
        hints: for each transaction the earlier ones whose writes it read: what
            `blockstm.hints.from_dependencies` takes. None of version 1.
    """

    engine: str
    chain_id: int
    difficulty: int
    block: Block
    witness: Witness
    access_list: bytes
    receipts: tuple[bytes, ...]
    changes: tuple[bytes, ...]
    hints: tuple[tuple[int, ...], ...] | None = None

    @property
    def version(self) -> int:
        """Of the encoding."""
        return 1 if self.hints is None else 2

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
        """The bundle of a block that was executed, best with ``accesses=True``: without, it is of
        version 1."""
        accesses, listed = executed.accesses, executed.access_list
        if accesses is not None:
            listed = accesses.access_list
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
            None if accesses is None else tuple(accesses.dependencies),
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
        if version not in _VERSIONS:
            raise DecodeError(f"bundle.version: {version}, and 1 and 2 are known", "version")
        engine = _text(items.data("engine"))
        chain_id, difficulty = items.quantity("chainId", 64), items.quantity("difficulty")
        block = Block.decode(items.data("block"), "bundle.block")
        witness = _witness(items)
        access_list = items.data("accessList")
        receipts = tuple(_all(items.items("receipts"), lambda each, name: each.data(name)))
        hints = _hints(items.lists("hints"), len(block.transactions)) if version > 1 else None
        changes = tuple(_strict(each) for each in items.lists("changes"))
        items.end()
        return cls(
            *(engine, chain_id, difficulty, block, witness, access_list, receipts, changes, hints)
        )

    def encode(self) -> bytes:
        """The file."""
        content = self._content()
        return commitment(content) + content

    def _content(self) -> bytes:
        witness = self.witness
        return encode(
            [
                self.version,
                self.engine.encode("ascii"),
                self.chain_id,
                self.difficulty,
                self.block.encode(),
                [*witness.nodes],
                [*witness.codes],
                [header.encode() for header in witness.headers],
                self.access_list,
                [*self.receipts],
                *([] if self.hints is None else [[list(each) for each in self.hints]]),
                [_item(each) for each in self.changes],
            ]
        )

    @property
    def hash(self) -> Hash32:
        """The commitment over all of it."""
        return commitment(self._content())

    @property
    def chunk_count(self) -> int:
        """How many chunks its content has."""
        return -(-len(self._content()) // CHUNK_SIZE)

    def prove_chunk(self, index: int) -> ChunkProof:
        """A chunk of its content, with the proof against `hash`.

        Raises:
            InputError: there is no such chunk.
        """
        return prove_chunk(self._content(), index)

    def prove_chunks(self, indexes: Iterable[int] | None = None) -> Iterator[ChunkProof]:
        """Many chunks, by default all, each with its proof; faster than one after another.

        Raises:
            InputError: there is no such chunk.
        """
        return prove_chunks(self._content(), indexes)

    def compare(self, executed: ExecutedBlock) -> None:
        """Compare what it says with what executing its block gave.

        Args:
            executed: with ``accesses=True``, but of version 1.

        Raises:
            DecodeError: something differs; ``place`` names the first such thing.
            InputError: it is of version 2, and its block was executed without accesses.
        """
        if self.hints is None:
            listed = executed.access_list
        else:
            accesses = _accesses(executed)
            listed = accesses.access_list
        if self.access_list != (b"" if listed is None else listed.encode()):
            raise _different("accessList")
        if self.hints is not None:
            _compare(self.hints, accesses.dependencies, "hints")
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
    """Refuse a node that no node refers to, and a code that no account has: they would prove
    nothing, and might be lies.

    Raises:
        DecodeError: there is one, or a node is no RLP.
    """
    known, coded = {bytes(root)}, set[bytes]()
    for index, node in enumerate(nodes):
        for value in _values_in(decode(node, f"bundle.nodes[{index}]")):
            if isinstance(value, bytes):
                known.add(value)
            elif len(value) == _ACCOUNT_MEMBERS and isinstance(value[-1], bytes):
                coded.add(value[-1])
    _check_known(nodes, known, "nodes")
    _check_known(codes, coded, "codes")


def _check_known(listed: Iterable[bytes], known: set[bytes], name: str) -> None:
    for index, data in enumerate(listed):
        if keccak(data) not in known:
            place = f"bundle.{name}[{index}]"
            raise DecodeError(f"{place}: no node refers to it", place)


def _values_in(node: Value) -> Iterator[Value]:
    """What may be hashes in a node, of its children or of an account's storage; and lists, of which
    an account's is one."""
    left = [(node, True)]
    while left:
        value, may_be_leaf = left.pop()
        if isinstance(value, list):
            yield value
            left += [(each, may_be_leaf) for each in value]
        elif len(value) == _HASH_SIZE:
            yield value
        elif may_be_leaf and len(value) > 2 * _HASH_SIZE:
            with suppress(DecodeError):  # the value of a leaf is RLP, too, and nothing in that is
                left.append((decode(value), False))


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


def _accesses(executed: ExecutedBlock) -> BlockAccesses:
    if executed.accesses is None:
        raise InputError(
            "a bundle of version 2 says what each transaction accessed: to compare that, execute "
            "its block with accesses=True"
        )
    return executed.accesses


def _hints(lists: Iterable[Items], count: int) -> tuple[tuple[int, ...], ...]:
    found = tuple(tuple(each.quantities()) for each in lists)
    for place, needed in enumerate(found):
        if list(needed) != sorted(set(needed)) or any(each >= place for each in needed):
            name = f"bundle.hints[{place}]"
            raise DecodeError(f"{name}: expected earlier transactions, ascending", name)
    if len(found) != count:
        raise DecodeError("bundle.hints: not as many as transactions", "bundle.hints")
    return found


def _compare(said: Iterable[object], found: Iterable[object], name: str) -> None:
    ours, theirs = list(found), list(said)
    for index, (one, other) in enumerate(zip(ours, theirs, strict=False)):
        if one != other:
            raise _different(f"{name}[{index}]")
    if len(ours) != len(theirs):
        raise _different(f"{name}[{min(len(ours), len(theirs))}]")


def _different(place: str) -> DecodeError:
    return DecodeError(f"{place}: executing the block gives something else", place)
