"""Loading accounts; see the ``.pxd``.

A state has millions of slots, so a number goes from the Python object into the table's memory with no
other object in between.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

from blockstm._native.base.integers cimport reverse_word
from blockstm._native.base.table cimport TABLE_OK, Table, table_intern, table_put
from blockstm._native.state.account_keys cimport (
    ADDRESS_SIZE, BALANCE, CODE_HASH, FIELD_SIZE, NONCE, RECORDED, SLOT_SIZE, STORED, WORD_SIZE, is_no_code,
    is_zero,
)
from blockstm._native.state.account_values cimport (
    exact_address, exact_code, exact_nonce, exact_number, named,
)

from blockstm.errors import InputError
from blockstm.messages import kind_of


cdef int load_account(Table* table, object address, object account, bint is_trusted) except -1:
    """Put an account that the table does not have yet into it.

    Raises InputError where the address, a number or a hash is not one, or a code has another hash.
    """
    cdef uint8_t key[SLOT_SIZE]
    cdef uint8_t word[WORD_SIZE]
    cdef bytes ours = exact_address(address)
    cdef bint is_named, has_balance
    try:
        balance, nonce = account.balance, account.nonce
        code, code_hash, storage = account.code, account.code_hash, account.storage
    except AttributeError:
        raise InputError(
            f"{named(ours)}: an account is a blockstm.ethereum.Account, not {kind_of(account)}"
        ) from None
    memcpy(key, PyBytes_AS_STRING(ours), ADDRESS_SIZE)
    exact_number(ours, "balance", balance, word)
    has_balance = put_number(table, key, BALANCE, word)
    exact_nonce(ours, nonce, word)
    is_named = put_number(table, key, NONCE, word)
    code, code_hash = exact_code(ours, code, code_hash, is_trusted)
    is_named |= put_code(table, key, code_hash, code)
    memcpy(word, ONE, WORD_SIZE)
    if not (is_named or has_balance):
        put_number(table, key, RECORDED, word)
    if load_slots(table, key, ours, storage) and not is_named:
        put_number(table, key, STORED, word)
    return 0


cdef bytes ONE_AS_BYTES = bytes([1]) + bytes(WORD_SIZE - 1)
cdef const uint8_t* ONE = <const uint8_t*>PyBytes_AS_STRING(ONE_AS_BYTES)


cdef int load_slots(Table* table, uint8_t* key, bytes address, object storage) except -1:
    """Put slots into the table, behind the address that is in ``key``; 1 if one is not zero, else 0."""
    cdef uint8_t word[WORD_SIZE]
    cdef int any_stored = 0
    for slot, value in storage.items():
        exact_number(address, "slot", slot, word)
        reverse_word(word, key + ADDRESS_SIZE)
        exact_number(address, "value of a slot", value, word)
        if is_zero(word, WORD_SIZE):
            continue
        put(table, key, SLOT_SIZE, word, WORD_SIZE)
        any_stored = 1
    return any_stored


cdef int put_number(Table* table, uint8_t* key, uint8_t field, const uint8_t* word) except -1:
    """1 if it is not zero, else 0, and there is nothing to put."""
    if is_zero(word, WORD_SIZE):
        return 0
    key[ADDRESS_SIZE] = field
    put(table, key, FIELD_SIZE, word, WORD_SIZE)
    return 1


cdef int put_code(Table* table, uint8_t* key, bytes code_hash, object code) except -1:
    """The hash of a code, and the code if there is one; 0 where an account has none."""
    cdef const uint8_t* hash = <const uint8_t*>PyBytes_AS_STRING(code_hash)
    if is_no_code(hash):
        return 0
    key[ADDRESS_SIZE] = CODE_HASH
    put(table, key, FIELD_SIZE, hash, WORD_SIZE)
    if code is not None:
        put(
            table, hash, WORD_SIZE, <const uint8_t*>PyBytes_AS_STRING(code),
            <uint32_t>PyBytes_GET_SIZE(code),
        )
    return 1


cdef int put(
    Table* table, const uint8_t* key, uint32_t key_size, const uint8_t* value, uint32_t size
) except -1:
    cdef int64_t number = table_intern(table, key, key_size)
    if number < 0 or table_put(table, <uint32_t>number, value, size) != TABLE_OK:
        raise MemoryError
    return 0
