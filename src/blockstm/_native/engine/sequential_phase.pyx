"""How a sequential phase begins; see the ``.pxd``."""
from libc.stdint cimport int32_t, int64_t, uint32_t

from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.pieces cimport pieces_sweep
from blockstm._native.engine.mvmemory.store cimport store_mark
from blockstm._native.engine.scheduler cimport Scheduler, Task, task_forget
from blockstm._native.engine.worker.blocks cimport BATCH_MAX, Block, Incarnation, Worker
from blockstm._native.engine.worker.commit cimport tombstone_writes


cdef void forget_speculation(Block* block) noexcept nogil:
    cdef Scheduler* scheduler = &block.scheduler
    cdef int64_t index = scheduler.frontier.next.observe()
    cdef int64_t end = index + block.window_max + BATCH_MAX
    cdef Task* task
    cdef Incarnation* incarnation
    if end > scheduler.count:
        end = scheduler.count
    while index < end:
        task = &scheduler.task[index]
        incarnation = <Incarnation*>task.published.observe()
        if incarnation != NULL:
            tombstone_writes(block, incarnation)
        task_forget(task)
        index += 1
    scheduler.revalidation.next.prepare(0)
    scheduler.revalidation_end.next.prepare(0)


cdef void reclaim_overwritten(Block* block, Worker* workers, int32_t count) noexcept nogil:
    cdef uint32_t place
    cdef int32_t id
    block.store.reclaims.prepare(0)
    for place in range(block.frontier.written_count):
        store_mark(location_at(&block.store.interner, block.frontier.written[place]))
    for id in range(count):
        pieces_sweep(&workers[id].view.pieces)


cdef void begin_sequential_phase(Block* block) noexcept nogil:
    if block.unprofitable.observe():
        # Transactions that take alone what they took when they were shared, and more, are shared again.
        block.shared_from_ns = min(2 * block.alone_ns, block.sharing_ns + block.sharing_ns // 8)
        block.unprofitable.prepare(0)
    block.sequential_until = 0
    block.workers = 1
    block.store.exclusive = True
    block.store.interner.alone = True
