"""The barrier between a worker pool and its block; see the ``.pxd``."""
from libc.stdint cimport int32_t, uint64_t

from blockstm._native.base.cursors cimport monitor_lock, monitor_unlock, monitor_wait, monitor_wake_all

cdef enum:
    BARRIER_WAIT_NS = 1_000_000_000


cdef void barrier_open(Barrier* barrier, int32_t workers) noexcept nogil:
    monitor_lock(&barrier.monitor)
    barrier.generation += 1
    barrier.wanted = workers
    barrier.open = True
    monitor_wake_all(&barrier.monitor)
    monitor_unlock(&barrier.monitor)


cdef void barrier_close(Barrier* barrier) noexcept nogil:
    monitor_lock(&barrier.monitor)
    barrier.open = False
    while barrier.inside:
        monitor_wait(&barrier.monitor, BARRIER_WAIT_NS)
    monitor_unlock(&barrier.monitor)


cdef void barrier_shut(Barrier* barrier) noexcept nogil:
    monitor_lock(&barrier.monitor)
    barrier.closed_for_good = True
    monitor_wake_all(&barrier.monitor)
    monitor_unlock(&barrier.monitor)


cdef bint barrier_enter(Barrier* barrier, int32_t id, uint64_t* seen) noexcept nogil:
    monitor_lock(&barrier.monitor)
    while not barrier.closed_for_good:
        if barrier.generation != seen[0]:
            seen[0] = barrier.generation
            if barrier.open and id < barrier.wanted:
                barrier.inside += 1
                monitor_unlock(&barrier.monitor)
                return True
        monitor_wait(&barrier.monitor, BARRIER_WAIT_NS)
    monitor_unlock(&barrier.monitor)
    return False


cdef void barrier_leave(Barrier* barrier) noexcept nogil:
    monitor_lock(&barrier.monitor)
    barrier.inside -= 1
    if barrier.inside == 0:
        monitor_wake_all(&barrier.monitor)
    monitor_unlock(&barrier.monitor)


cdef void barrier_run_task(Barrier* barrier, int32_t workers, PoolTask task, void* argument) noexcept nogil:
    if workers < 2:
        task(argument, 0)
        return
    barrier.task = task
    barrier.argument = argument
    barrier_open(barrier, workers)
    task(argument, 0)
    barrier_close(barrier)
    barrier.task = NULL
