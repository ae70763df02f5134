# distutils: sources = src/blockstm/_native/crypto/keccak.cpp
"""What an account may be made of; see the ``.pxd``.

A value that does not fit exactly is refused by name: nothing is rounded, cut or parsed.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t

from blockstm._native.base.integers cimport exact_word, read_word
from blockstm._native.state.account_keys cimport EMPTY_CODE_HASH, WORD_SIZE, ADDRESS_SIZE, is_zero

from collections.abc import Mapping

from blockstm.errors import InputError
from blockstm.messages import brief, kind_of

cdef extern from "crypto/keccak.hpp" namespace "blockstm" nogil:
    void keccak256(const uint8_t* data, uint64_t size, uint8_t* out) noexcept

cdef bytes NO_CODE_HASH = EMPTY_CODE_HASH[:WORD_SIZE]


def checked_account(balance, nonce, code, code_hash, storage) -> tuple:
    """The members of an account as they are kept: balance, nonce, code, code hash.

    Raises:
        InputError: one of them, or a slot, is not what it must be.
    """
    cdef uint8_t word[WORD_SIZE]
    exact_number(None, "balance", balance, word)
    balance = balance if type(balance) is int else read_word(word, WORD_SIZE, True)
    exact_nonce(None, nonce, word)
    nonce = nonce if type(nonce) is int else read_word(word, WORD_SIZE, True)
    code, code_hash = exact_code(None, code, code_hash, False)
    check_storage(storage)
    return balance, nonce, code, code_hash


def checked_change(nonce, balance, code, code_hash, storage) -> tuple:
    """The members of a change as they are kept, None where nothing changes: nonce, balance, code, code hash.

    Raises:
        InputError: one of them, or a slot, is not what it must be.
    """
    cdef uint8_t word[WORD_SIZE]
    if balance is not None:
        exact_number(None, "balance", balance, word)
        balance = read_word(word, WORD_SIZE, True)
    if nonce is not None:
        exact_nonce(None, nonce, word)
        nonce = read_word(word, WORD_SIZE, True)
    if code is not None or code_hash is not None:
        code, code_hash = exact_code(None, code, code_hash, False)
    check_storage(storage)
    return nonce, balance, code, code_hash


cdef int check_storage(object storage) except -1:
    cdef uint8_t word[WORD_SIZE]
    if not isinstance(storage, Mapping):
        raise InputError(f"an account's storage is a mapping of slots to values, not {kind_of(storage)}")
    for slot, value in storage.items():
        exact_number(None, "slot", slot, word)
        exact_number(None, "value of a slot", value, word)
    return 0


cdef str named(object where):
    """Whose member a message is about: an address, where it is known."""
    return "an account" if where is None else f"account 0x{where.hex()}"


cdef bytes exact_address(object address):
    cdef bytes exact = exact_bytes(address, ADDRESS_SIZE)
    if exact is None:
        raise InputError(f"an address is 20 bytes, not {brief(address)}")
    return exact


cdef int exact_number(object where, str what, object number, uint8_t* word) except -1:
    if exact_word(number, word):
        return 0
    raise InputError(f"{named(where)}: a {what} is an int from 0 to 2**256-1, not {brief(number)}")


cdef int exact_nonce(object where, object nonce, uint8_t* word) except -1:
    if exact_word(nonce, word) and is_zero(word + 8, WORD_SIZE - 8):
        return 0
    raise InputError(f"{named(where)}: a nonce is an int from 0 to 2**64-1, not {brief(nonce)}")


cdef bytes exact_bytes(object value, Py_ssize_t size):
    cdef bytes exact
    if type(value) is bytes:
        exact = value
    elif isinstance(value, (bytes, bytearray, memoryview)):
        exact = bytes(value)
    else:
        return None
    return exact if size < 0 or PyBytes_GET_SIZE(exact) == size else None


cdef tuple exact_code(object where, object code, object code_hash, bint is_trusted):
    cdef bytes data = None if code is None else exact_bytes(code, -1)
    cdef bytes given = None if code_hash is None else exact_bytes(code_hash, WORD_SIZE)
    cdef bytes derived
    if code is not None and data is None:
        raise InputError(f"{named(where)}: a code is bytes, not {brief(code)}")
    if code_hash is not None and given is None:
        raise InputError(f"{named(where)}: a code_hash is 32 bytes, not {brief(code_hash)}")
    if data is None:
        return None, NO_CODE_HASH if given is None else given
    if is_trusted and given is not None:
        return data, given
    derived = hash_of(data)
    if given is not None and given != derived:
        raise InputError(
            f"{named(where)}: its code of {len(data)} bytes has the hash 0x{derived.hex()}, the code_hash says "
            f"0x{given.hex()}; leave that out to have it derived, or give code=None where only the hash is known"
        )
    return data, derived


cdef bytes hash_of(bytes code):
    cdef uint8_t out[WORD_SIZE]
    cdef uint64_t size = PyBytes_GET_SIZE(code)
    cdef const uint8_t* data = <const uint8_t*>PyBytes_AS_STRING(code)
    if size == 0:
        return NO_CODE_HASH
    with nogil:
        keccak256(data, size, out)
    return PyBytes_FromStringAndSize(<const char*>out, WORD_SIZE)
