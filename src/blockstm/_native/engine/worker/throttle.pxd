"""The throttle: how far ahead of the frontier speculation may run, learnt from how often it was valid.

It decides when work is done, never what is right: `Config.throttle` switches it off. Only the
owner of the frontier calls it.

After a series of invalid runs speculation backs off for a number of transactions. If these take long
enough, the back-off is a sequential phase: the other workers are detached from the block, and one worker
runs the transactions at the cost of a sequential run. So a block that turns out to be a chain of
dependencies falls back to sequential execution, keeps its committed prefix, and tries speculation again
from time to time.
"""
from libc.stdint cimport int64_t

from blockstm._native.engine.worker.blocks cimport BATCH_NS, Block

cdef enum:
    CONFIDENCE_FULL = 64
    CONFIDENCE_FIRST = 32          # at the start of a block
    CONFIDENCE_WIDE = 16           # from here on speculation may use the whole window
    CONFIDENCE_PROBE = 6           # after a back-off
    FIRST_BATCHES = 4              # for each worker, before the first commits
    BACK_OFF_MIN = 32              # transactions
    BACK_OFF_MAX = 1 << 16
    BACK_OFF_PAYS_NS = 150_000     # detaching the other workers and calling them again costs less


cdef inline void set_window(Block* block, int64_t window, int64_t idle) noexcept nogil:
    """How far speculation may run, and how far before a worker is left idle."""
    block.scheduler.window_idle.next.suggest(idle)
    block.scheduler.window.next.suggest(window)


cdef inline void throttle_begin(Block* block, int64_t window) noexcept nogil:
    """Before a block."""
    block.window_max = window
    block.confidence = CONFIDENCE_FIRST
    block.back_off = BACK_OFF_MIN
    block.back_off_until = 0
    block.sequential_until = 0
    set_window(block, window, window)


cdef inline void throttle_share(Block* block) noexcept nogil:
    """When sharing begins: before the first commits, a window of a few batches for each worker."""
    cdef int64_t batch = BATCH_NS // (block.run_ns + 1)
    cdef int64_t window = FIRST_BATCHES * block.workers * (batch + 1)
    if block.throttle and block.may_back_off and window < block.window_max:
        set_window(block, window, block.window_max)


cdef inline void learn_duration(Block* block, int64_t run_ns) noexcept nogil:
    """A run at the frontier took so long."""
    block.run_ns += (run_ns - block.run_ns) >> 2


cdef inline void learn(Block* block, int64_t index, bint hit) noexcept nogil:
    """Widen the window where runs are valid, narrow it where they are not, and back off where none is."""
    if not block.throttle:
        return
    if hit:
        learn_hit(block)
        return
    block.confidence -= 1  # a run ahead that is right every other time is worth more than an idle worker
    if block.confidence <= 0:
        block.confidence = 0
        block.back_off_until = index + block.back_off
        if block.may_back_off and block.back_off * block.run_ns > BACK_OFF_PAYS_NS:
            block.sequential_until = block.back_off_until
        if block.back_off < BACK_OFF_MAX:
            block.back_off *= 2
        set_window(block, 1, 1)
    elif block.confidence < CONFIDENCE_WIDE:
        set_window(block, block.workers, block.workers)


cdef inline void learn_hit(Block* block) noexcept nogil:
    if block.confidence == CONFIDENCE_FULL:
        return
    block.confidence += 1
    if block.confidence == CONFIDENCE_WIDE or block.confidence == CONFIDENCE_FULL:
        block.back_off = BACK_OFF_MIN
        set_window(block, block.window_max, block.window_max)


cdef inline void end_back_off(Block* block, int64_t index) noexcept nogil:
    """At the end of a back-off, try again, with a narrow window."""
    if block.back_off_until and index >= block.back_off_until:
        block.back_off_until = 0
        block.confidence = CONFIDENCE_PROBE
        set_window(block, block.workers, block.workers)
