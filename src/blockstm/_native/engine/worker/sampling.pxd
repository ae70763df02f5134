"""Sampling: how long the phases of a worker's work take, and what its timeline shows of them.

For a worker's own thread.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t

from blockstm._native.base.cursors cimport now_ns
from blockstm._native.engine.scheduler cimport incarnation_of, task_status
from blockstm._native.engine.worker.blocks cimport (
    PHASE_PUBLISH, PHASE_VALIDATE, Block, WorkPhase, Worker,
)
from blockstm._native.engine.worker.timeline cimport timeline_add


cdef inline uint32_t own_incarnation(Block* block, int32_t index) noexcept nogil:
    """In a block that was never shared there are no statuses, and no second incarnations."""
    if not block.shared:
        return 0
    return incarnation_of(task_status(&block.scheduler.task[index]))


cdef inline int64_t end_sample(Worker* worker, int64_t since, WorkPhase phase, int32_t index) noexcept nogil:
    cdef int64_t now = now_ns()
    worker.phase_ns[<int>phase] += (now - since) * worker.sample_every
    if worker.timeline != NULL:
        timeline_add(worker.timeline, phase, since, now, index)
    return now


cdef inline int64_t sample_begin(Worker* worker) noexcept nogil:
    """The time, for one task in `sample_every`; else 0. Reading the clock costs as much as a small task."""
    worker.sample_counter += 1
    if worker.sample_counter & (worker.sample_every - 1):
        return 0
    return now_ns()


cdef inline int64_t sample_phase(Worker* worker, int64_t since, WorkPhase phase, int32_t index) noexcept nogil:
    """A phase of work on ``index``, which this worker owns, began at ``since`` and ends now; 0 where since is."""
    if since == 0:
        return 0
    if worker.timeline != NULL and phase != PHASE_PUBLISH:  # what is published has another owner by now
        worker.timeline.incarnation = own_incarnation(worker.block, index)
    return end_sample(worker, since, phase, index)


cdef inline int64_t sample_check(Worker* worker, int64_t since, int32_t index, uint32_t status) noexcept nogil:
    """The same of a validation, whose transaction has another owner; ``status`` tells the incarnation."""
    if since == 0:
        return 0
    if worker.timeline != NULL:
        worker.timeline.incarnation = incarnation_of(status)
    return end_sample(worker, since, PHASE_VALIDATE, index)


cdef inline void learn_run(Worker* worker, int64_t taken_ns) noexcept nogil:
    """A run took so long: the average moves a quarter of the way to it."""
    worker.run_ns += (taken_ns - worker.run_ns) >> 2
