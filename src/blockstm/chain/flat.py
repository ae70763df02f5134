"""Accounts and slots as they stand in their tables, read without the tries: for audits.

======== =====================================================================================
account  nonce, 8 bytes big-endian; flags, 1: whether it has code; code hash, 32, if it has;
         balance, big-endian without leading zeros
slot     value, big-endian without leading zeros; of none, which is zero, nothing is kept
======== =====================================================================================

`_native/store/flat_values.hpp` is the same in the native core.

The tables stand in the order of addresses and slots, the tries in that of their hashes. So the root
is built of what is sorted in parts, in memory that does not grow with the state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Final

from blockstm._native.crypto.hashes import keccak256_many
from blockstm._native.trie.roots import SortedRoot, account_leaves
from blockstm.chain.sorting import Sorted
from blockstm.chain.store import Snapshot, Table
from blockstm.errors import StoreDamaged
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import encode
from blockstm.state.account import EMPTY_CODE_HASH
from blockstm.types import Hash32

__all__ = ["flat_root"]

_ADDRESS_SIZE: Final = 20
_SLOT_SIZE: Final = 32
_NONCE_SIZE: Final = 8
_HEAD_SIZE: Final = 9
_HASH_SIZE: Final = 32
_RECORD_FLAGS: Final = bytes([1 | 2 | 4 | 16])
"""Nonce, balance and code hash count, and the account exists; see ``trie/account.hpp``."""
_RECORDS_AT_ONCE: Final = 1 << 20
_ENTRIES_AT_ONCE: Final = 1 << 12
_SLOTS_AT_ONCE: Final = 1 << 14
"""Slots of an account that are built in memory; those of more are sorted apart."""

Slot = tuple[bytes, bytes]
"""A slot and its value."""


def flat_root(snapshot: Snapshot) -> Hash32:
    """The state root of all accounts and slots of a store, computed anew in bounded memory.

    Raises:
        StoreError: one of them cannot be read, or is none; a slot is of no account; or there is no
            room for the temporary file of 120 bytes an account that many accounts need.
    """
    with Sorted() as leaves:
        for some in _leaves(snapshot):
            leaves.add(some)
        return _root_of(leaves)


def _root_of(entries: Iterable[bytes]) -> Hash32:
    root = SortedRoot()
    for some in _batches(entries):
        root.add(some)
    return Hash32(root.root())


def _batches(entries: Iterable[bytes]) -> Iterator[list[bytes]]:
    source = iter(entries)
    while some := list(islice(source, _ENTRIES_AT_ONCE)):
        yield some


def _leaves(snapshot: Snapshot) -> Iterator[list[bytes]]:
    """What the state trie holds: hashed addresses with the accounts' RLP, unsorted."""
    slots = _Slots(snapshot)
    records: list[bytes] = []
    size = 0
    for key, value in snapshot.items(Table.ACCOUNTS):
        account = _Account(key, value)
        storage = slots.of(key)
        some = list(islice(storage, _SLOTS_AT_ONCE + 1))
        if len(some) > _SLOTS_AT_ONCE:
            yield [account.leaf(_storage_root(chain(some, storage)))]
            continue
        records.append(account.record(some))
        size += len(records[-1])
        if size > _RECORDS_AT_ONCE:
            yield account_leaves(b"".join(records))
            records, size = [], 0
    slots.end()
    yield account_leaves(b"".join(records))


def _storage_root(slots: Iterable[Slot]) -> Hash32:
    with Sorted() as entries:
        source = iter(slots)
        while some := list(islice(source, _ENTRIES_AT_ONCE)):
            hashes = keccak256_many([slot for slot, _ in some])
            entries.add(
                hashed + encode(value) for hashed, (_, value) in zip(hashes, some, strict=True)
            )
        return _root_of(entries)


class _Account:
    """An account as it stands in its table."""

    __slots__ = ("address", "balance", "code_hash", "nonce")

    def __init__(self, address: bytes, value: bytes) -> None:
        if len(address) != _ADDRESS_SIZE:
            raise StoreDamaged(f"accounts: the key 0x{address.hex()} is no address")
        code_hash, rest = bytes(EMPTY_CODE_HASH), value[_HEAD_SIZE:]
        is_right = len(value) >= _HEAD_SIZE and value[_HEAD_SIZE - 1] <= 1
        if is_right and value[_HEAD_SIZE - 1]:
            code_hash, rest = rest[:_HASH_SIZE], rest[_HASH_SIZE:]
        if not is_right or len(code_hash) != _HASH_SIZE or len(rest) > _HASH_SIZE:
            raise StoreDamaged(f"accounts: what stands at 0x{address.hex()} is no account")
        self.address, self.nonce = address, value[:_NONCE_SIZE]
        self.code_hash, self.balance = code_hash, rest

    def record(self, slots: list[Slot]) -> bytes:
        """The account with its slots, as ``trie/account.hpp`` lays it out."""
        parts = [
            self.address,
            _RECORD_FLAGS,
            self.nonce[::-1],
            self.balance.rjust(_HASH_SIZE, b"\0"),
            self.code_hash,
            len(slots).to_bytes(4, "little"),
        ]
        for slot, value in slots:
            parts += slot, value.rjust(_SLOT_SIZE, b"\0")
        return b"".join(parts)

    def leaf(self, storage_root: bytes) -> bytes:
        """What the state trie holds of it."""
        nonce, balance = int.from_bytes(self.nonce, "big"), int.from_bytes(self.balance, "big")
        return keccak(self.address) + encode([nonce, balance, storage_root, self.code_hash])


class _Slots:
    """The slots of all accounts, taken account by account in order."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._left = snapshot.items(Table.SLOTS)
        self._next = next(self._left, None)

    def of(self, address: bytes) -> Iterator[Slot]:
        """The slots of the next account that is asked for; all are taken before the next."""
        while self._next is not None and self._next[0][:_ADDRESS_SIZE] == address:
            key, value = self._next
            if len(key) != _ADDRESS_SIZE + _SLOT_SIZE or not 0 < len(value) <= _SLOT_SIZE:
                raise StoreDamaged(f"slots: what stands at 0x{key.hex()} is no slot")
            yield key[_ADDRESS_SIZE:], value
            self._next = next(self._left, None)

    def end(self) -> None:
        """Refuse slots that no account was asked for."""
        if self._next is not None:
            raise StoreDamaged(f"slots: 0x{self._next[0].hex()} is of no account")
