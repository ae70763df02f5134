"""The gate between one worker and all of them; see the ``.pxd``."""
from libc.stdint cimport int32_t, int64_t

from blockstm._native.engine.scheduler cimport Scheduler, scheduler_stopping
from blockstm._native.engine.worker.blocks cimport Block, Worker
from blockstm._native.engine.worker.worker cimport worker_run_alone

cdef enum:
    SAMPLE_RUNS = 8                  # transactions that worker 0 runs alone to learn how long one takes ...
    SAMPLE_ZEROS = 2                 # ... averaged with so many runs of no length while there are fewer
    COLD_NS = 10_000                 # the first runs may take this longer than the same do later
    CHECK_RUNS = 32                  # a block that is not shared is checked again after so many runs ...
    CHECK_NS = 50_000                # ... or after fewer that take so long
    SHARED_TASK_NS = 400             # a shared transaction costs about so much more than one run alone
    SHARED_PART = 5                  # one part in so many of what workers take in a shared block is for the sharing
    SHARING_PROFIT_NS_MIN = 250_000  # waking the other workers costs more than a smaller profit


cdef bint sharing_is_profitable(Block* block, Worker* worker, int64_t taken_ns, int64_t count) noexcept nogil:
    """Whether sharing pays, if the remaining transactions are like ``count`` that took so long.

    The last of them has none to be shared with.
    """
    cdef Scheduler* scheduler = &block.scheduler
    cdef int64_t left = scheduler.count - scheduler.frontier.next.observe()
    cdef int64_t task_ns = taken_ns // count
    cdef int64_t profit_ns = (task_ns - SHARED_TASK_NS) * (left - 1)
    if profit_ns < SHARING_PROFIT_NS_MIN or task_ns < block.shared_from_ns:
        return False
    block.alone_ns = task_ns
    block.alone_is_typical = False
    # The averages that the workers and the throttle begin with.
    block.run_ns = worker.run_ns = task_ns
    return True


cdef bint is_profitable_at_once(Block* block, Worker* worker, const Pace* pace) noexcept nogil:
    if pace.of != <const void*>block.vm.execute or not sharing_is_profitable(block, worker, pace.run_ns, 1):
        return False
    block.alone_is_typical = True
    return True


cdef void learn_pace(Pace* pace, const Block* block, const Worker* worker, int32_t workers) noexcept nogil:
    cdef int64_t final = block.scheduler.frontier.next.observe(), run_ns = 0
    cdef int32_t id
    if final == 0:
        return
    for id in range(workers):
        run_ns += worker[id].busy_ns
    run_ns //= final
    if block.shared:
        run_ns -= run_ns // SHARED_PART
    if pace.of == <const void*>block.vm.execute and pace.run_ns:
        run_ns = (pace.run_ns + run_ns) // 2
    pace.run_ns = 0 if block.shared_from_ns else run_ns
    pace.of = <const void*>block.vm.execute


cdef void run_until_profitable(Block* block, Worker* worker) noexcept nogil:
    cdef Scheduler* scheduler = &block.scheduler
    cdef int64_t since = worker.busy_ns
    cdef int64_t ran = 1, taken, before, counted
    while ran <= SAMPLE_RUNS and not scheduler_stopping(scheduler):
        worker_run_alone(worker, min(scheduler.frontier.next.observe() + (ran + 1) // 2, scheduler.count))
        taken = worker.busy_ns - since
        counted = ran + SAMPLE_ZEROS if ran < SAMPLE_RUNS else ran
        if taken > ran * COLD_NS and sharing_is_profitable(block, worker, taken, counted):
            return
        ran *= 2
    before = (worker.busy_ns - since) // SAMPLE_RUNS
    while not scheduler_stopping(scheduler):
        since = worker.busy_ns
        ran = max(1, min(CHECK_RUNS, CHECK_NS // (before + 1)))
        worker_run_alone(worker, min(scheduler.frontier.next.observe() + ran, scheduler.count))
        taken = (worker.busy_ns - since) // ran
        # A single long run among short ones says nothing about the rest.
        if sharing_is_profitable(block, worker, min(taken, before), 1):
            block.alone_is_typical = True
            return
        before = taken
