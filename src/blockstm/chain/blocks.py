"""The blocks of a chain as one snapshot of its store has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from blockstm.chain.encodings import (
    decode_block,
    decode_hashes,
    decode_number,
    decode_receipts,
    encode_number,
)
from blockstm.chain.store import Table
from blockstm.errors import DecodeError, PrunedState, StoreDamaged, UnknownBlock
from blockstm.ethereum import Block, Header, Receipt, Transaction
from blockstm.ethereum.chains.rules import NO_RULES, Rules
from blockstm.messages import brief
from blockstm.state.changes import RecordedChanges
from blockstm.types import Address, Hash32

__all__ = ["Blocks", "FoundTransaction", "Reader", "steps_between"]


@dataclass(frozen=True, slots=True)
class FoundTransaction:
    """A transaction of the chain, and where it stands.

    Attributes:
        transaction: itself.
        sender: who signed it.
        block_hash, number: of its block, which is among the head's ancestors.
        index: its place in the block.
    """

    transaction: Transaction
    sender: Address
    block_hash: Hash32
    number: int
    index: int


class Reader(Protocol):
    """A snapshot, or one with a batch on top."""

    def get(self, table: Table, key: bytes) -> bytes | None:
        """See `blockstm.chain.store.Snapshot`."""

    def items(self, table: Table, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """See `blockstm.chain.store.Snapshot`."""


class Blocks:
    """Headers, blocks, receipts and changes by the block's hash; any thread.

    ``rules`` are those of the chain's own.

    What is absent of a block that is there is `StoreDamaged`, as is what cannot be decoded.
    """

    __slots__ = ("_reader", "_rules")

    def __init__(self, reader: Reader, rules: Rules = NO_RULES) -> None:
        self._reader = reader
        self._rules = rules

    def has(self, block_hash: bytes) -> bool:
        """Whether there is such a block."""
        return self._reader.get(Table.HEADERS, block_hash) is not None

    def header(self, block_hash: bytes) -> Header:
        """The header of a block.

        Raises:
            UnknownBlock: there is no such block.
        """
        encoded = self._reader.get(Table.HEADERS, block_hash)
        if encoded is None:
            raise UnknownBlock(f"the chain has no block 0x{block_hash.hex()}")
        try:
            return Header.decode(encoded)
        except DecodeError as error:
            raise _damaged("header", block_hash) from error

    def block(self, block_hash: bytes) -> Block:
        """A block, with the senders of its transactions.

        Raises:
            UnknownBlock: there is no such block.
        """
        header = self._reader.get(Table.HEADERS, block_hash)
        if header is None:
            raise UnknownBlock(f"the chain has no block 0x{block_hash.hex()}")
        body, senders = self._part(Table.BODIES, block_hash), self._part(Table.SENDERS, block_hash)
        try:
            return decode_block(header, body, senders, Hash32(block_hash), self._rules)
        except DecodeError as error:
            raise _damaged("block", block_hash) from error

    def receipts(self, block: Block) -> tuple[Receipt, ...]:
        """The receipts of a block that `block` gave."""
        encoded = self._part(Table.RECEIPTS, block.hash)
        try:
            return decode_receipts(encoded, block, self._rules)
        except DecodeError as error:
            raise _damaged("receipts", block.hash) from error

    def total_difficulty(self, block_hash: bytes) -> int:
        """The difficulties of all blocks up to and with a block, summed up."""
        return int.from_bytes(self._part(Table.DIFFICULTIES, block_hash), "big")

    def canonical(self, number: int) -> Hash32 | None:
        """The block of a number among the head's ancestors; None where there is none."""
        found = self._reader.get(Table.CANONICAL, encode_number(number))
        return None if found is None else Hash32(found)

    def known(self, number: int) -> list[Hash32]:
        """All blocks of a number."""
        return decode_hashes(self._reader.get(Table.KNOWN, encode_number(number)) or b"")

    def place_of(self, transaction_hash: bytes) -> tuple[int, int] | None:
        """Number of the canonical block with a transaction, its index; None if there is none."""
        found = self._reader.get(Table.TRANSACTIONS, transaction_hash)
        return None if found is None else (decode_number(found), int.from_bytes(found[8:], "big"))

    def undoing(self, block_hash: bytes) -> RecordedChanges:
        """The changes from the state after a block to that before it.

        Raises:
            PrunedState: they are kept no more.
        """
        return self._changes(Table.BEFORE, block_hash)

    def doing(self, block_hash: bytes) -> RecordedChanges:
        """The changes from the state before a block to that after it.

        Raises:
            PrunedState: they are kept no more.
        """
        return self._changes(Table.AFTER, block_hash)

    def _changes(self, table: Table, block_hash: bytes) -> RecordedChanges:
        records = self._reader.get(table, block_hash)
        if records is None:
            raise PrunedState(
                f"what block 0x{block_hash.hex()} changed is kept no more: it is behind the window"
            )
        return RecordedChanges(records, {})

    def code(self, code_hash: bytes) -> bytes | None:
        """The code with a hash; None where no account has or had it."""
        return self._reader.get(Table.CODES, code_hash)

    def node(self, table: Table, key: bytes) -> bytes | None:
        """A node of a trie as of the head; None where a table of nodes has none at a place."""
        return self._reader.get(table, key)

    def rows(self, table: Table, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Accounts or slots whose keys begin with a prefix, of the state that is stored."""
        return self._reader.items(table, prefix)

    def meta(self, name: bytes) -> bytes | None:
        """What the store says of itself under a name."""
        return self._reader.get(Table.META, name)

    def _part(self, table: Table, block_hash: bytes) -> bytes:
        found = self._reader.get(table, block_hash)
        if found is None:
            raise StoreDamaged(f"{table} of block 0x{block_hash.hex()}: absent though it is known")
        return found

    def path(self, start: bytes, end: bytes) -> tuple[list[Hash32], list[Hash32]]:
        """The way from one block to another: those to undo, the newest first, and those to do.

        Raises:
            PrunedState: there is no way that is kept.
        """
        undone: list[Hash32] = []
        done: list[Hash32] = []
        try:
            for block_hash, is_undone in steps_between(self.header, Hash32(start), Hash32(end)):
                (undone if is_undone else done).append(block_hash)
        except UnknownBlock as error:
            raise PrunedState(
                f"between blocks {brief(start.hex())} and {brief(end.hex())}: {error}"
            ) from error
        return undone, done[::-1]


def _damaged(what: str, block_hash: bytes) -> StoreDamaged:
    return StoreDamaged(f"the {what} of block 0x{block_hash.hex()} cannot be decoded")


def steps_between(
    header: Callable[[Hash32], Header], start: Hash32, end: Hash32
) -> Iterator[tuple[Hash32, bool]]:
    """The blocks on the way from one to another, and whether it leads down over a block: those to
    undo from the newest on, those to do from the last on.

    Raises:
        UnknownBlock: ``header`` knows no block of a hash; the way is not known from there on.
    """
    lower, upper = header(start), header(end)
    while start != end:
        if lower.number >= upper.number:
            yield start, True
            start = lower.parent_hash
            lower = header(start)
        else:
            yield end, False
            end = upper.parent_hash
            upper = header(end)
