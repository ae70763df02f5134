"""What the batch of a worker has written so far, in a relay: there the later ones of its transactions read it.

Whatever a run finds here it has a condition on, so this decides what is likely, never what is right.

Threads: of one worker, as its view.
"""
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from blockstm._native.engine.mvmemory.values cimport Payload

cdef enum:
    WRITES_MAX = 1024       # of a batch
    CELLS = 4 * WRITES_MAX  # a power of two
    CELL_BITS = 16          # of a cell for the place of a write, and as many for the batch
    BATCHES = 1 << CELL_BITS

cdef struct BatchWrite:
    const Payload* payload
    uint32_t before         # 1 + the place of the write before it at the same location; 0: there is none

cdef struct BatchWrites:
    uint64_t batch          # 1 to BATCHES - 1: cells of another one are empty
    uint32_t count
    uint64_t cell[CELLS]    # location, batch, and 1 + the place of its last write
    BatchWrite write[WRITES_MAX]


cdef inline void batch_begin(BatchWrites* writes) noexcept nogil:
    """Forget the last batch."""
    writes.count = 0
    writes.batch += 1
    if writes.batch == BATCHES:  # wrapped: cells of 2**16 batches ago would look fresh
        memset(writes.cell, 0, sizeof(writes.cell))
        writes.batch = 1


cdef inline uint64_t* batch_cell(BatchWrites* writes, uint32_t location) noexcept nogil:
    """The cell of a location, or the empty one that would be."""
    cdef uint32_t place = (location * <uint32_t>2654435769) >> 7 & (CELLS - 1)
    cdef uint64_t cell = writes.cell[place]
    while cell >> CELL_BITS & (BATCHES - 1) == writes.batch and cell >> 2 * CELL_BITS != location:
        place = (place + 1) & (CELLS - 1)
        cell = writes.cell[place]
    return &writes.cell[place]


cdef inline uint32_t batch_last(BatchWrites* writes, uint32_t location) noexcept nogil:
    """1 + the place of the last write at a location; 0: there is none."""
    cdef uint64_t cell = batch_cell(writes, location)[0]
    if cell >> CELL_BITS & (BATCHES - 1) != writes.batch:
        return 0
    return cell & (BATCHES - 1)


cdef inline void batch_add(BatchWrites* writes, uint32_t location, const Payload* payload) noexcept nogil:
    """Remember a write, for which there is room."""
    cdef uint64_t* cell = batch_cell(writes, location)
    cdef BatchWrite* write = &writes.write[writes.count]
    write.payload = payload
    write.before = 0
    if cell[0] >> CELL_BITS & (BATCHES - 1) == writes.batch:
        write.before = cell[0] & (BATCHES - 1)
    writes.count += 1
    cell[0] = (<uint64_t>location << CELL_BITS | writes.batch) << CELL_BITS | writes.count
