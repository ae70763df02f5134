"""A change of a state of accounts in the making: values put, storages cleared, marks kept true.

Threads: the table and the index are the caller's alone.
"""
from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memcpy, memset

from blockstm._native.base.packed cimport Change
from blockstm._native.base.table cimport TABLE_NO_MEMORY, TABLE_OK, Table, table_intern
from blockstm._native.state.account_index cimport AccountIndex
from blockstm._native.state.account_keys cimport (
    ADDRESS_SIZE, CODE_HASH, FIELD_SIZE, NONCE, WORD_SIZE, is_bytes, is_no_code, is_zero,
)
from blockstm._native.state.memory_state cimport make_change

cdef struct Making:
    Table* table
    AccountIndex* index
    Table* before  # key → the value before, of all that changes; NULL where no undo is wanted
    Table touched  # addresses of which a slot was written, or nonce or code removed

# What follows returns TABLE_OK or TABLE_NO_MEMORY.
cdef void making_begin(Making* making, Table* table, AccountIndex* index, Table* before) noexcept nogil
# Keeps the marks "stored" true (EIP-7610) unless `status` says that something failed; frees.
cdef int32_t making_end(Making* making, int32_t status) noexcept nogil
# Keeps in `before` what stands at a key, or that nothing does; the first note counts.
cdef int32_t note(Making* making, const uint8_t* key, uint32_t size) noexcept nogil
cdef int32_t clear_storage(Making* making, const uint8_t* address) noexcept nogil
# Nonce, balance, code hash and mark of an account go to `before`, changed or not: it can be read alone.
cdef int32_t note_account(Making* making, const uint8_t* address) noexcept nogil
# Whether an account has a nonce or code.
cdef bint is_named(const Table* table, const uint8_t* address) noexcept nogil
cdef bint has_field(const Table* table, const uint8_t* address, uint8_t field) noexcept nogil


cdef inline bint is_name(const uint8_t* key, uint32_t size) noexcept nogil:
    """Whether this is the key of a nonce or of the hash of a code."""
    return size == FIELD_SIZE and (key[ADDRESS_SIZE] == NONCE or key[ADDRESS_SIZE] == CODE_HASH)


cdef inline int32_t put(Making* making, const Change* change) noexcept nogil:
    if making.before != NULL and note(making, change.key, change.key_size) != TABLE_OK:
        return TABLE_NO_MEMORY
    return make_change(making.table, change)


cdef inline int32_t put_value(Making* making, const Change* change) noexcept nogil:
    """A value as a state holds it: what is zero or empty is not there, a number has 32 bytes."""
    cdef Change given = change[0]
    cdef uint8_t word[WORD_SIZE]
    if given.value != NULL and is_bytes(given.key, given.key_size):
        if given.value_size == 0 or (given.key_size == FIELD_SIZE and is_no_code(given.value)):
            given.value = NULL
    elif given.value != NULL:
        if is_zero(given.value, given.value_size):
            given.value = NULL
        elif given.value_size < WORD_SIZE:
            memset(word, 0, WORD_SIZE)
            memcpy(word, given.value, given.value_size)
            given.value, given.value_size = word, WORD_SIZE
    if given.value == NULL and is_name(given.key, given.key_size):
        if table_intern(&making.touched, given.key, ADDRESS_SIZE) < 0:
            return TABLE_NO_MEMORY
    return put(making, &given)


cdef inline int32_t put_slot(Making* making, const Change* change) noexcept nogil:
    """A value at the key of a slot of epoch 0."""
    if table_intern(&making.touched, change.key, ADDRESS_SIZE) < 0:
        return TABLE_NO_MEMORY
    return put_value(making, change)
