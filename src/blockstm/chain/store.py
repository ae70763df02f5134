"""What a chain keeps its data in: tables of bytes, read as of one commit, changed in one go.

`Chain` knows no database, only a `Store`. What it promises is what a chain needs after a crash:
a `Batch` is there as a whole or not at all, and when `Store.commit` returns it is durable. *Absent*
and *unreadable* are two answers: a key without a value is None, whatever else is `StoreError`.

Keys sort as bytes. Numbers in keys are big-endian, so that they sort as numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from enum import StrEnum, auto
from typing import NamedTuple, Protocol

__all__ = ["Batch", "FileSize", "Snapshot", "Store", "Table", "TableSize"]


class Table(StrEnum):
    """The tables, with the keys and values of each. A hash is of 32 bytes, a number of 8."""

    META = auto()
    """A name in ASCII → what it says; see `blockstm.chain.schema`."""
    HEADERS = auto()
    """Block hash → the header's RLP."""
    BODIES = auto()
    """Block hash → the block's RLP without the header: transactions, ommers, withdrawals."""
    RECEIPTS = auto()
    """Block hash → RLP list of the receipts, each as the receipts trie holds it."""
    SENDERS = auto()
    """Block hash → the senders of its transactions, 20 bytes each."""
    DIFFICULTIES = auto()
    """Block hash → total difficulty up to and with the block, big-endian without leading zeros."""
    CANONICAL = auto()
    """Number → hash of the block of that number among the head's ancestors."""
    KNOWN = auto()
    """Number → hashes of all blocks of that number, side branches too, 32 bytes each."""
    TRANSACTIONS = auto()
    """Transaction hash → number of its canonical block (8 bytes), its index there (4)."""
    ACCOUNTS = auto()
    """Hashed address (32 bytes) → account; see `blockstm.chain.flat`."""
    SLOTS = auto()
    """Hashed address (its first 20), hashed slot (32) → slot and value; no value is zero."""
    CODES = auto()
    """Code hash → code."""
    BEFORE = auto()
    """Block hash → change records that take the state after the block to the one before it."""
    AFTER = auto()
    """Block hash → change records that take the state before the block to the one after it."""
    ACCOUNT_NODES = auto()
    """Path of nibbles, packed → node of the account trie above more than 16 accounts."""
    STORAGE_NODES = auto()
    """Hashed address (32), path of nibbles, packed → the same of that account's storage trie."""


class TableSize(NamedTuple):
    """How much a table holds: entries, and bytes on disk (or of keys and values in memory)."""

    entries: int
    bytes: int


class FileSize(NamedTuple):
    """How far the file of a store is filled; zeros where it has none.

    Attributes:
        bytes: up to the last page that was ever used; the file itself grows by steps beyond it.
        free_bytes: of these, in pages that hold nothing now and are used before the file grows.
            What a reader still sees of earlier commits counts, and is used when he ends.
    """

    bytes: int
    free_bytes: int


class Batch:
    """Changes that are made together: table → key → value, None to remove. The last one counts.

    Not for several threads at once.
    """

    __slots__ = ("changes",)

    def __init__(self) -> None:
        self.changes: dict[Table, dict[bytes, bytes | None]] = defaultdict(dict)

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        """Have a key have this value."""
        self.changes[table][key] = value

    def remove(self, table: Table, key: bytes) -> None:
        """Have a key have no value; it may have had none."""
        self.changes[table][key] = None


class Snapshot(Protocol):
    """The store as it was when `Store.snapshot` was called, whatever is committed meanwhile.

    Any thread may use it. One that nobody holds any more is closed.
    """

    def get(self, table: Table, key: bytes) -> bytes | None:
        """The value of a key; None where it has none.

        Raises:
            StoreError: it cannot be read.
        """

    def items(self, table: Table, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Keys that begin with ``prefix`` and their values, in the order of the keys.

        Raises:
            StoreError: they cannot be read.
        """

    def close(self) -> None:
        """Let the store forget what only this snapshot still sees; may be called twice."""


class Store(Protocol):
    """Tables of bytes with one writer and any number of readers, which never wait for it."""

    def snapshot(self) -> Snapshot:
        """What there is after the last commit.

        Raises:
            StoreError: it cannot be read.
            ClosedError: the store was closed.
        """

    def commit(self, batch: Batch) -> None:
        """Make all changes of a batch, durably; or none of them.

        Raises:
            StoreError: they could not be made, and none was: the disk is full, or fails.
            ClosedError: the store was closed.
        """

    def sizes(self) -> Mapping[Table, TableSize]:
        """How much each table holds."""

    def file_size(self) -> FileSize:
        """How far the file is filled."""

    def close(self) -> None:
        """Release files and locks; may be called twice."""
