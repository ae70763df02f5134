"""Lookahead: keys that later transactions will most likely read, and what is prefetched for them.

A lookup follows pointers: from a table's cell to a location, from a bucket of the state to an entry
to its bytes. Each may be a cache miss, and none can begin before the one before it has ended. So a key goes
through steps, `GAP` other keys apart: each step asks for what the step before has made reachable, and
none waits. Nothing is recorded or changed: whatever a key comes to, results are the same.

Threads: of one worker, as its view.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from blockstm._native.abi cimport blockstm_prefetch
from blockstm._native.base.hashing cimport hash_key
from blockstm._native.engine.mvmemory.interner cimport (
    interner_prefetch_cell, interner_prefetch_location,
)
from blockstm._native.engine.mvmemory.store cimport Store

cdef enum:
    GAP = 8                  # keys between two steps of one: few, as a transaction may have a single key
    UPCOMING = 32            # a power of two, above twice the gap

cdef struct Upcoming:
    uint64_t hashed
    uint64_t memo            # the state's own

cdef struct Lookahead:
    Upcoming upcoming[UPCOMING]
    uint64_t count           # of keys since the block began


cdef inline void prefetch_in_state(Store* store, const uint8_t* key, uint64_t size, uint32_t step,
                                   Upcoming* upcoming) noexcept nogil:
    cdef const blockstm_prefetch* prefetcher = store.prefetcher
    if prefetcher != NULL:
        prefetcher.prefetch(prefetcher.context, key, size, step, &upcoming.memo)


cdef inline Upcoming* key_before(Lookahead* lookahead, uint64_t distance) noexcept nogil:
    return &lookahead.upcoming[(lookahead.count - distance) & (UPCOMING - 1)]


cdef inline void lookahead_add(Lookahead* lookahead, Store* store, const uint8_t* key,
                               uint64_t size) noexcept nogil:
    """Take the first step of a key, and the next ones of keys before it."""
    cdef Upcoming* upcoming = key_before(lookahead, 0)
    upcoming.hashed = hash_key(key, size, store.interner.seed)
    interner_prefetch_cell(&store.interner, upcoming.hashed)
    prefetch_in_state(store, key, size, 0, upcoming)
    if lookahead.count >= GAP:
        upcoming = key_before(lookahead, GAP)
        interner_prefetch_location(&store.interner, upcoming.hashed)
        prefetch_in_state(store, NULL, 0, 1, upcoming)
    if lookahead.count >= 2 * GAP:
        prefetch_in_state(store, NULL, 0, 2, key_before(lookahead, 2 * GAP))
    lookahead.count += 1
