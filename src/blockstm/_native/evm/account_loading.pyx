"""Loading accounts; see the ``.pxd``.

A state has millions of slots, so a number goes from the Python object into the table's memory with no
other object in between.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

from blockstm._native.evm.account_keys cimport (
    ADDRESS_SIZE, BALANCE, CODE_HASH, FIELD_SIZE, NONCE, RECORDED, SLOT_SIZE, STORED, WORD_SIZE,
)
from blockstm._native.integers cimport reverse_word, write_word
from blockstm._native.table cimport TABLE_OK, Table, table_intern, table_put

from blockstm.errors import InputError
from blockstm.messages import brief

cdef bytes EMPTY_CODE_HASH = bytes.fromhex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")


cdef int load_account(Table* table, object address, object account) except -1:
    """Put an account that the table does not have yet into it.

    Raises InputError where the address, a number or a hash is not one.
    """
    cdef uint8_t key[SLOT_SIZE]
    if not isinstance(address, bytes) or PyBytes_GET_SIZE(address) != ADDRESS_SIZE:
        raise InputError(f"an address is 20 bytes, not {brief(address)}")
    memcpy(key, PyBytes_AS_STRING(address), ADDRESS_SIZE)
    balance, nonce, code_hash = account.balance, account.nonce, account.code_hash
    has_code = code_hash != EMPTY_CODE_HASH
    if balance:
        put_number(table, key, BALANCE, balance)
    if nonce:
        put_number(table, key, NONCE, nonce)
    if has_code:
        put_code(table, key, code_hash, account.code)
    elif not (balance or nonce):
        put_number(table, key, RECORDED, 1)
    if load_slots(table, key, account.storage) and not (nonce or has_code):
        put_number(table, key, STORED, 1)
    return 0


cdef int load_slots(Table* table, uint8_t* key, object storage) except -1:
    """Put slots into the table, behind the address that is in ``key``; 1 if one is not zero, else 0."""
    cdef uint8_t word[WORD_SIZE]
    cdef int any_stored = 0
    for slot, value in storage.items():
        if not value:
            continue
        if not write_word(slot, word):
            raise InputError(f"a slot is an int from 0 to 2**256-1, not {brief(slot)}")
        reverse_word(word, key + ADDRESS_SIZE)
        number_as_word(value, word)
        put(table, key, SLOT_SIZE, word, WORD_SIZE)
        any_stored = 1
    return any_stored


cdef int put_number(Table* table, uint8_t* key, uint8_t field, object number) except -1:
    cdef uint8_t word[WORD_SIZE]
    number_as_word(number, word)
    key[ADDRESS_SIZE] = field
    return put(table, key, FIELD_SIZE, word, WORD_SIZE)


cdef int put_code(Table* table, uint8_t* key, object code_hash, object code) except -1:
    """The hash of a code, and the code if there is one."""
    cdef bytes data
    if not isinstance(code_hash, bytes) or PyBytes_GET_SIZE(code_hash) != WORD_SIZE:
        raise InputError(f"the hash of a code is 32 bytes, not {brief(code_hash)}")
    key[ADDRESS_SIZE] = CODE_HASH
    put(table, key, FIELD_SIZE, <const uint8_t*>PyBytes_AS_STRING(code_hash), WORD_SIZE)
    if code is None:
        return 0
    try:
        data = bytes(memoryview(code))
    except TypeError:
        raise InputError(f"a code is bytes, not {brief(code)}") from None
    return put(
        table, <const uint8_t*>PyBytes_AS_STRING(code_hash), WORD_SIZE,
        <const uint8_t*>PyBytes_AS_STRING(data), <uint32_t>PyBytes_GET_SIZE(data),
    )


cdef int number_as_word(object number, uint8_t* word) except -1:
    """32 bytes, little-endian, of anything that is a number."""
    try:
        if write_word(number, word) or write_word(int(number), word):
            return 0
    except (TypeError, ValueError, OverflowError):
        pass
    raise InputError(f"a number of an account is an int from 0 to 2**256-1, not {brief(number)}")


cdef int put(
    Table* table, const uint8_t* key, uint32_t key_size, const uint8_t* value, uint32_t size
) except -1:
    cdef int64_t number = table_intern(table, key, key_size)
    if number < 0 or table_put(table, <uint32_t>number, value, size) != TABLE_OK:
        raise MemoryError
    return 0
