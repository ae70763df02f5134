"""Transactions in native memory as Cython sees them; see ``transaction.hpp`` and ``encoded.hpp``."""
from libc.stdint cimport uint8_t, uint64_t
from libcpp cimport bool

from blockstm._native.base.bytes cimport Address, Hash32, Span
from blockstm._native.base.u256.u256 cimport u256


cdef extern from "wire/transaction.hpp" namespace "blockstm" nogil:
    cdef cppclass AccessEntry:
        Address address
        const u256* slots
        uint64_t slot_count

    cdef cppclass Authorization:
        u256 chain_id
        Address address
        uint64_t nonce
        Address authority
        bint is_signed

    enum class TransactionType(uint8_t):
        pass

    cdef cppclass Transaction:
        TransactionType type
        bint creates
        Address sender
        Address to
        bint names_chain
        bint has_high_s
        u256 chain_id
        uint64_t nonce
        uint64_t gas_limit
        u256 value
        u256 max_fee_per_gas
        u256 max_priority_fee_per_gas
        u256 max_fee_per_blob_gas
        Span data
        const AccessEntry* access_list
        uint64_t access_count
        const Hash32* blob_hashes
        uint64_t blob_count
        const Authorization* authorizations
        uint64_t authorization_count


cdef extern from "wire/encoded.hpp" namespace "blockstm" nogil:
    cdef cppclass PlainTransaction:
        Transaction transaction
        u256 chain
        u256 v
        u256 r
        u256 s

    bool read_plain_transaction(Span encoding, PlainTransaction& plain)
