"""A worker: one thread that does the most urgent work of a block, over and over.

In order: commit at the frontier; validate again what a write may have invalidated; run what has not run;
steal work; park.
"""
from libc.stdint cimport int32_t, int64_t, uint64_t

from blockstm._native.engine.scheduler cimport scheduler_frontier
from blockstm._native.engine.worker.blocks cimport Block, Worker


cdef inline bint is_in_turn(const Worker* worker) noexcept nogil:
    """In a relay: whether the frontier has reached the batch of the worker."""
    return scheduler_frontier(&worker.block.scheduler) == worker.view.batch_first


cdef bint worker_init(Worker* worker, Block* block, int32_t id) noexcept nogil
cdef void worker_free(Worker* worker) noexcept nogil
# The block is over, all workers have left: what ran ahead is needed no more.
cdef void worker_rest_speculation(Worker* worker) noexcept nogil
# The block is over, all workers have left: let others have most of the memory meanwhile.
cdef void worker_rest(Worker* worker) noexcept nogil
# Forget the last block, which all workers have left.
cdef void worker_reset(Worker* worker) noexcept nogil
# From now on keep so many spans of each block; 0: none. False: memory has run out.
cdef bint worker_keep_timeline(Worker* worker, uint64_t spans) noexcept nogil
# For `relay.pyx`: spin for some microseconds until there is work; park until there may be; how many transactions to
# claim at once; load the commit index; measure whether sharing pays.
cdef bint work_comes_soon(Worker* worker) noexcept nogil
cdef void park(Worker* worker) noexcept nogil
cdef int64_t batch_length(const Worker* worker) noexcept nogil
cdef int64_t runs_of_batch(Worker* worker) noexcept nogil
cdef void observe_frontier(Worker* worker, int64_t now) noexcept nogil
cdef void measure_sharing(Worker* worker) noexcept nogil
# Work until the block has ended or is stopped.
cdef void worker_run(Worker* worker) noexcept nogil
# Run on to index `until`, or to where the block ends, while no other worker is in it: no speculation,
# no records, no sharing.
cdef void worker_run_alone(Worker* worker, int64_t until) noexcept nogil
# All others have left: commit what has been executed ahead of the frontier and is valid, with what lies between.
cdef void worker_commit_executed(Worker* worker) noexcept nogil
