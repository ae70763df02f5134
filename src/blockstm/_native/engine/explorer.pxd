"""The explorer: real workers, one at a time, in an order that its caller chooses.

Every worker stops at each `Point` (view.pxd), before it touches what others touch. There a
decision is made from a given list of choices: who goes on. So one list of choices is one schedule
of the real scheduler and store, to be replayed, enumerated or shrunk. A worker that parks can be
chosen again only after a notification: a lost wake-up shows as a deadlock.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from blockstm._native.base.cursors cimport Monitor
from blockstm._native.engine.scheduler cimport Scheduler

cdef enum:
    EXPLORED_WORKERS = 64

# A point where one of several workers was chosen to go on.
cdef struct Decision:
    int32_t options
    int32_t chosen
    int32_t worker
    int32_t point
    int32_t index

cdef enum WorkerState:
    OUTSIDE = 0
    RUNNABLE = 1
    PARKED = 2

cdef struct Explorer:
    Monitor monitor
    Scheduler* scheduler
    int32_t workers
    int32_t joined
    int32_t current
    int32_t state[EXPLORED_WORKERS]
    int32_t point[EXPLORED_WORKERS]
    int32_t index[EXPLORED_WORKERS]
    uint32_t key[EXPLORED_WORKERS]
    const uint32_t* choices
    uint64_t choice_count
    Decision* trace        # owned
    uint64_t trace_size
    uint64_t trace_capacity
    # A run reads as often as its transaction asks, so what a block may take is counted without its
    # reads; those bound the runs that would never end.
    uint64_t steps         # decisions at other points than a read
    uint64_t steps_max
    uint64_t reads         # decisions at a read since the last step
    uint64_t reads_max
    bint stuck             # a deadlock, or more than one of the two bounds
    bint no_memory         # for the trace
    bint holds_gil

cdef list explorer_decisions(const Explorer* explorer)
cdef void explorer_free(Explorer* explorer) noexcept nogil

cdef void explorer_pause(void* context, int worker, int point, int32_t index) noexcept nogil
