"""The keyed hash of byte strings, for every hash table of the native core.

Keys come from outside (addresses, slots, users' bytes), so an attacker that knew the hash could
make them collide: a table would turn into a list and a block into a denial of service
(hash flooding). So the hash is keyed with 256 bits drawn from the operating system when the
module is imported; nothing that depends on the order of a table may reach a result.

The mixing step multiplies 64 by 64 bits to 128 and folds the halves onto each other, one step
for 16 bytes of key. It is a hash for tables, not a cryptographic one, and a hash never stands
in for a key: every table compares the bytes.

Threads: the functions are pure; the seed is written once, at import, before any other thread can read it.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #ifndef BLOCKSTM_FOLD
    #define BLOCKSTM_FOLD
    static inline uint64_t blockstm_fold(uint64_t a, uint64_t b) {
        unsigned __int128 product = (unsigned __int128)a * b;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    #endif
    """
    # Both halves of the 128-bit product, one upon the other.
    uint64_t fold "blockstm_fold"(uint64_t a, uint64_t b) noexcept nogil

# Four random words, the same in every module of this process and different in the next process.
cdef const uint64_t* process_seed() noexcept nogil


cdef inline uint64_t word64(const uint8_t* data) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, data, 8)
    return word


cdef inline uint64_t word32(const uint8_t* data) noexcept nogil:
    cdef uint32_t word
    memcpy(&word, data, 4)
    return word


cdef inline uint64_t hash_short(
    const uint8_t* data, uint64_t size, const uint64_t* seed
) noexcept nogil:
    """Of 0 to 16 bytes: two words that overlap and together hold every byte, and the size."""
    cdef uint64_t low = 0, high = 0
    if size >= 8:
        low = word64(data)
        high = word64(data + size - 8)
    elif size >= 4:
        low = word32(data)
        high = word32(data + size - 4)
    elif size > 0:
        low = <uint64_t>data[0] | <uint64_t>data[size >> 1] << 8
        high = data[size - 1]
    return fold(fold(low ^ seed[0], high ^ seed[1]) ^ seed[2], size ^ seed[3])


cdef inline uint64_t hash_bytes(
    const uint8_t* data, uint64_t size, const uint64_t* seed
) noexcept nogil:
    """The hash of ``size`` bytes under a seed of four words; all 64 bits are good.

    8 bytes take two multiplications, 20 and 32 bytes three, 52 bytes five.
    """
    cdef uint64_t hashed = seed[0]
    cdef const uint8_t* tail
    if size <= 16:
        return hash_short(data, size, seed)
    tail = data + size - 16  # the last 16 bytes, which the loop leaves out, may overlap it
    while data < tail:
        hashed = fold(word64(data) ^ seed[1], word64(data + 8) ^ hashed)
        data += 16
    hashed = fold(word64(tail) ^ seed[2], word64(tail + 8) ^ hashed)
    return fold(hashed ^ seed[3], size ^ seed[0])


cdef inline uint64_t hash_with_last(uint64_t hashed, uint64_t last) noexcept nogil:
    """The hash of a longer key, from that of its bytes but the last."""
    return ((hashed & ~<uint64_t>7) | (last & 7)) ^ (last * <uint64_t>0x9e3779b1) << 32


cdef inline uint64_t hash_key(const uint8_t* key, uint64_t size, const uint64_t* seed) noexcept nogil:
    """The hash of a key for a table of 8-byte cells: its place below, what tells it apart above.

    Keys longer than a word that differ in their last byte only lie in one cache line, up to eight
    of them: the balance, the nonce and the code of an account, or neighbouring slots of a storage.
    """
    if size <= 8:
        return hash_bytes(key, size, seed)
    return hash_with_last(hash_bytes(key, size - 1, seed), key[size - 1])
