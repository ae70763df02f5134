"""The keys of an account's locations as the table of a state holds them; see ``locations.pyx``."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp

cdef enum:
    ADDRESS_SIZE = 20
    FIELD_SIZE = 21  # an address and a letter
    WORD_SIZE = 32  # a hash as a key, a number as a value
    SLOT_SIZE = 52
    LATER_SLOT_SIZE = 56  # with the epoch behind it

cdef enum:  # the letter behind the address
    BALANCE = 0x62  # b
    NONCE = 0x6e  # n
    CODE_HASH = 0x63  # c
    RECORDED = 0x72  # r
    EPOCH = 0x65  # e
    STORED = 0x73  # s


cdef inline bint is_field(const uint8_t* key, uint32_t size) noexcept nogil:
    return size == FIELD_SIZE and key[ADDRESS_SIZE] in (BALANCE, NONCE, CODE_HASH, RECORDED, EPOCH, STORED)


cdef inline bint is_slot(uint32_t size) noexcept nogil:
    return size == SLOT_SIZE or size == LATER_SLOT_SIZE


cdef inline bint is_epoch(const uint8_t* key, uint32_t size) noexcept nogil:
    return size == FIELD_SIZE and key[ADDRESS_SIZE] == EPOCH


cdef inline bint is_bytes(const uint8_t* key, uint32_t size) noexcept nogil:
    """Whether the value there is bytes as they are: a code or the hash of one. Others are numbers."""
    return size == WORD_SIZE or (size == FIELD_SIZE and key[ADDRESS_SIZE] == CODE_HASH)


cdef inline uint64_t epoch_in(const uint8_t* key, uint32_t size) noexcept nogil:
    """The epoch that a slot's key names."""
    if size == SLOT_SIZE:
        return 0
    return <uint64_t>key[52] << 24 | <uint64_t>key[53] << 16 | <uint64_t>key[54] << 8 | key[55]


cdef inline bint is_zero(const uint8_t* word, uint32_t size) noexcept nogil:
    cdef uint32_t place
    for place in range(size):
        if word[place]:
            return False
    return True


cdef inline bint same_address(const uint8_t* key, const uint8_t* other) noexcept nogil:
    return memcmp(key, other, ADDRESS_SIZE) == 0
