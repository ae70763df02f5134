"""The gate: keeps a block on one worker where sharing it would not pay."""
from libc.stdint cimport int32_t, int64_t

from blockstm._native.engine.worker.blocks cimport Block, Worker

# What the transactions of the last blocks took, on an engine. It decides where the next block begins to be shared.
cdef struct Pace:
    const void* of            # a VM: what it runs a transaction by ...
    int64_t run_ns            # ... and a transaction's time, about; 0: not known, or sharing did not pay


# Run alone as long as transactions are too short, or too few are left, to share: the first runs are a sample; after
# that the profitability is checked from time to time. ``worker`` is the one that has the block.
cdef void run_until_profitable(Block* block, Worker* worker) noexcept nogil
# Whether a block that has not begun is worth sharing, if its transactions are like those before.
cdef bint is_profitable_at_once(Block* block, Worker* worker, const Pace* pace) noexcept nogil
# A block has been run by so many workers.
cdef void learn_pace(Pace* pace, const Block* block, const Worker* worker, int32_t workers) noexcept nogil
