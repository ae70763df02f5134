"""Slots by account; see the ``.pxd``."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from blockstm._native.base.table cimport (
    TABLE_NO_MEMORY, TABLE_OK, Entry, Table, entry_has_value, entry_key, table_find, table_free,
    table_init, table_intern, table_put,
)
from blockstm._native.state.account_keys cimport ADDRESS_SIZE, SLOT_SIZE, WORD_SIZE, same_address


cdef void index_init(AccountIndex* index) noexcept nogil:
    memset(index, 0, sizeof(AccountIndex))
    table_init(&index.addresses)


cdef void index_free(AccountIndex* index) noexcept nogil:
    table_free(&index.addresses)
    free(index.before)
    index_init(index)


cdef int32_t index_grow(AccountIndex* index, uint32_t capacity) noexcept nogil:
    cdef uint32_t* grown
    if capacity <= index.capacity:
        return TABLE_OK
    grown = <uint32_t*>realloc(index.before, capacity * sizeof(uint32_t))
    if grown == NULL:
        return TABLE_NO_MEMORY
    index.before, index.capacity = grown, capacity
    return TABLE_OK


cdef int64_t index_address(AccountIndex* index, const uint8_t* address) noexcept nogil:
    """The entry of an address, made with no slots if there is none; or TABLE_NO_MEMORY."""
    cdef uint64_t none = 0
    cdef int64_t number = table_intern(&index.addresses, address, ADDRESS_SIZE)
    if number >= 0 and not entry_has_value(&index.addresses.entries[number]):
        if table_put(&index.addresses, <uint32_t>number, <const uint8_t*>&none, 8) != TABLE_OK:
            return TABLE_NO_MEMORY
    return number


cdef int32_t index_read(AccountIndex* index, const Table* table) noexcept nogil:
    cdef const Entry* entry
    cdef const uint8_t* key
    cdef const uint8_t* last = NULL
    cdef int64_t number = 0
    if index.seen < table.count and index_grow(index, table.capacity) != TABLE_OK:
        return TABLE_NO_MEMORY
    while index.seen < table.count:
        entry = &table.entries[index.seen]
        key = entry_key(entry)
        if entry.key_size != WORD_SIZE:  # code belongs to no account
            if last == NULL or not same_address(key, last):  # locations of an account come together
                number = index_address(index, key)
                if number < 0:
                    return TABLE_NO_MEMORY
            last = key
            if entry.key_size == SLOT_SIZE:
                index.before[index.seen] = <uint32_t>index.addresses.entries[number].value
                index.addresses.entries[number].value = index.seen + 1
        index.seen += 1
    return TABLE_OK


cdef uint32_t index_last(const AccountIndex* index, const uint8_t* address) noexcept nogil:
    cdef int64_t number = table_find(&index.addresses, address, ADDRESS_SIZE)
    return 0 if number < 0 else <uint32_t>index.addresses.entries[number].value


cdef bint index_has_slots(
    const AccountIndex* index, const Table* table, const uint8_t* address
) noexcept nogil:
    cdef uint32_t place = index_last(index, address)
    while place:
        if entry_has_value(&table.entries[place - 1]):
            return True
        place = index.before[place - 1]
    return False
