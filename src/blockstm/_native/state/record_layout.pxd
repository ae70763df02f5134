"""The flat records of accounts, as ``trie/account.hpp`` lays them out."""
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

cdef enum:  # flags of a record
    HAS_NONCE = 1
    HAS_BALANCE = 2
    HAS_CODE_HASH = 4
    CLEARED = 8
    EXISTS = 0x10
    GONE = 0x20

cdef enum:  # places in a record
    FLAGS = 20
    NONCE_PLACE = 21
    BALANCE_PLACE = 29
    CODE_HASH_PLACE = 61
    COUNT_PLACE = 93
    HEAD_SIZE = 97
    SLOT_SIZE_IN_RECORD = 64


cdef inline uint32_t slot_count_in(const uint8_t* record) noexcept nogil:
    cdef uint32_t count
    memcpy(&count, record + COUNT_PLACE, 4)
    return count
