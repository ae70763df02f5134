"""The barrier between a worker pool and its block; see the ``.pxd``."""
from libc.stdint cimport int32_t, int64_t, uint64_t

from blockstm._native.base.cursors cimport (
    cpu_relax, monitor_lock, monitor_unlock, monitor_wait, monitor_wake_all, now_ns,
)

cdef enum:
    BARRIER_WAIT_NS = 1_000_000_000
    SPIN_NS = 40_000   # about what it takes to sleep and be woken: more than that looking cannot lose


cdef void barrier_open(Barrier* barrier, int32_t workers) noexcept nogil:
    monitor_lock(&barrier.monitor)
    barrier.generation.suggest(barrier.generation.read_plain() + 1)
    barrier.wanted = workers
    barrier.open = True
    monitor_wake_all(&barrier.monitor)
    monitor_unlock(&barrier.monitor)


cdef void barrier_close(Barrier* barrier) noexcept nogil:
    monitor_lock(&barrier.monitor)
    barrier.open = False
    if barrier.inside.read_plain():
        monitor_unlock(&barrier.monitor)
        look_for_the_last(barrier)
        monitor_lock(&barrier.monitor)
    while barrier.inside.read_plain():
        monitor_wait(&barrier.monitor, BARRIER_WAIT_NS)
    monitor_unlock(&barrier.monitor)


cdef void look_for_the_last(Barrier* barrier) noexcept nogil:
    """Until all have left, or for a moment."""
    cdef int64_t until = now_ns() + SPIN_NS
    while barrier.inside.peek() and now_ns() < until:
        cpu_relax()


cdef void barrier_shut(Barrier* barrier) noexcept nogil:
    monitor_lock(&barrier.monitor)
    barrier.closed_for_good = True
    monitor_wake_all(&barrier.monitor)
    monitor_unlock(&barrier.monitor)


cdef bint barrier_enter(Barrier* barrier, int32_t id, uint64_t* seen) noexcept nogil:
    if seen[0]:  # it comes from a block or a task
        look_for_an_opening(barrier, seen[0])
    monitor_lock(&barrier.monitor)
    while not barrier.closed_for_good:
        if barrier.generation.read_plain() != seen[0]:
            seen[0] = barrier.generation.read_plain()
            if barrier.open and id < barrier.wanted:
                barrier.inside.suggest(barrier.inside.read_plain() + 1)
                monitor_unlock(&barrier.monitor)
                return True
        monitor_wait(&barrier.monitor, BARRIER_WAIT_NS)
    monitor_unlock(&barrier.monitor)
    return False


cdef void look_for_an_opening(Barrier* barrier, uint64_t seen) noexcept nogil:
    """Until there is one, or for a moment."""
    cdef int64_t until = now_ns() + SPIN_NS
    while barrier.generation.peek() == seen and now_ns() < until:
        cpu_relax()


cdef void barrier_leave(Barrier* barrier) noexcept nogil:
    monitor_lock(&barrier.monitor)
    barrier.inside.suggest(barrier.inside.read_plain() - 1)
    if barrier.inside.read_plain() == 0:
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
