"""What a block wrote, made part of a state of accounts."""
from libc.stdint cimport int32_t
from libcpp.vector cimport vector

from blockstm._native.evm.account_index cimport AccountIndex
from blockstm._native.packed cimport Change
from blockstm._native.table cimport Table

cdef int check_changes(vector[Change]& changes) except -1
# The table and the index are the caller's alone; TABLE_OK or TABLE_NO_MEMORY.
cdef int32_t make_changes(Table* table, AccountIndex* index, vector[Change]& changes) noexcept nogil
