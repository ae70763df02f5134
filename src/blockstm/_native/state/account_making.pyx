"""A change of a state of accounts in the making; see the ``.pxd``."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcpy, memset

from blockstm._native.base.packed cimport Change
from blockstm._native.base.table cimport (
    TABLE_NO_MEMORY, TABLE_OK, Entry, Table, entry_has_value, entry_key, entry_value, table_drop, table_find,
    table_free, table_init, table_intern, table_put,
)
from blockstm._native.state.account_index cimport AccountIndex, index_has_slots, index_last, index_read
from blockstm._native.state.account_keys cimport (
    ADDRESS_SIZE, BALANCE, CODE_HASH, FIELD_SIZE, NONCE, RECORDED, STORED, WORD_SIZE,
)


cdef void making_begin(Making* making, Table* table, AccountIndex* index, Table* before) noexcept nogil:
    making.table, making.index, making.before = table, index, before
    table_init(&making.touched)


cdef int32_t making_end(Making* making, int32_t status) noexcept nogil:
    cdef uint32_t number
    for number in range(making.touched.count):
        if status == TABLE_OK:
            status = mark_stored(making, entry_key(&making.touched.entries[number]))
    table_free(&making.touched)
    return status


cdef int32_t mark_stored(Making* making, const uint8_t* address) noexcept nogil:
    """An account that has slots and neither nonce nor code is "stored"."""
    cdef uint8_t key[FIELD_SIZE]
    cdef uint8_t one[WORD_SIZE]
    cdef Change mark
    memset(one, 0, WORD_SIZE)
    one[0] = 1
    memcpy(key, address, ADDRESS_SIZE)
    key[ADDRESS_SIZE] = STORED
    mark.key, mark.key_size = key, FIELD_SIZE
    mark.value = NULL
    mark.value_size = WORD_SIZE
    if not is_named(making.table, address):
        if index_read(making.index, making.table) != TABLE_OK:
            return TABLE_NO_MEMORY
        if index_has_slots(making.index, making.table, address):
            mark.value = one
    return put(making, &mark)


# ---- storages


cdef int32_t clear_storage(Making* making, const uint8_t* address) noexcept nogil:
    cdef const Entry* entry
    cdef uint32_t place
    if index_read(making.index, making.table) != TABLE_OK:
        return TABLE_NO_MEMORY
    place = index_last(making.index, address)
    while place:
        entry = &making.table.entries[place - 1]
        if entry_has_value(entry):
            if making.before != NULL and note(making, entry_key(entry), entry.key_size) != TABLE_OK:
                return TABLE_NO_MEMORY
            table_drop(making.table, place - 1)
            if table_intern(&making.touched, address, ADDRESS_SIZE) < 0:
                return TABLE_NO_MEMORY
        place = making.index.before[place - 1]
    return TABLE_OK


# ---- what stood there before


cdef int32_t note(Making* making, const uint8_t* key, uint32_t size) noexcept nogil:
    """Keep what stands at a key, or that nothing does; the first note counts."""
    cdef uint32_t count = making.before.count
    cdef int64_t number = table_intern(making.before, key, size)
    cdef int64_t found
    if number < 0:
        return TABLE_NO_MEMORY
    if making.before.count == count:
        return TABLE_OK
    found = table_find(making.table, key, size)
    if found < 0 or not entry_has_value(&making.table.entries[found]):
        return TABLE_OK
    return table_put(
        making.before, <uint32_t>number, entry_value(&making.table.entries[found]),
        making.table.entries[found].value_size,
    )


cdef int32_t note_account(Making* making, const uint8_t* address) noexcept nogil:
    cdef uint8_t key[FIELD_SIZE]
    cdef uint8_t* fields = [BALANCE, NONCE, CODE_HASH, RECORDED]
    cdef int place
    memcpy(key, address, ADDRESS_SIZE)
    for place in range(4):
        key[ADDRESS_SIZE] = fields[place]
        if note(making, key, FIELD_SIZE) != TABLE_OK:
            return TABLE_NO_MEMORY
    return TABLE_OK


# ---- reading


cdef bint is_named(const Table* table, const uint8_t* address) noexcept nogil:
    return has_field(table, address, NONCE) or has_field(table, address, CODE_HASH)


cdef bint has_field(const Table* table, const uint8_t* address, uint8_t field) noexcept nogil:
    cdef uint8_t key[FIELD_SIZE]
    cdef int64_t number
    memcpy(key, address, ADDRESS_SIZE)
    key[ADDRESS_SIZE] = field
    number = table_find(table, key, FIELD_SIZE)
    return number >= 0 and entry_has_value(&table.entries[number])
