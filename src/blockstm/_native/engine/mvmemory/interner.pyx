"""How the table of locations begins, grows and is forgotten; see the ``.pxd``."""
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.base.chunks cimport chunk_give, chunk_store, chunk_take
from blockstm._native.base.cursors cimport mutex_destroy, mutex_init, mutex_lock, mutex_unlock
from blockstm._native.base.hashing cimport hash_key
from blockstm._native.engine.mvmemory.locations cimport Location, location_key

cdef enum:
    FIRST_CAPACITY = 1 << 12  # cells
    SEGMENTS = 1 << 13
    IDS_PER_RUN = 64


cdef Table* table_new(uint64_t capacity) noexcept nogil:
    """An empty table; NULL where memory has run out."""
    cdef Table* table = <Table*>calloc(1, sizeof(Table))
    if table == NULL:
        return NULL
    table.size = capacity * sizeof(uint64_t)
    table.cell = <Atomic[uint64_t]*>chunk_take(chunk_store(), table.size, table.size, 2 * table.size, &table.size)
    if table.cell == NULL:
        free(table)
        return NULL
    memset(<void*>table.cell, 0, capacity * sizeof(uint64_t))
    table.mask = capacity - 1
    return table


cdef void table_free(Table* table) noexcept nogil:
    chunk_give(chunk_store(), <void*>table.cell, table.size)
    free(table)


cdef bint interner_init(Interner* interner, const uint64_t* seed) noexcept nogil:
    cdef Table* table = table_new(FIRST_CAPACITY)
    interner.seed = seed
    interner.generation = 1
    interner.segment = <Location**>calloc(SEGMENTS, sizeof(Location*))
    mutex_init(&interner.grow)
    interner.table.prepare(table)
    interner.handed_out.prepare(FIRST_ID)
    return table != NULL and interner.segment != NULL


cdef void interner_drop_outgrown(Table* table) noexcept nogil:
    cdef Table* older = table.outgrown
    cdef Table* next_older
    table.outgrown = NULL
    while older != NULL:
        next_older = older.outgrown
        table_free(older)
        older = next_older


cdef void interner_free_outgrown(Interner* interner) noexcept nogil:
    interner_drop_outgrown(interner.table.read_plain())


cdef void interner_free(Interner* interner) noexcept nogil:
    cdef int index
    cdef Table* table = interner.table.read_plain()
    if table != NULL:
        interner_drop_outgrown(table)
        table_free(table)
        mutex_destroy(&interner.grow)
    if interner.segment != NULL:
        for index in range(SEGMENTS):
            segment_free(interner, index)
        free(interner.segment)


cdef inline uint64_t first_id_of(int index) noexcept nogil:
    """The first place of a segment that there is memory for."""
    return FIRST_ID if index == 0 else 0


cdef inline uint64_t segment_size(int index) noexcept nogil:
    return (SEGMENT_SIZE - first_id_of(index)) * sizeof(Location)


cdef void segment_free(Interner* interner, int index) noexcept nogil:
    if interner.segment[index] != NULL:
        chunk_give(chunk_store(), interner.segment[index] + first_id_of(index), segment_size(index))
        interner.segment[index] = NULL


cdef void interner_rest(Interner* interner) noexcept nogil:
    cdef int index
    for index in range(1, SEGMENTS):  # they are made in order, or nearly
        if interner.segment[index] == NULL and index << SEGMENT_BITS > interner.handed_out.read_plain():
            return
        segment_free(interner, index)


cdef void interner_reset(Interner* interner) noexcept nogil:
    cdef Table* table = interner.table.read_plain()
    cdef Table* smaller = NULL
    cdef uint64_t capacity = table.mask + 1
    interner_drop_outgrown(table)
    # A short block's cells would be far apart in a table that was made for a long one.
    if capacity > FIRST_CAPACITY and interner.handed_out.read_plain() - FIRST_ID < capacity // 16:
        smaller = table_new(capacity // 2)
    if smaller != NULL:
        interner.table.prepare(smaller)
        table_free(table)
    interner.generation += 1
    if interner.generation == GENERATIONS:  # cells of so many blocks ago would look fresh
        interner.generation = 1
        table = interner.table.read_plain()
        memset(<void*>table.cell, 0, (table.mask + 1) * sizeof(uint64_t))
    interner.handed_out.prepare(FIRST_ID)


cdef void table_place(Table* table, uint64_t place, uint64_t cell) noexcept nogil:
    """Fill an empty cell of a table that no other worker knows."""
    place &= table.mask
    while table.cell[place].read_plain() != 0:
        place = (place + 1) & table.mask
    table.cell[place].prepare(cell)  # publishing the table publishes it


cdef bint copy_cell(Interner* interner, Table* table, uint64_t place, Table* larger) noexcept nogil:
    """Move what is in a cell, or close it: whatever comes first, an insertion or this."""
    cdef uint64_t cell = table.cell[place].observe()
    cdef const Location* location
    if cell_is_empty(interner, cell) and table.cell[place].replace(cell, interner.generation << 32 | CLOSED):
        return True
    location = location_at(interner, <uint32_t>cell - 1)
    table_place(larger, hash_key(location_key(location), location.key_size, interner.seed), cell)
    return True


cdef bint interner_grow(Interner* interner, uint64_t wanted) noexcept nogil:
    """Grow the table to ``wanted`` cells; false where memory has run out."""
    cdef Table* table
    cdef Table* larger
    cdef uint64_t capacity, place
    mutex_lock(&interner.grow)
    table = interner.table.read_plain()  # the lock orders it
    capacity = table.mask + 1
    if capacity >= wanted:
        mutex_unlock(&interner.grow)
        return True
    while capacity < wanted:
        capacity *= 2
    larger = table_new(capacity)
    if larger != NULL:
        for place in range(table.mask + 1):
            copy_cell(interner, table, place, larger)
        larger.outgrown = table
        interner.table.publish(larger)
        if interner.alone:
            interner_drop_outgrown(larger)
    mutex_unlock(&interner.grow)
    return larger != NULL


cdef bint interner_add_segment(Interner* interner, Atomic[Location*]* place) noexcept nogil:
    """Room for more units, unless another worker has made it; false: memory has run out."""
    cdef Location* segment
    cdef int index = <int>(<Location**>place - interner.segment)
    cdef uint64_t size = segment_size(index)
    mutex_lock(&interner.grow)
    segment = place.observe()
    if segment == NULL:
        segment = <Location*>chunk_take(chunk_store(), size, size, size, &size)
        if segment != NULL:
            segment -= first_id_of(index)
        place.publish(segment)
    mutex_unlock(&interner.grow)
    return segment != NULL


cdef bint interner_more_ids(Interner* interner, Ids* ids) noexcept nogil:
    cdef uint32_t first = interner.handed_out.count_up(IDS_PER_RUN)
    cdef uint32_t index = first >> SEGMENT_BITS
    cdef uint64_t wanted = 2 * (<uint64_t>first - FIRST_ID + IDS_PER_RUN)  # at most half full
    cdef Atomic[Location*]* place
    if index >= SEGMENTS:
        interner.handed_out.count_down(IDS_PER_RUN)
        return False
    place = <Atomic[Location*]*>&interner.segment[index]
    if place.observe() == NULL and not interner_add_segment(interner, place):
        return False
    if wanted > interner.table.observe().mask + 1 and not interner_grow(interner, wanted):
        return False
    ids.next = first
    ids.end = first + IDS_PER_RUN
    return True
