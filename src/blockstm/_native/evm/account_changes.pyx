"""The writes of a block on a state of accounts; see the ``.pxd``.

Between blocks everything stands in epoch 0. So the slots of an account that a block cleared are
removed first, what it wrote in the account's last epoch moves to epoch 0, and what it wrote in an
epoch before that is dropped.
"""
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset
from libcpp.vector cimport vector

from blockstm._native.evm.account_index cimport AccountIndex, index_has_slots, index_last, index_read
from blockstm._native.evm.account_keys cimport (
    ADDRESS_SIZE, CODE_HASH, FIELD_SIZE, NONCE, SLOT_SIZE, STORED, WORD_SIZE, epoch_in, is_bytes,
    is_epoch, is_field, is_slot, is_zero,
)
from blockstm._native.memory cimport make_change
from blockstm._native.packed cimport Change
from blockstm._native.table cimport (
    TABLE_NO_MEMORY, TABLE_OK, Table, entry_has_value, entry_key, table_drop, table_find, table_free,
    table_init, table_intern, table_put,
)

from blockstm.errors import InputError
from blockstm.messages import brief


cdef int check_changes(vector[Change]& changes) except -1:
    """Raises InputError where a key is of no location or a value has a size that it cannot have."""
    cdef const Change* change
    cdef size_t place
    for place in range(changes.size()):
        change = &changes[place]
        if not (is_field(change.key, change.key_size) or is_slot(change.key_size) or change.key_size == WORD_SIZE):
            raise InputError(f"not the key of a location of an account: {brief(key_of(change))}")
        if change.value == NULL or change.key_size == WORD_SIZE:
            continue
        if change.value_size > WORD_SIZE or (
            is_bytes(change.key, change.key_size) and change.value_size != WORD_SIZE
        ):
            raise InputError(f"{change.value_size} bytes are no value at the location with key {brief(key_of(change))}")
    return 0


cdef bytes key_of(const Change* change):
    return PyBytes_FromStringAndSize(<const char*>change.key, change.key_size)


cdef struct Making:
    Table* table
    AccountIndex* index
    Table epochs  # the address of whoever was cleared → the last epoch
    Table touched  # addresses of whom a slot was written

cdef int32_t make_changes(Table* table, AccountIndex* index, vector[Change]& changes) noexcept nogil:
    cdef Making making
    cdef int32_t status
    making.table, making.index = table, index
    table_init(&making.epochs)
    table_init(&making.touched)
    status = clear_storages(&making, changes)
    if status == TABLE_OK:
        status = make_each(&making, changes)
    if status == TABLE_OK:
        status = mark_stored(&making)
    table_free(&making.epochs)
    table_free(&making.touched)
    return status


cdef int32_t clear_storages(Making* making, vector[Change]& changes) noexcept nogil:
    """Notes the new epochs and removes what stood in the old ones."""
    cdef uint64_t epoch
    cdef size_t place
    cdef int64_t number
    for place in range(changes.size()):
        if not is_epoch(changes[place].key, changes[place].key_size):
            continue
        epoch = number_in(&changes[place])
        number = table_intern(&making.epochs, changes[place].key, ADDRESS_SIZE)
        if number < 0 or table_put(&making.epochs, <uint32_t>number, <const uint8_t*>&epoch, 8) != TABLE_OK:
            return TABLE_NO_MEMORY
        if clear_storage(making, changes[place].key) != TABLE_OK:
            return TABLE_NO_MEMORY
    return TABLE_OK


cdef int32_t clear_storage(Making* making, const uint8_t* address) noexcept nogil:
    cdef uint32_t place
    if index_read(making.index, making.table) != TABLE_OK:
        return TABLE_NO_MEMORY
    place = index_last(making.index, address)
    while place:
        if entry_has_value(&making.table.entries[place - 1]):
            table_drop(making.table, place - 1)
            if table_intern(&making.touched, address, ADDRESS_SIZE) < 0:
                return TABLE_NO_MEMORY
        place = making.index.before[place - 1]
    return TABLE_OK


cdef int32_t make_each(Making* making, vector[Change]& changes) noexcept nogil:
    cdef int32_t status = TABLE_OK
    cdef size_t place
    for place in range(changes.size()):
        if is_slot(changes[place].key_size):
            status = put_slot(making, &changes[place])
        elif not is_epoch(changes[place].key, changes[place].key_size):
            status = put_value(making.table, &changes[place])
        if status != TABLE_OK:
            break
    return status


cdef int32_t put_slot(Making* making, const Change* change) noexcept nogil:
    """A slot of the account's last epoch; one of another epoch is nothing."""
    cdef Change moved = change[0]
    cdef int64_t number = table_find(&making.epochs, change.key, ADDRESS_SIZE)
    cdef uint64_t epoch = 0 if number < 0 else making.epochs.entries[number].value
    if epoch_in(change.key, change.key_size) != epoch:
        return TABLE_OK
    if table_intern(&making.touched, change.key, ADDRESS_SIZE) < 0:
        return TABLE_NO_MEMORY
    moved.key_size = SLOT_SIZE
    return put_value(making.table, &moved)


cdef int32_t put_value(Table* table, const Change* change) noexcept nogil:
    """A value as a state holds it: what is zero or empty is not there, a number has 32 bytes."""
    cdef Change put = change[0]
    cdef uint8_t word[WORD_SIZE]
    if put.value != NULL and is_bytes(put.key, put.key_size):
        if put.value_size == 0:
            put.value = NULL
    elif put.value != NULL:
        if is_zero(put.value, put.value_size):
            put.value = NULL
        elif put.value_size < WORD_SIZE:
            memset(word, 0, WORD_SIZE)
            memcpy(word, put.value, put.value_size)
            put.value, put.value_size = word, WORD_SIZE
    return make_change(table, &put)


cdef int32_t mark_stored(Making* making) noexcept nogil:
    """Says of each account of which a slot was written whether it is "stored" now (EIP-7610)."""
    cdef uint8_t key[FIELD_SIZE]
    cdef uint8_t one[WORD_SIZE]
    cdef Change mark
    cdef uint32_t number
    memset(one, 0, WORD_SIZE)
    one[0] = 1
    for number in range(making.touched.count):
        memcpy(key, entry_key(&making.touched.entries[number]), ADDRESS_SIZE)
        mark.value = NULL
        mark.value_size = WORD_SIZE
        if not is_named(making.table, key):
            if index_read(making.index, making.table) != TABLE_OK:
                return TABLE_NO_MEMORY
            if index_has_slots(making.index, making.table, key):
                mark.value = one
        key[ADDRESS_SIZE] = STORED
        mark.key, mark.key_size = key, FIELD_SIZE
        if make_change(making.table, &mark) != TABLE_OK:
            return TABLE_NO_MEMORY
    return TABLE_OK


cdef bint is_named(const Table* table, uint8_t* key) noexcept nogil:
    """Whether an account has a nonce or code; the last byte of ``key`` is free to be changed."""
    return has_field(table, key, NONCE) or has_field(table, key, CODE_HASH)


cdef bint has_field(const Table* table, uint8_t* key, uint8_t field) noexcept nogil:
    cdef int64_t number
    key[ADDRESS_SIZE] = field
    number = table_find(table, key, FIELD_SIZE)
    return number >= 0 and entry_has_value(&table.entries[number])


cdef uint64_t number_in(const Change* change) noexcept nogil:
    """The low 64 bits of a number."""
    cdef uint64_t number = 0
    if change.value != NULL:
        memcpy(&number, change.value, min(change.value_size, 8))
    return number
