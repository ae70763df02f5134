"""A worker: one thread that finds the most urgent thing to do in a block, does it, and looks again.

In order: move the frontier; check again what may have become wrong; run what has not run; park.
"""
from libc.stdint cimport int32_t, int64_t, uint64_t

from blockstm._native.engine.worker.blocks cimport Block, Worker

cdef bint worker_init(Worker* worker, Block* block, int32_t id) noexcept nogil
cdef void worker_free(Worker* worker) noexcept nogil
# Forget the last block. Nobody may be in it any more.
cdef void worker_reset(Worker* worker) noexcept nogil
# From now on keep so many spans of each block; 0: none. False: memory has run out.
cdef bint worker_keep_timeline(Worker* worker, uint64_t spans) noexcept nogil
# Work until the block has ended, or until everything left is somebody else's.
cdef void worker_run(Worker* worker) noexcept nogil
# Run on to index `until`, or to where the block ends, while nobody else is in it: no speculation,
# no records, no sharing.
cdef void worker_run_alone(Worker* worker, int64_t until) noexcept nogil
