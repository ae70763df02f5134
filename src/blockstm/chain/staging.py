"""What an import is about to make durable: a batch, and how the chain reads with it on top."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

from blockstm.chain.blocks import Blocks
from blockstm.chain.encodings import (
    encode_number,
    encode_places,
    encode_receipts,
)
from blockstm.chain.store import Batch, Snapshot, Table
from blockstm.ethereum import Block, ExecutedBlock
from blockstm.ethereum.chains.rules import NO_RULES, Rules
from blockstm.state.changes import RecordedChanges
from blockstm.types import Address, Hash32

__all__ = ["HEAD", "OLDEST", "STATE", "Staging"]

HEAD: Final = b"head"
"""Under `Table.META`: the hash of the head."""
OLDEST: Final = b"oldest"
"""Under `Table.META`: the number of the oldest block whose state can be had."""
STATE: Final = b"state"
"""Under `Table.META`: the hash of the block whose state the tables hold, accounts, slots and nodes.

It is the head or one of its ancestors, and no further back than the window: what the blocks between
changed is kept by block, and leads from one to the other.
"""

_BLOCK_PARTS: Final = (
    Table.HEADERS,
    Table.BODIES,
    Table.RECEIPTS,
    Table.SENDERS,
    Table.DIFFICULTIES,
)


class Staging:
    """A batch on top of a snapshot. For the one thread that imports.

    Attributes:
        batch: the changes so far.
        is_empty: whether there are none.
        bytes: that were put, about.
    """

    def __init__(self, snapshot: Snapshot | Staging, rules: Rules = NO_RULES) -> None:
        self._snapshot = snapshot
        self._rules = rules
        self._begun = time.monotonic()
        self.batch = Batch()
        self.is_empty = True
        self.bytes = 0

    @property
    def blocks(self) -> Blocks:
        """The chain with the changes so far.

        Made anew each time: a cycle would hold the snapshot, and the pages that are free without
        it, until it is collected.
        """
        return Blocks(self, self._rules)

    def on(self, snapshot: Snapshot | Staging) -> Staging:
        """Nothing yet, of the same chain, on another snapshot or on these changes."""
        return Staging(snapshot, self._rules)

    def rebase(self, snapshot: Snapshot) -> None:
        """Stand on a snapshot that has what this stood on."""
        self._snapshot = snapshot

    def get(self, table: Table, key: bytes) -> bytes | None:
        """The value of a key with the changes so far."""
        changes = self.batch.changes.get(table)
        if changes is not None and key in changes:
            return changes[key]
        return self._snapshot.get(table, key)

    def items(self, table: Table, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Of the state, which no batch of an import changes: see `Snapshot`."""
        return self._snapshot.items(table, prefix)

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        """Have a key have this value."""
        self.is_empty = False
        self.bytes += len(value)
        self.batch.put(table, key, value)

    def put_all(self, table: Table, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Have each key have the value at its place."""
        self.is_empty = self.is_empty and not keys
        self.bytes += sum(map(len, values))
        self.batch.changes[table].update(zip(keys, values, strict=True))

    def remove(self, table: Table, key: bytes) -> None:
        """Have a key have no value."""
        self.is_empty = False
        self.batch.remove(table, key)

    @property
    def seconds(self) -> float:
        """Since it was begun."""
        return time.monotonic() - self._begun

    def put_block(
        self, block: Block, block_hash: Hash32, senders: list[Address], total_difficulty: int
    ) -> None:
        """A block by itself, its header, its body."""
        self.put(Table.BODIES, block_hash, block.encode_body())
        self.put(Table.HEADERS, block_hash, block.header.encode())
        self.put(Table.SENDERS, block_hash, b"".join(senders))
        size = (total_difficulty.bit_length() + 7) // 8
        self.put(Table.DIFFICULTIES, block_hash, total_difficulty.to_bytes(size, "big"))
        number = encode_number(block.header.number)
        self.put(Table.KNOWN, number, (self.get(Table.KNOWN, number) or b"") + block_hash)

    def put_results(
        self, block_hash: Hash32, executed: ExecutedBlock | None, undoing: RecordedChanges
    ) -> None:
        """What executing a block did; None: nothing, of the first block."""
        receipts = () if executed is None else executed.receipts
        self.put(Table.RECEIPTS, block_hash, encode_receipts(receipts))
        if executed is not None:
            self.put(Table.BEFORE, block_hash, undoing.records)
            self.put(Table.AFTER, block_hash, executed.writes.records)
            for code_hash, code in executed.writes.codes.items():
                self.put(Table.CODES, code_hash, code)

    def put_canonical(self, block: Block, block_hash: Hash32) -> None:
        """A block is one of the head's ancestors, or the head."""
        number = block.header.number
        self.put(Table.CANONICAL, encode_number(number), block_hash)
        hashes = block.transaction_list.hashes()
        self.put_all(Table.TRANSACTIONS, hashes, encode_places(number, len(hashes)))

    def remove_canonical(self, block: Block) -> None:
        """A block is none of the head's ancestors any more."""
        self.remove(Table.CANONICAL, encode_number(block.header.number))
        for transaction_hash in block.transaction_list.hashes():
            self.remove(Table.TRANSACTIONS, transaction_hash)

    def prune(self, number: int, *, is_stored: bool) -> list[Hash32]:
        """Forget how the blocks of a number changed the state, and side blocks altogether.

        Args:
            number: of the blocks.
            is_stored: whether the state which is stored comes behind; else what the canonical
                block changed still leads on from it.

        Returns those of which no state can be had any more: the side blocks, and the canonical
        block before.
        """
        canonical = self.blocks.canonical(number)
        before = self.blocks.canonical(number - 1)
        known = self.blocks.known(number)
        for block_hash in known:
            self.remove(Table.BEFORE, block_hash)
            if is_stored or block_hash != canonical:
                self.remove(Table.AFTER, block_hash)
            if block_hash != canonical:
                for table in _BLOCK_PARTS:
                    self.remove(table, block_hash)
        if canonical is not None and len(known) > 1:
            self.put(Table.KNOWN, encode_number(number), canonical)
        return [each for each in (before, *known) if each not in (None, canonical)]
