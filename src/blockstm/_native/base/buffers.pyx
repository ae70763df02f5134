"""See the ``.pxd``."""
from libc.stdint cimport uint64_t, uint8_t

from blockstm._native.base.chunks cimport chunk_give, chunk_store, chunk_take

cdef enum:
    HEADER = 64                  # its capacity, and what keeps the rest aligned
    LOOSE = 4                    # how many times too large it may be


cdef inline uint64_t capacity_of(const uint8_t* buffer) noexcept nogil:
    return (<const uint64_t*>buffer)[0]


cdef void* buffer_take(uint64_t size) noexcept nogil:
    cdef uint64_t wanted = size + HEADER
    cdef uint8_t* buffer = <uint8_t*>chunk_take(chunk_store(), wanted, wanted, LOOSE * wanted, &wanted)
    if buffer == NULL:
        return NULL
    (<uint64_t*>buffer)[0] = wanted
    return buffer + HEADER


cdef void buffer_free(void* buffer) noexcept nogil:
    cdef uint8_t* whole
    if buffer == NULL:
        return
    whole = <uint8_t*>buffer - HEADER
    chunk_give(chunk_store(), whole, capacity_of(whole))
