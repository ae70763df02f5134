"""What a worker does with listed values: it takes back what a run did not write, and learns how far to trust the rest.

Only where something is listed (mvmemory/listed.pxd).
"""
from libc.stdint cimport int32_t, int64_t, uint32_t

from blockstm._native.base.cursors cimport events_notify
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.frontier cimport Write
from blockstm._native.engine.mvmemory.listed cimport (
    RIGHT_PER_WRONG, WRONG_FIRST, Listed, ListedKey, is_listed, listed_of,
)
from blockstm._native.engine.mvmemory.locations cimport highest_reader
from blockstm._native.engine.mvmemory.numbers cimport same_payload
from blockstm._native.engine.mvmemory.store cimport Store
from blockstm._native.engine.mvmemory.values cimport PAYLOAD_DELTA, Payload
from blockstm._native.engine.scheduler cimport Scheduler, scheduler_revalidate
from blockstm._native.engine.view.conditions cimport Condition
from blockstm._native.engine.worker.blocks cimport Block, Incarnation, Worker


cdef inline bint lists_of(const Block* block, int32_t index) noexcept nogil:
    """Whether writes of this transaction are listed."""
    return block.listed != NULL and index < block.listed.count


cdef inline bint keep_listed(Listed* listed, Store* store, uint32_t written, const Payload* payload,
                             int32_t index) noexcept nogil:
    """Whether what the owned transaction has written is what is listed of it there; otherwise that is gone.

    A listed sum stands for a delta: it is what that makes of the value below, or else who reads it is found wrong
    once the delta is committed.
    """
    cdef int64_t write = listed_of(listed, <const ListedKey*>location_at(&store.interner, written).listed, index)
    if write < 0:
        return False
    if payload.kind == PAYLOAD_DELTA or same_payload(&store.numbers, payload, &listed.payload[write]):
        listed.kept[write] = 1
        return True
    listed.gone[write].publish(1)
    return False


cdef inline bint is_given_by_list(Block* block, int32_t index, const Write* write) noexcept nogil:
    """Whether readers find a write in the list: then it need not be published."""
    cdef Listed* listed = block.store.listed.observe()
    return listed != NULL and keep_listed(listed, &block.store, write.location, write.payload, index)


cdef inline int32_t take_back_listed(Block* block, int32_t index) noexcept nogil:
    """Have go what is listed of the owned transaction and its run did not write; its highest reader, or -1."""
    cdef Listed* listed = block.listed
    cdef int32_t highest = -1
    cdef uint32_t place, write, location
    for place in range(listed.first[index], listed.first[index + 1]):
        write = listed.write[place]
        if listed.kept[write]:
            listed.kept[write] = 0
            continue
        if listed.gone[write].read_plain():
            continue
        listed.gone[write].publish(1)
        location = listed.location[listed.key_of[write]].observe()
        if location:
            highest = max(highest, highest_reader(location_at(&block.store.interner, location - 1)))
    return highest


cdef inline void revalidate_up_to(Block* block, int32_t index, int32_t reader) noexcept nogil:
    """Have the transactions above ``index`` up to a reader validated again."""
    if reader > index and block.revalidation:
        scheduler_revalidate(&block.scheduler, index + 1, <int64_t>reader + 1)


cdef inline bint is_committed_as_listed(Block* block, int32_t index, const Write* write,
                                        uint32_t writes) noexcept nogil:
    """Whether readers of a transaction that was run at the frontier found all its writes in the list."""
    cdef Listed* listed = block.store.listed.observe()
    cdef bint are_listed = listed != NULL
    cdef uint32_t place
    if listed == NULL:
        return False
    for place in range(writes):
        if not keep_listed(listed, &block.store, write[place].location, write[place].payload, index):
            are_listed = False
    return are_listed


cdef inline bint has_seen_listed(const Listed* listed, const Incarnation* incarnation) noexcept nogil:
    cdef uint32_t place
    for place in range(incarnation.conditions):
        if is_listed(listed, incarnation.condition[place].seen):
            return True
    return False


cdef inline void learn_listed_right(Block* block, const Incarnation* incarnation) noexcept nogil:
    """A run ahead of the frontier is valid; by the frontier's owner."""
    if block.listed != NULL and has_seen_listed(block.listed, incarnation):
        block.listed.right.count_up(1)


cdef inline void learn_listed_wrong(Block* block, int32_t index, const Condition* failed) noexcept nogil:
    """A run is invalid: if a listed value, or a sum upon one, has misled it, the list is trusted less.

    Where that ends the trust, whatever was executed is validated again: it may have seen more of the list.
    """
    cdef Scheduler* scheduler = &block.scheduler
    if block.listed == NULL or failed.seen == NULL:
        return
    if not is_listed(block.listed, failed.seen) and failed.seen.index != index:
        return
    block.listed.wrong.count_up(1)
    if block.listed.wrong.peek() <= WRONG_FIRST + block.listed.right.peek() // RIGHT_PER_WRONG:
        return
    block.store.listed.suggest(NULL)
    if block.revalidation:
        scheduler_revalidate(scheduler, scheduler.frontier.next.observe(), scheduler.count)
        events_notify(&scheduler.events)
