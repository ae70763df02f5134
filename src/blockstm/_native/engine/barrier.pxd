"""The barrier between the threads of a worker pool and the block that they work on.

The engine's thread opens and closes it; each other thread of the pool waits in `barrier_enter` while there
is no work. A thread enters only while the barrier is open; `barrier_close` admits no more threads and waits
until all that entered have left, so no other thread touches a block's memory when it returns.

Inside, a thread works on a block, or does its share of a task (`barrier_run_task`, a parallel for).

The monitor orders everything. But to sleep and be woken takes 15 to 60 µs, and what a thread waits for here mostly
comes sooner: the task that copies a block's results after the block, and the last thread's leaving. So both waits look
at a word for some microseconds before they sleep. That decides when the monitor is locked, and nothing else.
"""
from libc.stdint cimport int32_t, uint64_t

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.base.cursors cimport Monitor

# Does a worker's share of a task, and the shares of workers that do not come.
ctypedef void (*PoolTask)(void* argument, int32_t worker) noexcept nogil

cdef struct Barrier:
    Monitor monitor
    Atomic[uint64_t] generation  # counts the openings; written under the monitor, like all that follows
    bint open
    bint closed_for_good
    int32_t wanted           # workers 1 to wanted - 1 may enter
    Atomic[int32_t] inside
    PoolTask task            # NULL: a block
    void* argument


cdef void barrier_open(Barrier* barrier, int32_t workers) noexcept nogil
# Admit no more threads, and wait until all have left.
cdef void barrier_close(Barrier* barrier) noexcept nogil
# Shut the pool down: every waiting thread ends.
cdef void barrier_shut(Barrier* barrier) noexcept nogil
# Wait for an opening that wants worker ``id``, and enter; false: the pool is shut down.
cdef bint barrier_enter(Barrier* barrier, int32_t id, uint64_t* seen) noexcept nogil
cdef void barrier_leave(Barrier* barrier) noexcept nogil
# Have up to ``workers`` workers do their shares of a task; returns when it is done.
cdef void barrier_run_task(Barrier* barrier, int32_t workers, PoolTask task, void* argument) noexcept nogil
