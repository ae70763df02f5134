"""Locations by key: exact keys of any length become ids, each key once.

One table of open addressing, read and filled without a lock. A lookup probes 64-bit cells that hold
24 bits of hash and the block's generation beside the id; a cell of another generation is empty, so
that forgetting a block's keys costs nothing. The key itself is compared before an id is believed. A
worker that finds no cell with its key fills the empty cell where the probe ended, by
compare-exchange: of two workers that bring the same key, both end at the same cell, one wins, and the
other finds the key there. Locations never move, so a location's address is as good as its id. Ids are
handed out in runs, so that workers do not contend for a counter; not every id has a location.

An account's balance, nonce and code share a cache line of the table (hashing.pxd).

One worker grows the table, under a lock: it copies every filled cell of the outgrown table and
closes every empty one. A probe that meets a closed cell has not found its key in this table; it waits
for the lock and goes on in the larger one. An outgrown table is kept until the workers have left the block, for
probes that are still in it.

Order of writes: a location is filled in before its cell is stored (release), and a table before its
pointer is; a reader loads both (acquire) and so sees them whole.

A location that takes two units has the id of its first; nothing has that of the second.
"""
from libc.stdint cimport uint32_t, uint64_t, uint8_t
from libc.string cimport memcpy, memset

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.base.arena cimport Arena, arena_copy
from blockstm._native.base.cursors cimport Mutex, mutex_lock, mutex_unlock
from blockstm._native.base.hashing cimport hash_key
from blockstm._native.base.pages cimport prefetch, prefetch_to_write
from blockstm._native.engine.mvmemory.locations cimport (
    INLINE_KEY, NO_KEY, UNIT, Location, key_room, location_key, location_units, same_key,
)

cdef enum:
    SEGMENT_BITS = 15
    SEGMENT_SIZE = 1 << SEGMENT_BITS
    # Ids begin near the end of the first segment, of which no more is taken: a short block, as the first of a process
    # often is, does without a large page, for which the system may have to make room.
    FIRST_ID = SEGMENT_SIZE - (1 << 12)
    UNITS_AHEAD = 12
    GENERATION_BITS = 8
    GENERATIONS = 1 << GENERATION_BITS

cdef extern from *:
    uint32_t CLOSED "0xFFFFFFFFu"   # for an id: the table is outgrown, look in the next one

cdef struct Table:
    Atomic[uint64_t]* cell
    uint64_t mask
    uint64_t size              # of its chunk, in bytes
    Table* outgrown

# A run of ids that one worker hands out.
cdef struct Ids:
    uint32_t next
    uint32_t end

# Called with each fresh location, before another worker can find it.
ctypedef void (*FreshLocation)(void* context, Location* location, uint32_t id, uint64_t hashed) noexcept nogil

cdef struct Interner:
    Atomic[Table*] table
    uint64_t generation             # of the block, 1 to GENERATIONS - 1
    Location** segment              # pointers to SEGMENT_SIZE units each, the first of which begin at FIRST_ID
    const uint64_t* seed
    bint alone                      # one worker: cells are filled by plain stores
    FreshLocation fresh             # NULL: nobody asks
    void* fresh_context
    uint64_t padding_before[8]      # insertions must not disturb lookups
    Atomic[uint32_t] handed_out     # ids, in whole runs
    Mutex grow                      # of the table, and of the segments
    uint64_t padding_after[8]


# False where memory has run out.
cdef bint interner_init(Interner* interner, const uint64_t* seed) noexcept nogil
cdef void interner_free(Interner* interner) noexcept nogil
# Free tables that have been outgrown. No other worker may be using it.
cdef void interner_free_outgrown(Interner* interner) noexcept nogil
# The block is over: let others have most of the segments meanwhile. No other worker may be using it.
cdef void interner_rest(Interner* interner) noexcept nogil
# Forget every key; keeps the table and segments. No other worker may be using it.
cdef void interner_reset(Interner* interner) noexcept nogil
# Another run of ids, with room for their locations; false where either has run out.
cdef bint interner_more_ids(Interner* interner, Ids* ids) noexcept nogil


cdef inline Location* location_at(Interner* interner, uint32_t id) noexcept nogil:
    return &interner.segment[id >> SEGMENT_BITS][id & (SEGMENT_SIZE - 1)]


cdef inline bint cell_is_empty(const Interner* interner, uint64_t cell) noexcept nogil:
    return (cell >> 32 & (GENERATIONS - 1)) != interner.generation


cdef inline uint64_t cell_tag(const Interner* interner, uint64_t hashed) noexcept nogil:
    """The upper half of the cell of a key with this hash."""
    return hashed >> (32 + GENERATION_BITS) << GENERATION_BITS | interner.generation


cdef inline Location* interner_append(Interner* interner, Ids* ids, uint32_t units, uint32_t* id) noexcept nogil:
    """A cleared location of so many units under the next id; NULL where memory (or 2**28 ids) has run out."""
    cdef Location* location
    if ids.end - ids.next < units:
        if ids.next != ids.end:
            location_at(interner, ids.next).key_size = NO_KEY
        if not interner_more_ids(interner, ids):
            return NULL
    id[0] = ids.next
    ids.next += units
    location = location_at(interner, id[0])
    prefetch_to_write(location + UNITS_AHEAD)
    memset(<void*>location, 0, UNIT)  # here, not at the reset: it is wanted in the cache
    return location


cdef inline bint new_location(Interner* interner, Ids* ids, Arena* arena, const uint8_t* key,
                              uint64_t size, uint32_t* id) noexcept nogil:
    """A location with this key that no lookup finds yet; false where memory has run out."""
    cdef Location* location = interner_append(interner, ids, location_units(size), id)
    cdef const uint8_t* copied
    if location == NULL:
        return False
    location.key_size = <uint32_t>size
    if size == 8:
        memcpy(key_room(location), key, 8)
    elif size <= INLINE_KEY:
        memcpy(key_room(location), key, size)
    else:
        copied = arena_copy(arena, key, size)
        if copied == NULL:
            ids.next -= location_units(size)
            return False
        memcpy(key_room(location), &copied, sizeof(copied))
    return True


cdef inline bint put_cell(Interner* interner, Atomic[uint64_t]* place, uint64_t* found,
                          uint64_t cell) noexcept nogil:
    """Fill a cell that was ``found`` empty; false: another was faster, with what is found now."""
    if interner.alone:
        place.prepare(cell)
        return True
    return place.replace(found[0], cell)


cdef inline bint interner_locate_hashed(Interner* interner, Ids* ids, Arena* arena, const uint8_t* key,
                                        uint64_t size, uint64_t hashed, uint32_t* id) noexcept nogil:
    """The same, of a key with this hash."""
    cdef Table* table = interner.table.observe()
    cdef uint64_t place = hashed & table.mask
    cdef uint64_t tag = cell_tag(interner, hashed)
    cdef uint64_t cell
    cdef uint32_t fresh = 0
    cdef bint has_fresh = False
    cdef Location* location
    while True:
        cell = table.cell[place].observe()
        if cell_is_empty(interner, cell):
            if not has_fresh:
                if not new_location(interner, ids, arena, key, size, &fresh):
                    return False
                has_fresh = True
                if interner.fresh != NULL:
                    interner.fresh(interner.fresh_context, location_at(interner, fresh), fresh, hashed)
                if interner.table.peek() != table:  # the new run made it grow
                    table = interner.table.observe()
                    place = hashed & table.mask
                    continue
            if put_cell(interner, &table.cell[place], &cell, tag << 32 | (fresh + 1)):
                id[0] = fresh
                return True
        if <uint32_t>cell == CLOSED:
            mutex_lock(&interner.grow)
            mutex_unlock(&interner.grow)
            table = interner.table.observe()
            place = hashed & table.mask
            continue
        if cell >> 32 == tag:
            location = location_at(interner, <uint32_t>cell - 1)
            if location.key_size == size and same_key(location, key):
                if has_fresh:
                    ids.next -= location_units(size)  # no other worker has seen it
                id[0] = <uint32_t>cell - 1
                return True
        place = (place + 1) & table.mask


cdef inline bint interner_locate(Interner* interner, Ids* ids, Arena* arena, const uint8_t* key,
                                 uint64_t size, uint32_t* id) noexcept nogil:
    """The id of ``key``, the same for everyone until the reset; false where memory has run out."""
    return interner_locate_hashed(interner, ids, arena, key, size, hash_key(key, size, interner.seed), id)


cdef inline void interner_prefetch_cell(Interner* interner, uint64_t hashed) noexcept nogil:
    """Ask for the cache line in which a key with this hash is looked up."""
    cdef Table* table = interner.table.observe()
    prefetch(<const void*>&table.cell[hashed & table.mask])


cdef inline void interner_prefetch_location(Interner* interner, uint64_t hashed) noexcept nogil:
    """Ask for the location of a key with this hash, if its cell is there and the first that is probed."""
    cdef Table* table = interner.table.observe()
    cdef uint64_t cell = table.cell[hashed & table.mask].observe()
    if cell >> 32 == cell_tag(interner, hashed) and <uint32_t>cell != CLOSED:
        prefetch(location_at(interner, <uint32_t>cell - 1))
