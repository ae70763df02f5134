# distutils: sources = src/blockstm/_native/trie/builder.cpp src/blockstm/_native/trie/state_root.cpp src/blockstm/_native/trie/stack_trie.cpp src/blockstm/_native/crypto/keccak.cpp
"""Roots of whole tries, built at once from their entries; see ``builder.hpp``.

Every function works without the GIL once its arguments are at hand, and is safe from any thread.
An empty value is none: the key is not in the trie.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from blockstm._native.trie cimport core
from blockstm._native.base.array cimport Array
from blockstm._native.base.byte_view cimport ByteView as Bytes
from blockstm._native.trie.core cimport HASH_SIZE, KEY_SIZE_MAX, Builder, StackTrie, Status

from blockstm.errors import InputError


def root(entries) -> bytes:
    """The root of the trie of these keys, of at most 255 bytes, and values.

    Raises:
        InputError: a key is too long, or something is not bytes.
    """
    return _root(list(entries.items()), False)


def secure_root(entries) -> bytes:
    """The root of the trie of the keccaks of these keys, and values.

    Raises:
        InputError: something is not bytes.
    """
    return _root(list(entries.items()), True)


cdef bytes _root(list entries, bint is_secure):
    cdef Py_ssize_t count = len(entries), place
    cdef Array[Bytes] ours
    cdef Array[uint8_t] hashes
    cdef Builder builder
    cdef bytes key, value
    cdef uint8_t out[HASH_SIZE]
    cdef Status status = Status.OutOfMemory
    if not ours.reserve(2 * count) or not builder.reserve(count):
        raise MemoryError
    if is_secure and not hashes.reserve(count * HASH_SIZE):
        raise MemoryError
    for key_and_value in entries:
        key = _bytes_of(key_and_value[0], "key")
        value = _bytes_of(key_and_value[1], "value")
        if not is_secure and PyBytes_GET_SIZE(key) > KEY_SIZE_MAX:
            raise InputError(f"a key has at most {KEY_SIZE_MAX} bytes, not {len(key)}")
        ours.push(_view(key))
        ours.push(_view(value))
    with nogil:
        if is_secure:
            hash_keys(ours, hashes)
        for place in range(count):
            builder.add(ours[2 * place], ours[2 * place + 1])
        status = builder.root(out)
    if status != Status.Ok:
        raise MemoryError
    return PyBytes_FromStringAndSize(<const char*>out, HASH_SIZE)


cdef void hash_keys(Array[Bytes]& ours, Array[uint8_t]& hashes) noexcept nogil:
    """Puts hashes in place of the keys, every second of ``ours``; ``hashes`` has room for them."""
    cdef core.HashBatch batch
    cdef uint8_t* hashed
    cdef uint64_t place
    for place in range(0, ours.size(), 2):
        hashed = hashes.extend(HASH_SIZE)
        batch.add(ours[place], hashed)
        ours[place] = Bytes(hashed, HASH_SIZE)
    batch.finish()


def ordered_root(items) -> bytes:
    """The root of the trie that maps the RLP of each index to the item at it.

    Raises:
        InputError: an item is not bytes.
    """
    cdef list held = list(items)  # nobody else changes it while the GIL is not held
    cdef Py_ssize_t count = len(held), place
    cdef Array[Bytes] ours
    cdef uint8_t out[HASH_SIZE]
    cdef Status status
    if not ours.reserve(count):
        raise MemoryError
    for place in range(count):
        ours.push(_view(_bytes_of(held[place], "item")))
    with nogil:
        status = core.ordered_root(ours.data(), count, 1, out)
    if status != Status.Ok:
        raise MemoryError
    return PyBytes_FromStringAndSize(<const char*>out, HASH_SIZE)


def state_root(records: bytes) -> bytes:
    """The root of a state given as the flat records of ``account.hpp``; see `Records`.

    Raises:
        InputError: the layout is not followed, or an address, or a slot of an address, stands
            there twice.
    """
    cdef Bytes view = _view(_bytes_of(records, "record"))
    cdef uint8_t out[HASH_SIZE]
    cdef Status status
    with nogil:
        status = core.state_root(view, out)
    if status == Status.BadInput:
        raise InputError("the records of a state do not follow their layout, or name one twice")
    if status != Status.Ok:
        raise MemoryError
    return PyBytes_FromStringAndSize(<const char*>out, HASH_SIZE)


cdef class SortedRoot:
    """The root of a trie whose entries come in the order of their keys, in memory for one of them.

    One thread at a time may use it.
    """

    cdef StackTrie trie

    def take_kept(self) -> list:
        """The nodes above many entries that were completed since the last call, bottom up, as a store keeps them.

        Each is the key that the store has it under, without the owner, and the value.
        """
        cdef list found = []
        cdef const uint8_t* at = self.trie.kept().data()
        cdef const uint8_t* end = at + self.trie.kept().size()
        cdef uint32_t size
        while at != end:
            memcpy(&size, at + 1 + HASH_SIZE, sizeof(size))
            key = PyBytes_FromStringAndSize(<const char*>at, 1 + (at[0] + 1) // 2)
            at += 1 + HASH_SIZE + sizeof(size)
            found.append((key, PyBytes_FromStringAndSize(<const char*>at, size)))
            at += size
        self.trie.drop_kept()
        return found

    def add(self, list entries) -> None:
        """Add entries, each a key of 32 bytes with the value behind it.

        Raises:
            InputError: one has no value, or its key is not behind the one before.
        """
        cdef list held = list(entries)  # nobody else changes it while the GIL is not held
        cdef Py_ssize_t count = len(held), place
        cdef Array[Bytes] ours
        cdef Status status = Status.Ok
        if not ours.reserve(count):
            raise MemoryError
        for place in range(count):
            ours.push(_view(_bytes_of(held[place], "entry")))
            if ours[place].size() <= HASH_SIZE:
                raise InputError("an entry is a key of 32 bytes with a value behind it")
        with nogil:
            for place in range(count):
                status = self.trie.add(
                    ours[place].data(), Bytes(ours[place].data() + HASH_SIZE, ours[place].size() - HASH_SIZE)
                )
                if status != Status.Ok:
                    break
        if status == Status.BadInput:
            raise InputError("the keys of entries do not ascend")
        if status != Status.Ok:
            raise MemoryError

    def root(self) -> bytes:
        """The root of all that was added; nothing may be added afterwards."""
        cdef uint8_t out[HASH_SIZE]
        if self.trie.root(out) != Status.Ok:
            raise MemoryError
        return PyBytes_FromStringAndSize(<const char*>out, HASH_SIZE)


cdef Bytes _view(bytes data) noexcept:
    return Bytes(<const uint8_t*>PyBytes_AS_STRING(data), <uint64_t>PyBytes_GET_SIZE(data))


cdef bytes _bytes_of(object value, str what):
    if not isinstance(value, bytes):
        raise InputError(f"a {what} is bytes, not {type(value).__name__}")
    return <bytes>value  # of a class made from bytes, too
