"""What a block wrote, and what becomes of accounts, made part of a state of accounts.

The table and the index are the caller's alone. What stood there before goes into a third table, where
that is not NULL. Functions that change return TABLE_OK or TABLE_NO_MEMORY.
"""
from libc.stdint cimport int32_t, uint8_t, uint64_t
from libcpp.vector cimport vector

from blockstm._native.base.chunks cimport LargeVector
from blockstm._native.base.packed cimport Change
from blockstm._native.base.table cimport Table
from blockstm._native.state.account_index cimport AccountIndex

# Whether codes fit their hashes is not asked where they are trusted.
cdef int check_changes(LargeVector[Change]& changes, bint codes_are_trusted) except -1
# Locations → values.
cdef int32_t make_changes(
    Table* table, AccountIndex* index, LargeVector[Change]& changes, Table* before
) noexcept nogil
# Records as in ``trie/account.hpp``, which follow their layout.
cdef int32_t make_records(
    Table* table, AccountIndex* index, const uint8_t* records, uint64_t size, LargeVector[Change]& codes,
    Table* before,
) noexcept nogil
