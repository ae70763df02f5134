"""A worker goes on with the group of the transaction that it has run: what the next member reads is in its cache."""
from libc.stdint cimport int32_t, int64_t, uint32_t

from blockstm._native.base.cursors cimport now_ns
from blockstm._native.engine.expected cimport Expected
from blockstm._native.engine.groups cimport member_after
from blockstm._native.engine.scheduler cimport (
    EXECUTING, READY, WAITING, Scheduler, batch_first, phase_of, scheduler_awaited, scheduler_limit,
    scheduler_stopping, task_move, task_status,
)
from blockstm._native.engine.view.accesses cimport POINT_CLAIM, view_pause
from blockstm._native.engine.worker.blocks cimport Worker
from blockstm._native.engine.worker.speculation cimport run_owned

cdef enum:
    FOLLOWERS_MAX = 8     # in a row: the batch waits for it


cdef inline bint frontier_waits(Worker* worker) noexcept nogil:
    """Whether the frontier has come to the batch that this worker has claimed: then that comes first."""
    return worker.batch and worker.block.scheduler.frontier.next.peek() >= batch_first(worker.batch)


cdef inline int64_t claim_follower(Worker* worker, int64_t index) noexcept nogil:
    """Own the next member of a transaction's group, if nothing but this one held it; or -1."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef Expected* expected = scheduler.expected
    cdef int64_t follower = member_after(&expected.groups, index)
    cdef uint32_t status
    if follower < 0 or follower >= expected.count or follower >= scheduler_limit(scheduler):
        return -1
    status = task_status(&scheduler.task[follower])
    if phase_of(status) != READY and not (phase_of(status) == WAITING and expected.held[follower].peek()):
        return -1
    if scheduler_awaited(scheduler, follower) >= 0:
        return -1
    view_pause(&worker.view, POINT_CLAIM, <int32_t>follower)
    return follower if task_move(&scheduler.task[follower], status, EXECUTING, 0) else -1


cdef inline void run_followers(Worker* worker, int64_t index) noexcept nogil:
    """Run the members of its group that come after a transaction that this worker has run."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int followed = 0
    if scheduler.expected.trust.peek() <= 0 or index >= scheduler.expected.count:
        return
    while followed < FOLLOWERS_MAX and not frontier_waits(worker) and not scheduler_stopping(scheduler):
        index = claim_follower(worker, index)
        if index < 0:
            return
        scheduler.expected.groups.followed.count_up(1)
        worker.run_began_ns = now_ns()
        run_owned(worker, <int32_t>index)
        followed += 1
