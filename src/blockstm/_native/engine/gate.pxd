"""The gate: keeps a block on one worker where sharing it would not pay."""
from blockstm._native.engine.worker.blocks cimport Block, Worker


# Run alone as long as transactions are too short, or too few are left, to share: the first runs are a sample; after
# that the profitability is checked from time to time. ``worker`` is the one that has the block.
cdef void run_until_profitable(Block* block, Worker* worker) noexcept nogil
