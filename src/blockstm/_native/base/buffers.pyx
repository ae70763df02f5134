"""See the ``.pxd``."""
from libc.stdint cimport uint64_t, uint8_t

from blockstm._native.base.fork_locks cimport ForkMutex
from blockstm._native.base.pages cimport pages_free, pages_take

cdef enum:
    HEADER = 64                  # its capacity, and what keeps the rest aligned
    KEPT_MIN = 1 << 18           # shorter ones are the allocator's business
    KEPT = 24                    # buffers
    KEPT_BYTES_MAX = 1 << 26     # of all that are kept

cdef struct Shelf:
    uint64_t bytes
    int count
    uint8_t* buffer[KEPT]

cdef Shelf SHELF
cdef ForkMutex SHELF_LOCK


cdef inline uint64_t capacity_of(const uint8_t* buffer) noexcept nogil:
    return (<const uint64_t*>buffer)[0]


cdef uint8_t* from_shelf(uint64_t wanted) noexcept nogil:
    """The smallest that is large enough and not far too large, or NULL."""
    cdef int place, best = -1
    cdef uint64_t capacity
    cdef uint8_t* found = NULL
    SHELF_LOCK.lock()
    for place in range(SHELF.count):
        capacity = capacity_of(SHELF.buffer[place])
        if wanted <= capacity <= 4 * wanted and (best < 0 or capacity < capacity_of(SHELF.buffer[best])):
            best = place
    if best >= 0:
        found = SHELF.buffer[best]
        SHELF.count -= 1
        SHELF.buffer[best] = SHELF.buffer[SHELF.count]
        SHELF.bytes -= capacity_of(found)
    SHELF_LOCK.unlock()
    return found


cdef bint to_shelf(uint8_t* buffer) noexcept nogil:
    """Keep it, if there is room."""
    cdef bint kept
    SHELF_LOCK.lock()
    kept = SHELF.count < KEPT and SHELF.bytes + capacity_of(buffer) <= KEPT_BYTES_MAX
    if kept:
        SHELF.buffer[SHELF.count] = buffer
        SHELF.count += 1
        SHELF.bytes += capacity_of(buffer)
    SHELF_LOCK.unlock()
    return kept


cdef void* buffer_take(uint64_t size) noexcept nogil:
    cdef uint64_t wanted = size + HEADER
    cdef uint8_t* buffer = from_shelf(wanted) if wanted >= KEPT_MIN else NULL
    if buffer == NULL:
        buffer = <uint8_t*>pages_take(wanted)
        if buffer == NULL:
            return NULL
        (<uint64_t*>buffer)[0] = wanted
    return buffer + HEADER


cdef void buffer_free(void* buffer) noexcept nogil:
    cdef uint8_t* whole
    if buffer == NULL:
        return
    whole = <uint8_t*>buffer - HEADER
    if capacity_of(whole) < KEPT_MIN or not to_shelf(whole):
        pages_free(whole)
