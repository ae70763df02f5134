"""What a worker does with listed values: it takes back what a run did not write, and learns how far to trust the rest.

Only where something is listed (mvmemory/listed.pxd).
"""
from libc.stdint cimport int32_t, int64_t, uint32_t

from blockstm._native.base.cursors cimport events_notify
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.frontier cimport Write
from blockstm._native.engine.mvmemory.listed cimport (
    MISLED_MAX, Listed, is_listed, listed_of,
)
from blockstm._native.engine.mvmemory.locations cimport Location, highest_reader, location_listed
from blockstm._native.engine.mvmemory.numbers cimport same_payload
from blockstm._native.engine.mvmemory.store cimport Store
from blockstm._native.engine.mvmemory.values cimport PAYLOAD_DELTA, Payload
from blockstm._native.engine.scheduler cimport Scheduler, scheduler_revalidate
from blockstm._native.engine.view.conditions cimport Condition
from blockstm._native.engine.worker.blocks cimport Block


cdef inline bint lists_of(const Block* block, int32_t index) noexcept nogil:
    """Whether writes of this transaction are listed."""
    return block.listed != NULL and index < block.listed.count


cdef inline bint keep_listed(Listed* listed, Store* store, const Write* write, int32_t index) noexcept nogil:
    """Whether what the owned transaction has written is what is listed of it there; otherwise that is gone.

    A listed sum stands for a delta: it is what that makes of the value below, or else who reads it is found wrong
    once the delta is committed.
    """
    cdef Location* location = location_at(&store.interner, write.location)
    cdef int64_t place = listed_of(listed, location, index)
    if place < 0:
        return False
    if write.payload.kind == PAYLOAD_DELTA or same_payload(&store.numbers, write.payload, &listed.payload[place]):
        return True
    listed.gone[place].publish(1)
    return False


cdef inline bint is_given_by_list(Block* block, int32_t index, const Write* write) noexcept nogil:
    """Whether readers find a write in the list: then it need not be published."""
    cdef Listed* listed = block.store.listed.observe()
    return listed != NULL and keep_listed(listed, &block.store, write, index)


cdef inline uint32_t listed_writes(const Block* block, int32_t index) noexcept nogil:
    """How many writes of a transaction are listed."""
    return block.listed.first[index + 1] - block.listed.first[index]


cdef inline uint32_t writes_listed(Block* block, const Write* write, uint32_t writes) noexcept nogil:
    """How many of these writes are to locations of which anything is listed; their lines are in the cache."""
    cdef uint32_t place, found = 0
    for place in range(writes):
        found += location_listed(location_at(&block.store.interner, write[place].location))[0] != 0
    return found


cdef inline uint32_t given_by_list(Block* block, int32_t index, const Write* write, uint32_t writes) noexcept nogil:
    """How many of the owned transaction's writes readers find in the list."""
    cdef uint32_t place, given = 0
    for place in range(writes):
        given += is_given_by_list(block, index, &write[place])
    return given


cdef inline void note_kept(Block* block, int32_t index, const Write* write, uint32_t writes) noexcept nogil:
    """Mark what is listed of the owned transaction and stands: its run has written that."""
    cdef Listed* listed = block.listed
    cdef Location* location
    cdef int64_t found
    cdef uint32_t place
    for place in range(writes):
        location = location_at(&block.store.interner, write[place].location)
        found = listed_of(listed, location, index)
        if found >= 0:
            listed.kept[found] = 1


cdef inline int32_t take_back_listed(Block* block, int32_t index, const Write* write, uint32_t writes,
                                     uint32_t given) noexcept nogil:
    """Have go what is listed of the owned transaction and its run did not write; its highest reader, or -1.

    ``given``: how many of its writes are as listed. Where that is all that is listed, nothing is to be looked for.
    """
    cdef Listed* listed = block.store.listed.observe()
    cdef int32_t highest = -1
    cdef uint32_t place, found, location
    if listed == NULL or given == listed_writes(block, index):
        return highest
    note_kept(block, index, write, writes)
    for place in range(listed.first[index], listed.first[index + 1]):
        found = listed.write[place]
        if listed.kept[found]:
            listed.kept[found] = 0
            continue
        if listed.gone[found].read_plain():
            continue
        listed.gone[found].publish(1)
        location = listed.location[listed.key_of[found]].observe()
        if location:
            highest = max(highest, highest_reader(location_at(&block.store.interner, location - 1)))
    return highest


cdef inline void revalidate_up_to(Block* block, int32_t index, int32_t reader) noexcept nogil:
    """Have the transactions above ``index`` up to a reader validated again."""
    if reader > index and block.revalidation:
        scheduler_revalidate(&block.scheduler, index + 1, <int64_t>reader + 1)


cdef inline void learn_listed_wrong(Block* block, int32_t index, const Condition* failed) noexcept nogil:
    """A run is invalid: if a listed value, or a sum upon one, has misled it, the list has one chance less.

    Where that was the last, whatever was executed is validated again: it may have seen more of the list.
    """
    cdef Scheduler* scheduler = &block.scheduler
    if block.store.listed.peek() == NULL or failed.seen == NULL:
        return
    if not is_listed(block.listed, failed.seen) and failed.seen.index != index:
        return
    block.listed.wrong.count_up(1)
    if block.listed.wrong.peek() <= MISLED_MAX:
        return
    block.store.listed.suggest(NULL)
    if block.revalidation:
        scheduler_revalidate(scheduler, scheduler.frontier.next.observe(), scheduler.count)
        events_notify(&scheduler.events)
