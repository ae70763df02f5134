"""Spares: pieces of an arena that are not used any more, to be taken again before the block's end.

Each class has pieces of one size, a quarter of a power of two more than those of the class before; so a
piece has at most a quarter more room than was asked for, and a class never has more pieces than were in
use at once. A spare's own first bytes lead to the next.

Threads: for the one worker that has the block to itself, as its arena is.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from blockstm._native.base.arena cimport Arena, arena_take

cdef extern from *:
    """
    #ifndef BLOCKSTM_SPARES
    #define BLOCKSTM_SPARES
    #include <cstdint>
    static inline uint32_t blockstm_highest_bit(uint32_t value) { return 31u - (uint32_t)__builtin_clz(value); }
    #endif
    """
    uint32_t highest_bit "blockstm_highest_bit"(uint32_t value) noexcept nogil

cdef enum:
    LEAST_BIT = 5                             # pieces are for more than 2**5 bytes ...
    SPARE_CLASSES = 4 * (31 - LEAST_BIT)      # ... and up to 2**31

cdef struct Spares:
    uint8_t* first[SPARE_CLASSES]             # NULL: none


cdef inline uint32_t spare_class(uint32_t size, uint64_t* room) noexcept nogil:
    """The class of pieces for ``size`` bytes, and the ``room`` each of them has."""
    cdef uint32_t bit = highest_bit(size - 1)
    cdef uint32_t quarters = (size - 1) >> (bit - 2)  # 4 to 7 of them, begun
    room[0] = <uint64_t>(quarters + 1) << (bit - 2)
    return 4 * (bit - LEAST_BIT) + quarters - 4


cdef inline uint8_t* spares_take(Spares* spares, uint32_t size, Arena* arena) noexcept nogil:
    """``size`` bytes, more than 32; NULL where memory has run out."""
    cdef uint64_t room
    cdef uint32_t kind = spare_class(size, &room)
    cdef uint8_t* taken = spares.first[kind]
    if taken == NULL:
        return <uint8_t*>arena_take(arena, room)
    spares.first[kind] = (<uint8_t**>taken)[0]
    return taken


cdef inline void spares_give(Spares* spares, uint8_t* piece, uint32_t size) noexcept nogil:
    """Give back what was taken for ``size`` bytes."""
    cdef uint64_t room
    cdef uint32_t kind = spare_class(size, &room)
    (<uint8_t**>piece)[0] = spares.first[kind]
    spares.first[kind] = piece
