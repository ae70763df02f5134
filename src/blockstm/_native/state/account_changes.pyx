# distutils: sources = src/blockstm/_native/crypto/keccak.cpp
"""The writes of a block on a state of accounts; see the ``.pxd``.

Between blocks everything stands in epoch 0. So the slots of an account that a block cleared are
removed first, what it wrote in the account's last epoch moves to epoch 0, and what it wrote in an
epoch before that is dropped.
"""
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset
from libcpp.vector cimport vector

from blockstm._native.base.chunks cimport LargeVector
from blockstm._native.base.integers cimport reverse_word
from blockstm._native.base.packed cimport Change
from blockstm._native.base.table cimport (
    TABLE_NO_MEMORY, TABLE_OK, Table, table_find, table_free, table_init, table_intern, table_put, table_reserve,
)
from blockstm._native.state.account_index cimport AccountIndex
from blockstm._native.state.account_keys cimport (
    ADDRESS_SIZE, BALANCE, CODE_HASH, FIELD_SIZE, NONCE, RECORDED, SLOT_SIZE, WORD_SIZE, epoch_in, is_bytes,
    is_epoch, is_field, is_slot, is_zero,
)
from blockstm._native.state.account_making cimport (
    Making, clear_storage, has_field, is_named, making_begin, making_end, note_account, put_slot, put_value,
)
from blockstm._native.state.record_layout cimport (
    CLEARED, EXISTS, GONE, HAS_BALANCE, HAS_CODE_HASH, HAS_NONCE, HEAD_SIZE, SLOT_SIZE_IN_RECORD,
    BALANCE_PLACE, CODE_HASH_PLACE, FLAGS, NONCE_PLACE, slot_count_in,
)

from blockstm.errors import InputError
from blockstm.messages import brief

cdef extern from "crypto/keccak.hpp" namespace "blockstm" nogil:
    void keccak256(const uint8_t* data, uint64_t size, uint8_t* out) noexcept


# ---- checking


cdef int check_changes(LargeVector[Change]& changes, bint codes_are_trusted) except -1:
    """Raises InputError where a key is of no location or a value has none of the sizes it can have."""
    cdef const Change* change
    cdef size_t place
    for place in range(changes.size()):
        change = &changes[place]
        if not (is_field(change.key, change.key_size) or is_slot(change.key_size) or change.key_size == WORD_SIZE):
            raise InputError(f"not the key of a location of an account: {brief(key_of(change))}")
        if change.value == NULL:
            continue
        if change.key_size == WORD_SIZE:
            if not codes_are_trusted and change.value_size:
                check_code(change)
        elif change.value_size > WORD_SIZE or (
            is_bytes(change.key, change.key_size) and change.value_size != WORD_SIZE and change.value_size
        ):
            raise InputError(f"{change.value_size} bytes are no value at the location with key {brief(key_of(change))}")
        elif is_long_nonce(change):
            raise InputError(f"account 0x{key_of(change)[:ADDRESS_SIZE].hex()}: its nonce is not below 2**64")
    return 0


cdef int check_code(const Change* change) except -1:
    """Code is found by its hash: under that of another code it would run for it."""
    cdef uint8_t hash[WORD_SIZE]
    with nogil:
        keccak256(change.value, change.value_size, hash)
    if memcmp(hash, change.key, WORD_SIZE) != 0:
        raise InputError(
            f"the code of {change.value_size} bytes given for the hash 0x{key_of(change).hex()} "
            f"has the hash 0x{hash[:WORD_SIZE].hex()}"
        )
    return 0


cdef bint is_long_nonce(const Change* change) noexcept:
    if change.key_size != FIELD_SIZE or change.key[ADDRESS_SIZE] != NONCE or change.value_size <= 8:
        return False
    return not is_zero(change.value + 8, change.value_size - 8)


cdef bytes key_of(const Change* change):
    return PyBytes_FromStringAndSize(<const char*>change.key, change.key_size)


# ---- locations


cdef int32_t make_changes(
    Table* table, AccountIndex* index, LargeVector[Change]& changes, Table* before
) noexcept nogil:
    cdef Making making
    cdef Table epochs  # the address of a cleared account → its last epoch
    cdef int32_t status = TABLE_OK
    making_begin(&making, table, index, before)
    table_init(&epochs)
    if before != NULL:
        status = note_accounts(&making, changes)
    if status == TABLE_OK:
        status = clear_storages(&making, changes, &epochs)
    if status == TABLE_OK:
        status = make_each(&making, changes, &epochs)
    table_free(&epochs)
    return making_end(&making, status)


cdef int32_t note_accounts(Making* making, LargeVector[Change]& changes) noexcept nogil:
    cdef const uint8_t* last = NULL
    cdef size_t place
    if table_reserve(making.before, 2 * changes.size()) != TABLE_OK:
        return TABLE_NO_MEMORY
    for place in range(changes.size()):
        if changes[place].key_size == WORD_SIZE:
            continue
        if last == NULL or memcmp(last, changes[place].key, ADDRESS_SIZE) != 0:
            if note_account(making, changes[place].key) != TABLE_OK:
                return TABLE_NO_MEMORY
        last = changes[place].key
    return TABLE_OK


cdef int32_t clear_storages(Making* making, LargeVector[Change]& changes, Table* epochs) noexcept nogil:
    """Notes the new epochs and removes what stood in the old ones."""
    cdef uint64_t epoch
    cdef size_t place
    cdef int64_t number
    for place in range(changes.size()):
        if not is_epoch(changes[place].key, changes[place].key_size):
            continue
        epoch = number_in(&changes[place])
        number = table_intern(epochs, changes[place].key, ADDRESS_SIZE)
        if number < 0 or table_put(epochs, <uint32_t>number, <const uint8_t*>&epoch, 8) != TABLE_OK:
            return TABLE_NO_MEMORY
        if clear_storage(making, changes[place].key) != TABLE_OK:
            return TABLE_NO_MEMORY
    return TABLE_OK


cdef int32_t make_each(Making* making, LargeVector[Change]& changes, const Table* epochs) noexcept nogil:
    cdef int32_t status = TABLE_OK
    cdef size_t place
    for place in range(changes.size()):
        if is_slot(changes[place].key_size):
            status = put_slot_of_epoch(making, &changes[place], epochs)
        elif not is_epoch(changes[place].key, changes[place].key_size):
            status = put_value(making, &changes[place])
        if status != TABLE_OK:
            break
    return status


cdef int32_t put_slot_of_epoch(Making* making, const Change* change, const Table* epochs) noexcept nogil:
    """A slot of the account's last epoch; one of another epoch is nothing."""
    cdef Change moved = change[0]
    cdef int64_t number = table_find(epochs, change.key, ADDRESS_SIZE)
    cdef uint64_t epoch = 0 if number < 0 else epochs.entries[number].value
    if epoch_in(change.key, change.key_size) != epoch:
        return TABLE_OK
    moved.key_size = SLOT_SIZE
    return put_slot(making, &moved)


cdef uint64_t number_in(const Change* change) noexcept nogil:
    """The low 64 bits of a number."""
    cdef uint64_t number = 0
    if change.value != NULL:
        memcpy(&number, change.value, min(change.value_size, 8))
    return number


# ---- records


cdef int32_t make_records(
    Table* table, AccountIndex* index, const uint8_t* records, uint64_t size, LargeVector[Change]& codes,
    Table* before,
) noexcept nogil:
    cdef Making making
    cdef int32_t status = TABLE_OK
    cdef uint64_t place = 0
    cdef size_t number
    making_begin(&making, table, index, before)
    while place < size and status == TABLE_OK:
        status = make_record(&making, records + place)
        place += HEAD_SIZE + SLOT_SIZE_IN_RECORD * <uint64_t>slot_count_in(records + place)
    for number in range(codes.size()):
        if status == TABLE_OK:
            status = put_value(&making, &codes[number])
    return making_end(&making, status)


cdef int32_t make_record(Making* making, const uint8_t* record) noexcept nogil:
    cdef uint8_t flags = record[FLAGS]
    cdef int32_t status = TABLE_OK
    if making.before != NULL and note_account(making, record) != TABLE_OK:
        return TABLE_NO_MEMORY
    if flags & (CLEARED | GONE):
        status = clear_storage(making, record)
    if status == TABLE_OK:
        status = make_fields(making, record)
    if status == TABLE_OK and not flags & GONE:
        status = make_slots(making, record)
    return status


cdef int32_t make_fields(Making* making, const uint8_t* record) noexcept nogil:
    """What is gone has none; whatever else an account has, it exists without a mark."""
    cdef uint8_t flags = record[FLAGS]
    cdef bint is_there = not flags & GONE
    cdef uint8_t word[WORD_SIZE]
    cdef int32_t status = TABLE_OK
    memset(word, 0, WORD_SIZE)
    memcpy(word, record + NONCE_PLACE, 8)
    if flags & (HAS_NONCE | GONE):
        status = put_field(making, record, NONCE, word, is_there)
    reverse_word(record + BALANCE_PLACE, word)
    if status == TABLE_OK and flags & (HAS_BALANCE | GONE):
        status = put_field(making, record, BALANCE, word, is_there)
    if status == TABLE_OK and flags & (HAS_CODE_HASH | GONE):
        status = put_field(making, record, CODE_HASH, record + CODE_HASH_PLACE, is_there)
    if status == TABLE_OK:
        memset(word, 0, WORD_SIZE)
        word[0] = 1
        status = put_field(making, record, RECORDED, word, flags & EXISTS and has_nothing(making.table, record))
    return status


cdef bint has_nothing(const Table* table, const uint8_t* address) noexcept nogil:
    return not (is_named(table, address) or has_field(table, address, BALANCE))


cdef int32_t put_field(
    Making* making, const uint8_t* address, uint8_t field, const uint8_t* value, bint is_there
) noexcept nogil:
    """A value of 32 bytes, or none unless it is there."""
    cdef uint8_t key[FIELD_SIZE]
    cdef Change change
    memcpy(key, address, ADDRESS_SIZE)
    key[ADDRESS_SIZE] = field
    change.key, change.key_size = key, FIELD_SIZE
    change.value = NULL
    change.value_size = WORD_SIZE
    if is_there:
        change.value = value
    return put_value(making, &change)


cdef int32_t make_slots(Making* making, const uint8_t* record) noexcept nogil:
    cdef const uint8_t* slot = record + HEAD_SIZE
    cdef uint8_t key[SLOT_SIZE]
    cdef uint8_t word[WORD_SIZE]
    cdef Change change
    cdef uint32_t number
    memcpy(key, record, ADDRESS_SIZE)
    change.key, change.key_size = key, SLOT_SIZE
    change.value, change.value_size = word, WORD_SIZE
    for number in range(slot_count_in(record)):
        memcpy(key + ADDRESS_SIZE, slot, WORD_SIZE)
        reverse_word(slot + WORD_SIZE, word)
        if put_slot(making, &change) != TABLE_OK:
            return TABLE_NO_MEMORY
        slot += SLOT_SIZE_IN_RECORD
    return TABLE_OK
