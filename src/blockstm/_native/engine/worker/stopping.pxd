"""Stopping a block: why workers leave it before its end, and how worker 0 learns of signals.

`stop_block`: any worker. Whether to give up is asked by worker 0 alone, whose thread is the caller's.
"""
from libc.stdint cimport int64_t, uint32_t

from blockstm._native.base.cursors cimport events_notify, now_ns
from blockstm._native.engine.scheduler cimport STOP
from blockstm._native.engine.worker.blocks cimport POLL_NS, POLL_STRIDE_MAX, Block, Worker


cdef inline void stop_block(Block* block, uint32_t reason) noexcept nogil:
    """Have every worker leave the block; it sees the block's status, which was set before."""
    block.scheduler.stopping.add_flags(reason)
    events_notify(&block.scheduler.events)


cdef inline bint poll(Worker* worker) noexcept nogil:
    """Worker 0: from time to time, whether to give up; how often adapts to how long its tasks take."""
    cdef Block* block = worker.block
    cdef int64_t now, elapsed
    worker.poll_counter += 1
    if worker.poll_counter < worker.poll_stride:
        return False
    worker.poll_counter = 0
    now = now_ns()
    elapsed = now - worker.polled_at_ns
    if elapsed < POLL_NS:
        if elapsed < POLL_NS / 4 and worker.poll_stride < POLL_STRIDE_MAX:
            worker.poll_stride *= 2
        return False
    worker.poll_stride = 1
    worker.polled_at_ns = now
    return block.poll(block.poll_context)


cdef inline bint gives_up(Worker* worker) noexcept nogil:
    """Whether the caller wants the block stopped; if so, stops it."""
    if worker.id != 0 or worker.block.poll == NULL or not poll(worker):
        return False
    stop_block(worker.block, STOP)
    return True
