"""Locations by key: exact keys of any length become dense ids, each key once.

Sixty-four shards of open addressing. A lookup takes no lock: it reads one table pointer and probes
64-bit slots that hold 32 bits of hash beside the id; the key itself is compared before an id is
believed. An insertion takes the shard's lock, unless one worker is `alone`. Ids are dense and
locations never move, so a location's address is as good as its id.

Order of writes: a location is filled in before its slot is stored (release), and a table before
its pointer is; a reader loads both (acquire) and so sees them whole. A table that was outgrown is
kept until the block ends, for the readers that are still in it.
"""
from libc.stdint cimport uint32_t, uint64_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset
from libcpp.atomic cimport atomic, memory_order_acquire, memory_order_relaxed, memory_order_release

from blockstm._native.arena cimport Arena, arena_take, prefetch_to_write
from blockstm._native.cursors cimport Mutex, mutex_destroy, mutex_init, mutex_lock, mutex_unlock
from blockstm._native.hashing cimport hash_bytes
from blockstm._native.locations cimport INLINE_KEY, Location, location_key, same_key

cdef extern from "<cstdlib>" namespace "std" nogil:
    void* aligned_alloc(size_t alignment, size_t size)

cdef enum:
    SHARD_BITS = 6
    SHARDS = 1 << SHARD_BITS
    FIRST_CAPACITY = 64
    SEGMENT_BITS = 12
    SEGMENT_SIZE = 1 << SEGMENT_BITS
    SEGMENTS = 1 << 16
    LOCATIONS_AHEAD = 6

cdef struct Table:
    uint64_t mask
    uint64_t count
    Table* outgrown

cdef struct Shard:
    atomic[Table*] table
    Mutex lock

cdef struct Interner:
    Shard shard[SHARDS]
    atomic[uint32_t] count          # locations handed out
    Location** segment              # SEGMENTS pointers to SEGMENT_SIZE locations each
    Mutex grow
    const uint64_t* seed
    bint alone                      # one worker: no locks


cdef inline atomic[uint64_t]* table_slots(Table* table) noexcept nogil:
    return <atomic[uint64_t]*>(table + 1)


cdef inline Table* table_new(uint64_t capacity) noexcept nogil:
    cdef Table* table = <Table*>calloc(1, sizeof(Table) + capacity * sizeof(uint64_t))
    if table != NULL:
        table.mask = capacity - 1
    return table


cdef inline Location* location_at(Interner* interner, uint32_t id) noexcept nogil:
    return &interner.segment[id >> SEGMENT_BITS][id & (SEGMENT_SIZE - 1)]


cdef inline bint interner_init(Interner* interner, const uint64_t* seed) noexcept nogil:
    cdef int shard
    cdef Table* table
    interner.seed = seed
    interner.segment = <Location**>calloc(SEGMENTS, sizeof(Location*))
    if interner.segment == NULL:
        return False
    mutex_init(&interner.grow)
    for shard in range(SHARDS):
        mutex_init(&interner.shard[shard].lock)
        table = table_new(FIRST_CAPACITY)
        if table == NULL:
            return False
        interner.shard[shard].table.store(table)
    return True


cdef inline void interner_drop_outgrown(Table* table) noexcept nogil:
    cdef Table* older = table.outgrown
    cdef Table* next_older
    table.outgrown = NULL
    while older != NULL:
        next_older = older.outgrown
        free(older)
        older = next_older


cdef inline void interner_free(Interner* interner) noexcept nogil:
    cdef int index
    cdef Table* table
    for index in range(SHARDS):
        table = interner.shard[index].table.load()
        if table != NULL:
            interner_drop_outgrown(table)
            free(table)
            mutex_destroy(&interner.shard[index].lock)
    if interner.segment != NULL:
        for index in range(SEGMENTS):
            if interner.segment[index] == NULL:
                break
            free(interner.segment[index])
        free(interner.segment)
        mutex_destroy(&interner.grow)


cdef inline void interner_reset(Interner* interner) noexcept nogil:
    """Forget every key; keeps the tables and segments. Nobody else may be using it."""
    cdef int index
    cdef Table* table
    for index in range(SHARDS):
        table = interner.shard[index].table.load(memory_order_relaxed)
        interner_drop_outgrown(table)
        if table.count:
            memset(<void*>table_slots(table), 0, (table.mask + 1) * sizeof(uint64_t))
            table.count = 0
    interner.count.store(0, memory_order_relaxed)


cdef inline Location* interner_append(Interner* interner, uint32_t* id) noexcept nogil:
    """A cleared location under the next id; NULL where memory (or 2**28 ids) has run out."""
    cdef uint32_t taken = interner.count.fetch_add(1, memory_order_relaxed)
    cdef uint32_t index = taken >> SEGMENT_BITS
    cdef atomic[Location*]* place
    cdef Location* segment
    if index >= SEGMENTS:
        interner.count.fetch_sub(1, memory_order_relaxed)
        return NULL
    place = <atomic[Location*]*>&interner.segment[index]
    segment = place.load(memory_order_acquire)
    if segment == NULL:
        mutex_lock(&interner.grow)
        segment = place.load(memory_order_acquire)
        if segment == NULL:
            segment = <Location*>aligned_alloc(sizeof(Location), SEGMENT_SIZE * sizeof(Location))
            place.store(segment, memory_order_release)
        mutex_unlock(&interner.grow)
        if segment == NULL:
            return NULL
    id[0] = taken
    segment += taken & (SEGMENT_SIZE - 1)
    prefetch_to_write(segment + LOCATIONS_AHEAD, 1)
    memset(<void*>segment, 0, sizeof(Location))  # here, not at the reset: it is wanted in the cache
    return segment


cdef inline bint interner_probe(Interner* interner, Table* table, uint64_t hashed, const uint8_t* key,
                                uint64_t size, uint32_t* id) noexcept nogil:
    """Whether ``key`` is in ``table``, and its id."""
    cdef atomic[uint64_t]* slots = table_slots(table)
    cdef uint64_t place = (hashed >> SHARD_BITS) & table.mask
    cdef uint64_t slot
    cdef Location* location
    while True:
        slot = slots[place].load(memory_order_acquire)
        if slot == 0:
            return False
        if slot >> 32 == hashed >> 32:
            location = location_at(interner, <uint32_t>slot - 1)
            if location.key_size == size and same_key(location, key):
                id[0] = <uint32_t>slot - 1
                return True
        place = (place + 1) & table.mask


cdef inline void table_place(Table* table, uint64_t hashed, uint64_t slot) noexcept nogil:
    """Put a slot that is not there yet; only under the shard's lock."""
    cdef atomic[uint64_t]* slots = table_slots(table)
    cdef uint64_t place = (hashed >> SHARD_BITS) & table.mask
    while slots[place].load(memory_order_relaxed) != 0:
        place = (place + 1) & table.mask
    slots[place].store(slot, memory_order_release)
    table.count += 1


cdef inline Table* shard_grow(Interner* interner, Shard* shard, Table* table) noexcept nogil:
    """A table of twice the size in place of ``table``; NULL where memory has run out."""
    cdef Table* larger = table_new((table.mask + 1) * 2)
    cdef const Location* location
    cdef uint64_t place, slot
    if larger == NULL:
        return NULL
    for place in range(table.mask + 1):
        slot = table_slots(table)[place].load(memory_order_relaxed)
        if slot:
            location = location_at(interner, <uint32_t>slot - 1)
            table_place(larger, hash_bytes(location_key(location), location.key_size, interner.seed),
                        slot)
    larger.outgrown = table
    shard.table.store(larger, memory_order_release)
    return larger


cdef inline bint interner_insert(Interner* interner, Shard* shard, Arena* arena, uint64_t hashed,
                                 const uint8_t* key, uint64_t size, uint32_t* id) noexcept nogil:
    """Add ``key``, under the shard's lock or alone; false where memory has run out."""
    cdef Table* table = shard.table.load(memory_order_relaxed)  # the lock orders it
    cdef Location* location
    cdef uint8_t* copied
    if (table.count + 1) * 4 > (table.mask + 1) * 3:
        table = shard_grow(interner, shard, table)
        if table == NULL:
            return False
    copied = NULL
    if size > INLINE_KEY:
        copied = <uint8_t*>arena_take(arena, size)
        if copied == NULL:
            return False
    location = interner_append(interner, id)
    if location == NULL:
        return False
    if size == 8:
        memcpy(location.key, key, 8)
    elif copied == NULL:
        memcpy(location.key, key, size)
    else:
        memcpy(copied, key, size)
        memcpy(location.key, &copied, sizeof(copied))
    location.key_size = <uint32_t>size
    table_place(table, hashed, (hashed >> 32 << 32) | (id[0] + 1))
    return True


cdef inline bint interner_locate(Interner* interner, Arena* arena, const uint8_t* key, uint64_t size,
                                 uint32_t* id) noexcept nogil:
    """The id of ``key``, the same for everyone until the reset; false where memory has run out."""
    cdef uint64_t hashed = hash_bytes(key, size, interner.seed)
    cdef Shard* shard = &interner.shard[hashed & (SHARDS - 1)]
    cdef bint found
    if interner_probe(interner, shard.table.load(memory_order_acquire), hashed, key, size, id):
        return True
    if interner.alone:
        return interner_insert(interner, shard, arena, hashed, key, size, id)
    mutex_lock(&shard.lock)
    # Somebody may have added it, or let the table grow, before we had the lock.
    found = (interner_probe(interner, shard.table.load(memory_order_relaxed), hashed, key, size, id)
             or interner_insert(interner, shard, arena, hashed, key, size, id))
    mutex_unlock(&shard.lock)
    return found
