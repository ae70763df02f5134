"""Which slots of a table belong to which account: a list of entries for each address.

A table only ever gains entries, so the index is made by reading those that came since it was last
brought up to date, and costs nothing until it is used. The table knows whether a slot still has a value.

Threads: a query may have to read on, and so needs exclusive use of the table and of the index.
"""
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from blockstm._native.base.table cimport Table

cdef struct AccountIndex:
    Table addresses  # to the last entry of a slot, plus 1; 0 where there are none
    uint32_t* before  # for the entry of a slot that of its account's slot before it, plus 1
    uint32_t seen  # entries of the table that have been read
    uint32_t capacity  # of `before`

cdef void index_init(AccountIndex* index) noexcept nogil
# Forgets everything; it will be read again.
cdef void index_free(AccountIndex* index) noexcept nogil
# Reads what is new in the table; TABLE_OK or TABLE_NO_MEMORY.
cdef int32_t index_read(AccountIndex* index, const Table* table) noexcept nogil
# The last entry of an account's slots plus 1, 0 where there are none; `before` leads to the others.
cdef uint32_t index_last(const AccountIndex* index, const uint8_t* address) noexcept nogil
# Whether an account has a slot with a value.
cdef bint index_has_slots(
    const AccountIndex* index, const Table* table, const uint8_t* address
) noexcept nogil
