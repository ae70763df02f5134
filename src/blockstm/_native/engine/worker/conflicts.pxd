"""Which locations made runs abort, and how often: one table per worker.

A worker's table is touched by its own thread, and only where one of its runs aborts; it is read
when all have left the block.
"""
from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

cdef enum:
    FIRST_CONFLICTS = 64

cdef struct Conflict:
    uint32_t location
    uint32_t aborts          # 0: nothing here

cdef struct Conflicts:
    Conflict* at
    uint32_t count
    uint32_t capacity        # a power of two, or 0


cdef inline Conflict* conflicts_place(const Conflicts* conflicts, uint32_t location) noexcept nogil:
    """Where a location is counted, or would be; there must be a free place."""
    cdef uint32_t mask = conflicts.capacity - 1
    cdef uint32_t place = (location * <uint32_t>2654435769) >> 7 & mask
    while conflicts.at[place].aborts and conflicts.at[place].location != location:
        place = (place + 1) & mask
    return &conflicts.at[place]


cdef inline bint conflicts_grow(Conflicts* conflicts) noexcept nogil:
    """Twice the room; false where memory has run out, and then nothing has changed."""
    cdef Conflicts larger = [NULL, conflicts.count, FIRST_CONFLICTS]
    cdef uint32_t place
    if conflicts.capacity:
        larger.capacity = 2 * conflicts.capacity
    larger.at = <Conflict*>calloc(larger.capacity, sizeof(Conflict))
    if larger.at == NULL:
        return False
    for place in range(conflicts.capacity):
        if conflicts.at[place].aborts:
            conflicts_place(&larger, conflicts.at[place].location)[0] = conflicts.at[place]
    free(conflicts.at)
    conflicts[0] = larger
    return True


cdef inline void conflicts_add(Conflicts* conflicts, uint32_t location, uint32_t aborts) noexcept nogil:
    """Count aborts. Where memory has run out they go uncounted: nothing depends on the number."""
    cdef Conflict* conflict
    if 2 * conflicts.count >= conflicts.capacity and not conflicts_grow(conflicts):
        return
    conflict = conflicts_place(conflicts, location)
    if conflict.aborts == 0:
        conflict.location = location
        conflicts.count += 1
    conflict.aborts += aborts


cdef inline void conflicts_reset(Conflicts* conflicts) noexcept nogil:
    if conflicts.count:
        memset(conflicts.at, 0, conflicts.capacity * sizeof(Conflict))
        conflicts.count = 0
