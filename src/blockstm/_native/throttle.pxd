"""The throttle: how far ahead of the frontier speculation may run, learnt from how it has done.

It decides when work is done, never what is right: `Config.throttle` switches it off. Only the
owner of the frontier calls it.

A rest that is long enough is one for good: the other workers are sent out of the block, and what is
left of it until then is run by one alone, which costs what it would cost without us. So a block that
turns out to be a chain falls back for its suffix, keeps its prefix, and is asked again from time to
time.

The lead: a run at the frontier costs less than one ahead of it, as it has nothing to record and
nothing to publish. So where speculation never errs and transactions are short, it leaves the next
few, up to some microseconds of work, to whoever owns the frontier. What is run further ahead is
wrong more often: each time it is, the next lead takes twice as long to earn.
"""
from libc.stdint cimport int64_t
from libcpp.atomic cimport memory_order_relaxed

from blockstm._native.blocks cimport STRETCH_NS, Block
from blockstm._native.scheduler cimport Scheduler

cdef enum:
    CONFIDENCE_FULL = 64
    CONFIDENCE_FIRST = 32          # of a block nothing is known about
    CONFIDENCE_WIDE = 16           # from here on speculation may use the whole window
    CONFIDENCE_PROBE = 6           # after a rest
    FIRST_STRETCHES = 4            # of work for each worker, before anything is known
    PAUSE_MIN = 32                 # transactions
    PAUSE_MAX = 1 << 16
    REST_PAYS_NS = 150_000         # what sending the others out and calling them in again costs, and more
    LEAD_MAX = 64                  # transactions
    LEAD_NS = 20_000               # of work that is left to one worker
    LEAD_EARNED_BY = 128           # right runs in a row


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
    block.lead = 0
    block.rest_until = 0
    block.streak = 0
    block.lead_earned_by = LEAD_EARNED_BY
    set_reach(block, window, window)
    block.scheduler.lead.next.store(0)


cdef inline void throttle_share(Block* block) noexcept nogil:
    """When the block is shared: as long as nothing is known of it, some work for everyone, no more."""
    cdef int64_t stretch = STRETCH_NS // (block.run_ns + 1)
    cdef int64_t reach = FIRST_STRETCHES * block.workers * (stretch + 1)
    if block.throttle and block.may_rest and reach < block.window:
        set_reach(block, reach, block.window)


cdef inline void learn_duration(Block* block, int64_t run_ns) noexcept nogil:
    """A run at the frontier took so long."""
    cdef int64_t lead = LEAD_NS // (run_ns + 1)
    block.run_ns += (run_ns - block.run_ns) >> 2
    lead = lead if lead < LEAD_MAX else LEAD_MAX
    block.lead = lead if lead < block.window // 2 else block.window // 2


cdef inline void learn(Block* block, int64_t index, bint hit) noexcept nogil:
    """Let speculation run far where it is right, near where it errs, and rest where it only errs."""
    cdef Scheduler* scheduler = &block.scheduler
    if not block.throttle:
        return
    if hit:
        learn_hit(block)
        return
    if block.streak >= block.lead_earned_by:
        scheduler.lead.next.store(0, memory_order_relaxed)
        block.lead_earned_by *= 2
    block.streak = 0
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
    block.streak += 1
    if block.streak >= block.lead_earned_by:
        block.scheduler.lead.next.store(block.lead, memory_order_relaxed)
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
