# distutils: sources = src/blockstm/_native/crypto/keccak.cpp
"""What a block's access list (EIP-7928) says that transactions write, as keys and values of an account's locations.

Called with the GIL, by any thread; the lists are read and not changed.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport INT32_MAX, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy
from libcpp.vector cimport vector

from blockstm._native.base.integers cimport exact_word, reverse_word
from blockstm._native.state.account_keys cimport (
    ADDRESS_SIZE, BALANCE, CODE_HASH, FIELD_SIZE, NONCE, SLOT_SIZE, WORD_SIZE, is_zero,
)
from blockstm._native.state.account_values cimport exact_bytes

cdef extern from "crypto/keccak.hpp" namespace "blockstm" nogil:
    void keccak256(const uint8_t* data, uint64_t size, uint8_t* out) noexcept


cdef class Writes:
    """Writes, as `ListedValues` of the engine takes them."""

    cdef vector[int64_t] index
    cdef vector[int64_t] start
    cdef vector[uint8_t] data

    cdef int add(self, int64_t index, const uint8_t* key, int64_t key_size, const uint8_t* value,
                 int64_t value_size) except -1:
        """Add a write of a transaction; without a size the value is none."""
        self.index.push_back(index)
        self.start.push_back(<int64_t>self.data.size())
        self.data.insert(self.data.end(), key, key + key_size)
        self.start.push_back(<int64_t>self.data.size())
        self.data.insert(self.data.end(), value, value + value_size)
        return 0

    cdef tuple arrays(self):
        self.start.push_back(<int64_t>self.data.size())
        return (as_bytes(self.index.data(), self.index.size() * sizeof(int64_t)),
                as_bytes(self.start.data(), self.start.size() * sizeof(int64_t)),
                as_bytes(self.data.data(), self.data.size()))


cdef bytes as_bytes(const void* data, size_t size):
    return PyBytes_FromStringAndSize(<const char*>data, size)


cdef int add_numbers(Writes writes, changes, const uint8_t* key, int64_t key_size) except -1:
    """Add the numbers that a location has after each change; zero is no value. What is none is left out."""
    cdef uint8_t word[WORD_SIZE]
    for index, number in changes:
        if exact_word(number, word):
            writes.add(transaction_at(index), key, key_size, word, 0 if is_zero(word, WORD_SIZE) else WORD_SIZE)
    return 0


cdef int add_codes(Writes writes, changes, const uint8_t* field) except -1:
    """Add the codes that an account has after each change: its hash, and under that the code."""
    cdef uint8_t digest[WORD_SIZE]
    cdef bytes code
    for index, given in changes:
        code = exact_bytes(given, -1)
        if not code:
            writes.add(transaction_at(index), field, FIELD_SIZE, field, 0)
            continue
        keccak256(<const uint8_t*>PyBytes_AS_STRING(code), PyBytes_GET_SIZE(code), digest)
        writes.add(transaction_at(index), digest, WORD_SIZE, <const uint8_t*>PyBytes_AS_STRING(code),
                   PyBytes_GET_SIZE(code))
        writes.add(transaction_at(index), field, FIELD_SIZE, digest, WORD_SIZE)
    return 0


cdef int64_t transaction_at(index) except? -2:
    """The transaction at a block access index; what comes before the first is at -1, what is no index at none."""
    return index - 1 if isinstance(index, int) and 0 <= index < INT32_MAX else INT32_MAX


def listed_writes(accounts):
    """The writes that a list names, whatever is listed: (indices, starts, data), see `ListedValues`.

    Args:
        accounts: of the list, each with the members of `blockstm.ethereum.AccountAccess`.
    """
    cdef Writes writes = Writes()
    cdef uint8_t key[SLOT_SIZE]
    cdef uint8_t word[WORD_SIZE]
    cdef bytes address
    for account in accounts:
        address = exact_bytes(account.address, ADDRESS_SIZE)
        if address is None:
            continue
        memcpy(key, PyBytes_AS_STRING(address), ADDRESS_SIZE)
        for slot, changes in account.storage_changes:
            if exact_word(slot, word):
                reverse_word(word, key + ADDRESS_SIZE)
                add_numbers(writes, changes, key, SLOT_SIZE)
        key[ADDRESS_SIZE] = BALANCE
        add_numbers(writes, account.balance_changes, key, FIELD_SIZE)
        key[ADDRESS_SIZE] = NONCE
        add_numbers(writes, account.nonce_changes, key, FIELD_SIZE)
        key[ADDRESS_SIZE] = CODE_HASH
        add_codes(writes, account.code_changes, key)
    return writes.arrays()
