"""Copying the results of a block out of the workers' memory, by all workers.

Each worker copies first what it committed itself, as that lies in its cache. There are two rounds over the
same parts: they are measured, and, when there is memory for all, copied. Worker 0 takes the memory in between.

Threads: a part is taken by one worker in each round. The count of parts that are done (release, acquire)
hands the measures to worker 0, and `ready` hands the places where the parts begin to all workers.
"""
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.engine.frontier cimport Frontier
from blockstm._native.engine.mvmemory.store cimport Store

cdef enum:
    MEASURE = 1  # the rounds
    COPY = 2

# How much there is of something, or where it begins.
cdef struct Sizes:
    uint64_t output
    uint64_t key
    uint64_t value
    uint32_t writes

# Transactions in a row that one worker committed, and the locations that they were the first to write.
cdef struct Part:
    int32_t worker
    int32_t first
    int32_t end
    uint32_t written         # places in the frontier's list of written locations
    uint32_t written_end
    Atomic[int32_t] taken    # in which round, the last time
    Sizes sizes
    bint any_gas
    bint uneven              # keys or values that are not of 8 bytes
    bint any_deleted

cdef struct Copying:
    Store* store
    const Frontier* frontier
    Part* part
    uint32_t parts
    uint8_t* kept            # per written location: its value differs from the state's
    int32_t count            # of transactions
    # How much there is, and where it goes; of all parts together.
    uint32_t writes
    bint any_gas
    bint uneven
    bint any_deleted
    uint8_t* statuses
    uint64_t* gas
    uint64_t* ends
    uint8_t* output
    uint8_t* key_bytes
    uint8_t* value_bytes
    uint64_t* key_ends
    uint64_t* value_ends
    uint8_t* deleted
    uint64_t padding_before[8]
    Atomic[uint32_t] done    # parts, in both rounds
    Atomic[int32_t] ready    # 0: not yet, 1: copy, -1: there is no room


# How many parts there are at most: one a segment, one more, and the pieces of long ones.
cdef uint32_t parts_needed(const Frontier* frontier, int32_t count) noexcept nogil
# Cut ``count`` final transactions into parts; how many.
cdef uint32_t parts_fill(Part* part, const Frontier* frontier, int32_t count) noexcept nogil
# The worker's own parts first, then those that no worker has taken.
cdef void do_round(Copying* copying, int32_t worker, int32_t round) noexcept nogil
# Wait until so many parts are done; no taken one waits for another.
cdef void await_parts(Copying* copying, uint32_t parts) noexcept nogil
cdef int32_t await_room(Copying* copying) noexcept nogil
