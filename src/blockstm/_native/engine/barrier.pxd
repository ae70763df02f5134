"""The gate through which helpers come into a block, and out again.

The engine's own thread opens it and closes it; each helper is a thread that sits in `gate_enter` when
nothing is going on. A helper comes in only while the gate is open; `gate_close` lets nobody in any more
and waits until all who came in have left, so nobody touches a block's memory when it returns.

What helpers do inside is a block, or a job: something that each does its share of.
"""
from libc.stdint cimport int32_t, int64_t, uint64_t

from blockstm._native.base.cursors cimport (
    Monitor, monitor_lock, monitor_unlock, monitor_wait, monitor_wake_all,
)

cdef enum:
    GATE_WAIT_NS = 1_000_000_000

# Does a worker's share of a job, and that of those who do not come.
ctypedef void (*Job)(void* argument, int32_t worker) noexcept nogil

cdef struct Gate:
    Monitor monitor
    uint64_t generation      # of what was last offered
    bint open
    bint closed_for_good
    int32_t wanted           # workers 1 to wanted - 1 are welcome
    int32_t inside
    Job job                  # what there is to do; NULL: a block
    void* argument


cdef inline void gate_open(Gate* gate, int32_t workers) noexcept nogil:
    monitor_lock(&gate.monitor)
    gate.generation += 1
    gate.wanted = workers
    gate.open = True
    monitor_wake_all(&gate.monitor)
    monitor_unlock(&gate.monitor)


cdef inline void gate_close(Gate* gate) noexcept nogil:
    """Let nobody in any more, and wait until all are out."""
    monitor_lock(&gate.monitor)
    gate.open = False
    while gate.inside:
        monitor_wait(&gate.monitor, GATE_WAIT_NS)
    monitor_unlock(&gate.monitor)


cdef inline void gate_shut(Gate* gate) noexcept nogil:
    """Send the helpers home for good."""
    monitor_lock(&gate.monitor)
    gate.closed_for_good = True
    monitor_wake_all(&gate.monitor)
    monitor_unlock(&gate.monitor)


cdef inline bint gate_enter(Gate* gate, int32_t id, uint64_t* seen) noexcept nogil:
    """Wait for something that wants worker ``id``, and join it; false: go home."""
    monitor_lock(&gate.monitor)
    while not gate.closed_for_good:
        if gate.generation != seen[0]:
            seen[0] = gate.generation
            if gate.open and id < gate.wanted:
                gate.inside += 1
                monitor_unlock(&gate.monitor)
                return True
        monitor_wait(&gate.monitor, GATE_WAIT_NS)
    monitor_unlock(&gate.monitor)
    return False


cdef inline void gate_leave(Gate* gate) noexcept nogil:
    monitor_lock(&gate.monitor)
    gate.inside -= 1
    if gate.inside == 0:
        monitor_wake_all(&gate.monitor)
    monitor_unlock(&gate.monitor)


cdef inline void gate_do_job(Gate* gate, int32_t workers, Job job, void* argument) noexcept nogil:
    """Have a job done by up to so many workers; returns when it is."""
    if workers < 2:
        job(argument, 0)
        return
    gate.job = job
    gate.argument = argument
    gate_open(gate, workers)
    job(argument, 0)
    gate_close(gate)
    gate.job = NULL
