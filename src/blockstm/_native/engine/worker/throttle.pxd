"""The throttle: how far ahead of the frontier speculation may run, learnt from how it has done.

It decides when work is done, never what is right: `Config.throttle` switches it off. Only the
owner of the frontier calls it.

A rest that is long enough is one for good: the other workers are sent out of the block, and what is
left of it until then is run by one alone, which costs what it would cost without us. So a block that
turns out to be a chain falls back for its suffix, keeps its prefix, and is asked again from time to
time.
"""
from libc.stdint cimport int64_t
from libcpp.atomic cimport memory_order_relaxed

from blockstm._native.engine.worker.blocks cimport STRETCH_NS, Block

cdef enum:
    CONFIDENCE_FULL = 64
    CONFIDENCE_FIRST = 32          # of a block nothing is known about
    CONFIDENCE_WIDE = 16           # from here on speculation may use the whole window
    CONFIDENCE_PROBE = 6           # after a rest
    FIRST_STRETCHES = 4            # of work for each worker, before anything is known
    PAUSE_MIN = 32                 # transactions
    PAUSE_MAX = 1 << 16
    REST_PAYS_NS = 150_000         # what sending the others out and calling them in again costs, and more


cdef inline void set_reach(Block* block, int64_t reach, int64_t idle) noexcept nogil:
    """How far speculation may run, and up to where before a worker has nothing to do."""
    block.scheduler.reach_idle.next.store(idle, memory_order_relaxed)
    block.scheduler.reach.next.store(reach, memory_order_relaxed)


cdef inline void throttle_begin(Block* block, int64_t window) noexcept nogil:
    """Before a block."""
    block.window = window
    block.confidence = CONFIDENCE_FIRST
    block.pause = PAUSE_MIN
    block.resume_at = 0
    block.rest_until = 0
    set_reach(block, window, window)


cdef inline void throttle_share(Block* block) noexcept nogil:
    """When the block is shared: as long as nothing is known of it, some work for everyone, no more."""
    cdef int64_t stretch = STRETCH_NS // (block.run_ns + 1)
    cdef int64_t reach = FIRST_STRETCHES * block.workers * (stretch + 1)
    if block.throttle and block.may_rest and reach < block.window:
        set_reach(block, reach, block.window)


cdef inline void learn_duration(Block* block, int64_t run_ns) noexcept nogil:
    """A run at the frontier took so long."""
    block.run_ns += (run_ns - block.run_ns) >> 2


cdef inline void learn(Block* block, int64_t index, bint hit) noexcept nogil:
    """Let speculation run far where it is right, near where it errs, and rest where it only errs."""
    if not block.throttle:
        return
    if hit:
        learn_hit(block)
        return
    block.confidence -= 2
    if block.confidence <= 0:
        block.confidence = 0
        block.resume_at = index + block.pause
        if block.may_rest and block.pause * block.run_ns > REST_PAYS_NS:
            block.rest_until = block.resume_at
        if block.pause < PAUSE_MAX:
            block.pause *= 2
        set_reach(block, 1, 1)
    elif block.confidence < CONFIDENCE_WIDE:
        set_reach(block, block.workers, block.workers)


cdef inline void learn_hit(Block* block) noexcept nogil:
    if block.confidence == CONFIDENCE_FULL:
        return
    block.confidence += 1
    if block.confidence == CONFIDENCE_WIDE or block.confidence == CONFIDENCE_FULL:
        block.pause = PAUSE_MIN
        set_reach(block, block.window, block.window)


cdef inline void resume_speculation(Block* block, int64_t index) noexcept nogil:
    """At the end of a rest, try again, carefully."""
    if block.resume_at and index >= block.resume_at:
        block.resume_at = 0
        block.confidence = CONFIDENCE_PROBE
        set_reach(block, block.workers, block.workers)
