"""Reclaiming: what workers published of transactions that are final since goes into their arenas again.

A worker's speculation arena holds its incarnations, what they read and wrote, and waiters, in the order in which
they were made. A worker that looks at an incarnation got it from a transaction that was not final when the activity
began in which it does so: between two activities (of a batch at most) a worker holds none. So it announces, where it
holds none, the commit index that it has seen, and looks at nothing below that until it announces another. What lies
below what all workers announced last is looked at by nobody.

Entries of the store do not lie there: readers walk over those of final transactions, too. Nor do payloads that others
see: conditions of transactions to come point to them. (What a run folded or assumed, its own conditions alone do.)

Order of writes: an announcement is stored (release) after the last such access; the worker that reclaims
loads it (acquire) before it overwrites what lies there.
"""
from libc.stdint cimport int32_t, int64_t

from blockstm._native.base.arena cimport Arena, Chunk, arena_move_first_behind_current
from blockstm._native.engine.scheduler cimport Scheduler
from blockstm._native.engine.worker.blocks cimport Worker


cdef inline void note_speculation(Worker* worker, int64_t index) noexcept nogil:
    """Something that belongs to a transaction is about to be put into the speculation arena."""
    if index >= worker.speculated_end:
        worker.speculated_end = index + 1


cdef inline int64_t announced_by_all(const Scheduler* scheduler, int32_t workers) noexcept nogil:
    cdef int64_t lowest = scheduler.announced[0].next.observe()
    cdef int32_t id
    for id in range(1, workers):
        lowest = min(lowest, scheduler.announced[id].next.observe())
    return lowest


cdef inline void reclaim_speculation(Worker* worker) noexcept nogil:
    """Announce the commit index seen last; take back the oldest chunks if no more are left. Between two activities."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef Arena* arena = &worker.speculation_arena
    cdef Chunk* chunk = worker.speculated
    cdef int64_t final
    scheduler.announced[worker.id].next.publish(worker.frontier_seen)
    if chunk == arena.current:
        return
    if chunk == NULL:
        chunk = arena.first
    while chunk != arena.current:  # they were left since the last time
        chunk.mark = worker.speculated_end
        chunk = chunk.next
    worker.speculated = chunk
    if chunk.next != NULL:
        return
    final = announced_by_all(scheduler, worker.block.workers)
    while arena.first != arena.current and arena.first.mark <= final:
        arena_move_first_behind_current(arena)
