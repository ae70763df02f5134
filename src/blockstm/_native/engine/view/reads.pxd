"""Reads: how a run comes to see the value at a location.

At the frontier there is one value, and it is final. Ahead of it a read finds what other transactions
have written so far, and the access records the condition under which the run may be committed.
"""
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from blockstm._native.abi cimport (
    BLOCKSTM_BAD_NUMBER, BLOCKSTM_NO_MEMORY, BLOCKSTM_OK, BLOCKSTM_STALE, BLOCKSTM_STATE_ERROR,
)
from blockstm._native.base.arena cimport arena_take
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.locations cimport (
    Location, highest_reader, is_contended, note_reader,
)
from blockstm._native.engine.mvmemory.numbers cimport fold_delta
from blockstm._native.engine.mvmemory.store cimport (
    FOUND, FOUND_ESTIMATE, FOUND_UNREAD, Found, Resolved, fold_deltas, folding_push, store_final,
    store_has_base_only, store_keep_bytes, store_read_base, store_resolve,
)
from blockstm._native.engine.mvmemory.values cimport BASE_INDEX, INLINE_SIZE, PAYLOAD_DELTA, Payload, payload_words
from blockstm._native.engine.view.accesses cimport (
    NO_ONE, POINT_READ, Access, Question, View, is_within_bounds, stop, view_pause,
)
from blockstm._native.engine.view.batch_writes cimport BatchWrites, batch_last


cdef inline void note_read(View* view, Location* location) noexcept nogil:
    """Have the run revalidated when a write comes here.

    It only decides which runs are revalidated before the frontier validates all, so a reader close
    below the highest one is not noted: a location that all read need not be written to by all.
    """
    cdef int32_t index = <int32_t>view.public_part.index
    cdef int32_t reader = highest_reader(location)
    if reader < index and (reader == 0 or reader + view.readers_near <= index):
        note_reader(location, index)


cdef inline int resolve(View* view, Access* access, Location* location, Resolved* resolved) noexcept nogil:
    """The newest value below the run: read the base for it, and await estimated writes. OK, or the run is over."""
    cdef int32_t index = <int32_t>view.public_part.index
    cdef int status
    cdef Found found = store_resolve(view.store, location, index, &view.folding, resolved)
    if found == FOUND_UNREAD:
        status = store_read_base(view.store, location, view.block_arena, view)
        if status != BLOCKSTM_OK:
            access.unreadable = status == BLOCKSTM_STATE_ERROR
            return stop(view, status)
        if store_has_base_only(view.store, location):
            resolved.payload = location.base.observe()
            return BLOCKSTM_OK
        found = store_resolve(view.store, location, index, &view.folding, resolved)
    while found == FOUND_ESTIMATE and view.await_writer(view.await_context, resolved.estimated):
        found = store_resolve(view.store, location, index, &view.folding, resolved)
    if found == FOUND:
        return BLOCKSTM_OK
    view.blocked_on = resolved.estimated if found == FOUND_ESTIMATE else NO_ONE
    view.blocked_at = access.location
    return stop(view, BLOCKSTM_STALE)


cdef inline const Payload* keep_folded(View* view, const Payload* folded) noexcept nogil:
    """A copy of a folded value that outlasts the next read; NULL where memory has run out."""
    cdef Payload* kept = <Payload*>arena_take(view.speculation_arena, sizeof(Payload))
    if kept != NULL:
        kept[0] = folded[0]
        kept.index = <int32_t>view.public_part.index
    return kept


cdef inline int see(View* view, Access* access, const Payload* found) noexcept nogil:
    """Ahead of the frontier this is what the run sees. OK, or the run is over."""
    access.seen = found
    if found == &view.folding.folded:
        access.seen = keep_folded(view, found)
        if access.seen == NULL:
            return stop(view, BLOCKSTM_NO_MEMORY)
    if access.numeric and not is_within_bounds(view, access, access.seen):  # the run got a bound before
        view.blocked_at = access.location
        return stop(view, BLOCKSTM_STALE)
    return BLOCKSTM_OK


cdef inline int read_speculatively(View* view, Access* access, Location* location) noexcept nogil:
    """Read the newest write below the run, which may itself be aborted later."""
    cdef Resolved resolved = [NULL, 0]
    cdef int status
    note_read(view, location)
    if is_contended(location):
        view.await_others(view.await_context)
    status = resolve(view, access, location, &resolved)
    if status != BLOCKSTM_OK:
        return status
    return see(view, access, resolved.payload)


cdef inline int read_base(View* view, Access* access, Location* location) noexcept nogil:
    """Ahead of the frontier: read the base, unless something is final there. OK, or the run is over."""
    cdef int status
    if store_final(location) != NULL:
        return BLOCKSTM_OK
    status = store_read_base(view.store, location, view.block_arena, view)
    if status == BLOCKSTM_OK:
        return BLOCKSTM_OK
    access.unreadable = status == BLOCKSTM_STATE_ERROR
    return stop(view, status)


cdef inline int read_within_batch(View* view, Access* access, Location* location) noexcept nogil:
    """In a relay: read what the batch has written last, else what is final by now."""
    cdef BatchWrites* writes = view.batch_writes
    cdef Resolved resolved = [NULL, 0]
    cdef uint32_t place = batch_last(writes, access.location), deltas = 0
    cdef int status
    while place and resolved.payload == NULL:
        if writes.write[place - 1].payload.kind != PAYLOAD_DELTA:
            resolved.payload = writes.write[place - 1].payload
        elif not folding_push(&view.folding, deltas, writes.write[place - 1].payload):
            return stop(view, BLOCKSTM_NO_MEMORY)
        else:
            deltas += 1
        place = writes.write[place - 1].before
    if resolved.payload == NULL:
        status = read_base(view, access, location)
        if status != BLOCKSTM_OK:
            return status
        resolved.payload = store_final(location)
    if fold_deltas(view.store, &view.folding, deltas, &resolved) != FOUND:
        view.blocked_at = access.location
        return stop(view, BLOCKSTM_STALE)
    return see(view, access, resolved.payload)


cdef inline int assume(View* view, Access* access, const uint8_t* data, uint64_t size) noexcept nogil:
    """Ahead of the frontier: take ``data`` for the value, whatever is there now.

    The base is read all the same: a condition on an unread location would fail at the frontier.
    """
    cdef Location* location = location_at(&view.store.interner, access.location)
    cdef Payload* seen
    cdef int status = read_base(view, access, location)
    if status != BLOCKSTM_OK:
        return status
    seen = <Payload*>arena_take(view.speculation_arena, sizeof(Payload))
    if seen == NULL:
        return stop(view, BLOCKSTM_NO_MEMORY)
    seen.index = BASE_INDEX  # no transaction's: it is no sum, whose index is the reader's
    payload_words(seen, data, size)
    if size > INLINE_SIZE and not store_keep_bytes(view.store, seen, view.speculation_arena, &view.pieces):
        return stop(view, BLOCKSTM_NO_MEMORY)
    access.seen = seen
    access.exact = 1
    return BLOCKSTM_OK


cdef inline int read_committed(View* view, Access* access, Location* location) noexcept nogil:
    """At the frontier there is one value, and it will not change."""
    cdef const Payload* seen = store_final(location)
    cdef int status
    if seen == NULL:
        status = store_read_base(view.store, location, view.block_arena, view)
        if status != BLOCKSTM_OK:
            return stop(view, status)
        seen = store_final(location)
    access.seen = seen
    return BLOCKSTM_OK


cdef inline int ask_later(View* view, uint32_t location, uint64_t tag) noexcept nogil:
    """Have the VM told what is there when the run is committed. OK, or the run is over."""
    cdef Question* question = <Question*>arena_take(view.speculation_arena, sizeof(Question))
    if question == NULL:
        return stop(view, BLOCKSTM_NO_MEMORY)
    question.tag, question.location, question.next = tag, location, view.questions
    view.questions = question
    return BLOCKSTM_OK


cdef inline int read_access(View* view, Access* access) noexcept nogil:
    """Set ``access.seen``, unless the run has read the location. OK, or the run is over."""
    cdef Location* location
    if access.seen != NULL:
        return BLOCKSTM_OK
    view_pause(view, POINT_READ, <int32_t>view.public_part.index)
    if view.stopping.peek():
        return stop(view, BLOCKSTM_STALE)
    location = location_at(&view.store.interner, access.location)
    if view.final_prefix:
        return read_committed(view, access, location)
    if view.batch_writes != NULL:
        return read_within_batch(view, access, location)
    return read_speculatively(view, access, location)


cdef inline int sum_written_delta(View* view, Access* access, const Payload** value) noexcept nogil:
    """What was read plus the delta that the run wrote."""
    cdef Payload* summed = access.summed
    if summed == NULL:
        summed = <Payload*>arena_take(view.write_arena, sizeof(Payload))
        if summed == NULL:
            return stop(view, BLOCKSTM_NO_MEMORY)
        if fold_delta(&view.store.numbers, access.seen, access.written, summed):
            return BLOCKSTM_BAD_NUMBER
        access.summed = summed
    value[0] = summed
    return BLOCKSTM_OK
