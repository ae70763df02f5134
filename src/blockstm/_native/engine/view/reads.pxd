"""Looking: how a run comes to see what is at a location.

At the frontier there is one value, and it is final. Ahead of it a look finds what others have
written so far, and the slot records what must still be true when the run is to become final.
"""
from libc.stdint cimport int32_t, uint8_t, uint64_t
from libcpp.atomic cimport memory_order_relaxed

from blockstm._native.abi cimport (
    BLOCKSTM_BAD_NUMBER, BLOCKSTM_NO_MEMORY, BLOCKSTM_OK, BLOCKSTM_STALE, BLOCKSTM_STATE_ERROR,
)
from blockstm._native.base.arena cimport arena_copy, arena_take
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.locations cimport Location, highest_reader, is_contended, note_reader
from blockstm._native.engine.mvmemory.numbers cimport fold_delta
from blockstm._native.engine.mvmemory.store cimport (
    FOUND, FOUND_ESTIMATE, FOUND_UNREAD, Found, Look, store_final, store_read_base, store_resolve,
)
from blockstm._native.engine.mvmemory.values cimport INLINE_SIZE, Payload, payload_words
from blockstm._native.engine.view.slots cimport (
    NO_ONE, POINT_LOOK, Slot, View, is_within_bounds, stop, view_pause,
)


cdef inline int look_speculatively(View* view, Slot* slot, Location* location) noexcept nogil:
    """See what is there now, among the writes of runs that may yet prove wrong."""
    cdef int32_t index = <int32_t>view.public_part.index
    cdef Look look = [NULL, 0]
    cdef Found found
    cdef Payload* folded
    cdef int status
    # Only decides who is told early that this location changed; the frontier checks all. So what
    # everybody looks at need not be written to by everybody.
    cdef int32_t reader = highest_reader(location)
    if reader < index and (reader == 0 or reader + view.readers_near <= index):
        note_reader(location, index)
    if is_contended(location):
        view.await_others(view.await_context)
    found = store_resolve(view.store, location, index, &view.folding, &look)
    if found == FOUND_UNREAD:
        status = store_read_base(view.store, location, view.arena, view)
        if status != BLOCKSTM_OK:
            slot.unreadable = status == BLOCKSTM_STATE_ERROR
            return stop(view, status)
        found = store_resolve(view.store, location, index, &view.folding, &look)
    while found == FOUND_ESTIMATE and view.await_writer(view.await_context, look.estimated):
        found = store_resolve(view.store, location, index, &view.folding, &look)
    if found != FOUND:
        view.blocked_on = look.estimated if found == FOUND_ESTIMATE else NO_ONE
        view.blocked_at = slot.location
        return stop(view, BLOCKSTM_STALE)
    slot.seen = look.payload
    if look.payload == &view.folding.folded:
        folded = <Payload*>arena_take(view.notes, sizeof(Payload))
        if folded == NULL:
            return stop(view, BLOCKSTM_NO_MEMORY)
        folded[0] = look.payload[0]
        folded.index = index
        slot.seen = folded
    if slot.numeric and not is_within_bounds(view, slot, slot.seen):  # answered before it was looked at
        view.blocked_at = slot.location
        return stop(view, BLOCKSTM_STALE)
    return BLOCKSTM_OK


cdef inline int assume(View* view, Slot* slot, const uint8_t* data, uint64_t size) noexcept nogil:
    """Ahead of the frontier: see ``data``, whatever is there now.

    The base is read all the same: a condition on what has not been read would fail at the frontier.
    """
    cdef Location* location = location_at(&view.store.interner, slot.location)
    cdef Payload* seen
    cdef int status
    if store_final(location) == NULL:
        status = store_read_base(view.store, location, view.arena, view)
        if status != BLOCKSTM_OK:
            slot.unreadable = status == BLOCKSTM_STATE_ERROR
            return stop(view, status)
    seen = <Payload*>arena_take(view.notes, sizeof(Payload))
    if seen != NULL and size > INLINE_SIZE:
        data = arena_copy(view.notes, data, size)
    if seen == NULL or data == NULL:
        return stop(view, BLOCKSTM_NO_MEMORY)
    seen.index = <int32_t>view.public_part.index
    payload_words(seen, data, size)
    slot.seen = seen
    slot.exact = 1
    return BLOCKSTM_OK


cdef inline int look_at_final(View* view, Slot* slot, Location* location) noexcept nogil:
    """At the frontier there is one value and it will not change."""
    cdef const Payload* seen = store_final(location)
    cdef int status
    if seen == NULL:
        status = store_read_base(view.store, location, view.arena, view)
        if status != BLOCKSTM_OK:
            return stop(view, status)
        seen = store_final(location)
    slot.seen = seen
    return BLOCKSTM_OK


cdef inline int look_at(View* view, Slot* slot) noexcept nogil:
    """See to it that ``slot.seen`` is set; it is set once a run. OK, or the run is over."""
    cdef Location* location
    if slot.seen != NULL:
        return BLOCKSTM_OK
    view_pause(view, POINT_LOOK, <int32_t>view.public_part.index)
    if view.stopping.load(memory_order_relaxed):  # a request; being late is all right
        return stop(view, BLOCKSTM_STALE)
    location = location_at(&view.store.interner, slot.location)
    if view.final_prefix:
        return look_at_final(view, slot, location)
    return look_speculatively(view, slot, location)


cdef inline int sum_own_delta(View* view, Slot* slot, const Payload** value) noexcept nogil:
    """What is seen plus the own delta."""
    cdef Payload* summed = slot.summed
    if summed == NULL:
        summed = <Payload*>arena_take(view.memory, sizeof(Payload))
        if summed == NULL:
            return stop(view, BLOCKSTM_NO_MEMORY)
        if fold_delta(&view.store.numbers, slot.seen, slot.own, summed):
            return BLOCKSTM_BAD_NUMBER
        slot.summed = summed
    value[0] = summed
    return BLOCKSTM_OK
