"""The keys of an account's locations as the table of a state holds them; see ``locations.pyx``."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

cdef extern from *:
    """
    #ifndef BLOCKSTM_EMPTY_CODE_HASH
    #define BLOCKSTM_EMPTY_CODE_HASH
    #include <cstdint>
    inline constexpr uint8_t blockstm_empty_code_hash[32] = {
        0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d, 0xb2, 0xdc, 0xc7, 0x03, 0xc0,
        0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82, 0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70};
    #endif
    """
    const uint8_t* EMPTY_CODE_HASH "blockstm_empty_code_hash"  # keccak of no bytes

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
    cdef uint64_t limb[4]
    cdef uint32_t place
    if size == WORD_SIZE:  # most are
        memcpy(limb, word, WORD_SIZE)
        return limb[0] | limb[1] | limb[2] | limb[3] == 0
    for place in range(size):
        if word[place]:
            return False
    return True


cdef inline bint is_no_code(const uint8_t* code_hash) noexcept nogil:
    return memcmp(code_hash, EMPTY_CODE_HASH, WORD_SIZE) == 0


cdef inline bint same_address(const uint8_t* key, const uint8_t* other) noexcept nogil:
    return memcmp(key, other, ADDRESS_SIZE) == 0
