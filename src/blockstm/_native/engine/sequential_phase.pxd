"""A sequential phase begins: all workers but the engine's own have left the block.

Called by the engine, in this order; nothing else touches the block meanwhile.
"""
from libc.stdint cimport int32_t

from blockstm._native.engine.worker.blocks cimport Block, Worker


# As if nothing had run ahead of the frontier: no entries, no records, no waiters.
cdef void forget_speculation(Block* block) noexcept nogil
# Free the values that have been overwritten, once the VM has released its own.
cdef void reclaim_overwritten(Block* block, Worker* workers, int32_t count) noexcept nogil
# One worker has the block.
cdef void begin_sequential_phase(Block* block) noexcept nogil
