"""Accounts and slots as they stand in their tables, read without the tries: for audits.

======== =====================================================================================
account  hash of the address → nonce, 8 bytes big-endian; flags, 1: whether it has code (1) and
         slots (2); code hash, 32, and storage root, 32, if it has; balance, big-endian without
         leading zeros
slot     first 20 bytes of the hash of the address, hash of the slot, 32 → size of the value, 1;
         value and slot, big-endian without leading zeros; of a value of zero nothing is kept
======== =====================================================================================

`_native/store/flat_values.hpp` is the same in the native core.

So they stand in the order of the tries, and the root is built in memory that does not grow with
the state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from blockstm._native.crypto.hashes import keccak256_many
from blockstm._native.trie.roots import SortedRoot
from blockstm.chain.store import Snapshot, Table
from blockstm.errors import StoreDamaged
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT
from blockstm.ethereum.codecs.rlp import encode
from blockstm.state.account import EMPTY_CODE_HASH
from blockstm.types import Hash32

__all__ = ["OWNER_SIZE", "account_leaf", "flat_root", "slot_of"]

OWNER_SIZE: Final = 20
"""Bytes of a hashed address that its slots are kept under."""
_HASH_SIZE: Final = 32
_NONCE_SIZE: Final = 8
_HEAD_SIZE: Final = 9
_HAS_CODE: Final = 1
_HAS_STORAGE: Final = 2
_ENTRIES_AT_ONCE: Final = 1 << 12


def flat_root(snapshot: Snapshot, tell: Callable[[str], None]) -> Hash32:
    """The state root of all accounts and slots of a store, computed anew in bounded memory.

    Args:
        snapshot: of the store.
        tell: is called with a sentence for each node that the store has above them and they do not
            make, and for each that it lacks.

    Raises:
        StoreDamaged: one of them is none, or slots are not those that their account says it has.
        StoreError: one of them cannot be read.
    """
    nodes, slots = _Nodes(snapshot, Table.ACCOUNT_NODES, tell), _Slots(snapshot, tell)
    root = _root_of(_leaves(snapshot, slots), nodes)
    slots.end()
    nodes.end()
    return root


def _root_of(entries: Iterator[bytes], nodes: _Nodes, owner: bytes = b"") -> Hash32:
    """The root of entries in order; the nodes above them are compared on the way."""
    root = SortedRoot()
    while some := list(islice(entries, _ENTRIES_AT_ONCE)):
        root.add(some)
        nodes.compare(root.take_kept(), owner)
    found = root.root()
    nodes.compare(root.take_kept(), owner)
    return Hash32(found)


class _Nodes:
    """The nodes that a store has of its accounts' trie, or of all storage tries."""

    def __init__(self, snapshot: Snapshot, table: Table, tell: Callable[[str], None]) -> None:
        self._snapshot = snapshot
        self._table = table
        self._tell = tell
        self._count = 0

    def compare(self, made: list[tuple[bytes, bytes]], owner: bytes) -> None:
        """Tell where another node stands than the entries make, or none."""
        for place, node in made:
            found = self._snapshot.get(self._table, owner + place)
            self._count += found is not None
            if found != node:
                what = "no node stands" if found is None else "a wrong node stands"
                self._tell(f"{self._table.value}: {what} at 0x{(owner + place).hex()}")

    def end(self) -> None:
        """Tell of nodes at places where the entries make none."""
        count = sum(1 for _ in self._snapshot.items(self._table)) - self._count
        if count:
            self._tell(f"{self._table.value}: {count} of the nodes stand where none should")


def _leaves(snapshot: Snapshot, slots: _Slots) -> Iterator[bytes]:
    """What the state trie holds: hashed addresses with the accounts' RLP, in order."""
    for key, row in snapshot.items(Table.ACCOUNTS):
        leaf, storage_root = account_leaf(key, row)
        found = slots.root_of(key)
        if found != storage_root:
            raise StoreDamaged(
                f"the slots of the account 0x{key.hex()} have the root 0x{found.hex()}, and "
                f"it says 0x{storage_root.hex()}"
            )
        yield key + leaf


def account_leaf(key: bytes, row: bytes) -> tuple[bytes, bytes]:
    """The RLP of an account that stands in its table, and its storage root.

    Raises:
        StoreDamaged: it is none.
    """
    if len(key) != _HASH_SIZE:
        raise StoreDamaged(f"accounts: the key 0x{key.hex()} is no hashed address")
    flags = row[_HEAD_SIZE - 1] if len(row) >= _HEAD_SIZE else _HAS_CODE | _HAS_STORAGE
    code_hash, storage_root = bytes(EMPTY_CODE_HASH), bytes(EMPTY_TRIE_ROOT)
    rest = row[_HEAD_SIZE:]
    if flags & _HAS_CODE:
        code_hash, rest = rest[:_HASH_SIZE], rest[_HASH_SIZE:]
    if flags & _HAS_STORAGE:
        storage_root, rest = rest[:_HASH_SIZE], rest[_HASH_SIZE:]
    are_whole = len(code_hash) == len(storage_root) == _HASH_SIZE
    if flags > _HAS_CODE | _HAS_STORAGE or not are_whole or len(rest) > _HASH_SIZE:
        raise StoreDamaged(f"accounts: what stands at 0x{key.hex()} is no account")
    nonce, balance = int.from_bytes(row[:_NONCE_SIZE], "big"), int.from_bytes(rest, "big")
    return encode([nonce, balance, storage_root, code_hash]), storage_root


def slot_of(key: bytes, row: bytes) -> tuple[bytes, bytes]:
    """A slot that stands in its table, and its value, without leading zeros.

    Raises:
        StoreDamaged: it is none.
    """
    size = row[0] if row else 0
    value, slot = row[1 : 1 + size], row[1 + size :]
    is_right = len(key) == OWNER_SIZE + _HASH_SIZE and 0 < size == len(value) <= _HASH_SIZE
    if not is_right or len(slot) > _HASH_SIZE:
        raise StoreDamaged(f"slots: what stands at 0x{key.hex()} is no slot")
    return slot, value


class _Slots:
    """The slots of all accounts, taken account by account in order."""

    def __init__(self, snapshot: Snapshot, tell: Callable[[str], None]) -> None:
        self._nodes = _Nodes(snapshot, Table.STORAGE_NODES, tell)
        self._left = snapshot.items(Table.SLOTS)
        self._next = next(self._left, None)

    def root_of(self, address: bytes) -> bytes:
        """The root of the slots of the next account that is asked for, by its hashed address."""
        owner = address[:OWNER_SIZE]
        if self._next is not None and self._next[0][:OWNER_SIZE] < owner:
            self.end()
        if self._next is None or not self._next[0].startswith(owner):
            return bytes(EMPTY_TRIE_ROOT)
        return _root_of(_entries(self._rows(owner)), self._nodes, address)

    def _rows(self, owner: bytes) -> Iterator[tuple[bytes, bytes]]:
        while self._next is not None and self._next[0].startswith(owner):
            yield self._next
            self._next = next(self._left, None)

    def end(self) -> None:
        """Refuse slots that no account has, and nodes above others."""
        if self._next is not None:
            raise StoreDamaged(f"slots: 0x{self._next[0].hex()} is of no account")
        self._nodes.end()


def _entries(rows: Iterator[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """What a storage trie holds of slots: hashed slots with the values' RLP."""
    while some := list(islice(rows, _ENTRIES_AT_ONCE)):
        found = [slot_of(key, row) for key, row in some]
        hashes = keccak256_many([slot.rjust(_HASH_SIZE, b"\0") for slot, _ in found])
        for (key, _), hashed, (_, value) in zip(some, hashes, found, strict=True):
            if key[OWNER_SIZE:] != hashed:
                raise StoreDamaged(f"slots: what stands at 0x{key.hex()} is another slot's")
            yield hashed + encode(value)
