"""A change of a state of accounts in the making: values put, storages cleared, marks kept true.

Threads: the table and the index are the caller's alone.
"""
from libc.stdint cimport int32_t, uint8_t

from blockstm._native.evm.account_index cimport AccountIndex
from blockstm._native.packed cimport Change
from blockstm._native.table cimport Table

cdef struct Making:
    Table* table
    AccountIndex* index
    Table* before  # key → what stood there, of all that changes; NULL where nobody wants it back
    Table touched  # addresses of whom a slot was written, or nonce or code removed

# What follows returns TABLE_OK or TABLE_NO_MEMORY.
cdef void making_begin(Making* making, Table* table, AccountIndex* index, Table* before) noexcept nogil
# Keeps the marks "stored" true (EIP-7610) unless `status` says that something failed; frees.
cdef int32_t making_end(Making* making, int32_t status) noexcept nogil
# A value as a state holds it: what is zero or empty is not there, a number has 32 bytes.
cdef int32_t put_value(Making* making, const Change* change) noexcept nogil
# A value at the key of a slot of epoch 0.
cdef int32_t put_slot(Making* making, const Change* change) noexcept nogil
cdef int32_t clear_storage(Making* making, const uint8_t* address) noexcept nogil
# Nonce, balance, code hash and mark of an account go to `before`, changed or not: it can be read alone.
cdef int32_t note_account(Making* making, const uint8_t* address) noexcept nogil
# Whether an account has a nonce or code.
cdef bint is_named(const Table* table, const uint8_t* address) noexcept nogil
cdef bint has_field(const Table* table, const uint8_t* address, uint8_t field) noexcept nogil
