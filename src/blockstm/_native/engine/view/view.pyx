"""The operations of a view; see the ``.pxd``, and ``vm_abi.h`` for their contracts."""
from libc.stdint cimport INT64_MAX, int32_t, uint32_t, uint64_t, uint8_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from blockstm._native.abi cimport (
    BLOCKSTM_ABSENT, BLOCKSTM_NO_MEMORY, BLOCKSTM_OK, BLOCKSTM_STALE, BLOCKSTM_VM_ABI_VERSION,
    BLOCKSTM_VM_ASKS, blockstm_bytes, blockstm_location, blockstm_number, blockstm_view, blockstm_view_api,
)
from blockstm._native.base.atomics cimport Atomic
from blockstm._native.base.arena cimport Arena, arena_copy, arena_reset, arena_take
from blockstm._native.base.hashing cimport hash_bytes, hash_with_last, word64
from blockstm._native.base.pages cimport pages_free, pages_take
from blockstm._native.engine.mvmemory.interner cimport interner_locate, interner_locate_hashed, location_at
from blockstm._native.engine.mvmemory.pieces cimport pieces_free
from blockstm._native.engine.mvmemory.numbers cimport read_number
from blockstm._native.engine.mvmemory.store cimport Store, store_final, store_keep_bytes
from blockstm._native.engine.mvmemory.values cimport (
    INLINE_SIZE, PAYLOAD_ABSENT, PAYLOAD_DELTA, PAYLOAD_VALUE, SHORT_SIZE, Payload, payload_data,
    payload_is, payload_words,
)
from blockstm._native.engine.view.accesses cimport (
    MEMO_BITS, NO_ONE, Access, AccessMark, Memo, View, access_add_delta, access_find, access_of,
    access_write, still_counts, stop,
)
from blockstm._native.engine.view.bounds cimport access_at_least, access_try_add
from blockstm._native.engine.view.conditions cimport (
    CONDITION_EXACT, CONDITION_RANGE, CONDITION_UNREADABLE, Condition,
)
from blockstm._native.engine.view.lookahead cimport lookahead_add
from blockstm._native.engine.view.reads cimport ask_later, assume, read_access, read_base, sum_written_delta

cdef enum:
    KEY_SIZE_MAX = 0x7fffffff
    VALUE_SIZE_MAX = 0x7fffffff
    FIELD_KEY_MAX = 64

cdef Atomic[uint64_t] RUNS  # of blocks, by this process

# ---------------------------------------------------------------- one run after another


cdef bint view_init(View* view, Store* store, Arena* arena, Arena* notes) noexcept nogil:
    """Make a cleared view ready for its first run; false where memory has run out."""
    view.public_part.api = &API
    view.store = store
    view.block_arena = arena
    view.speculation_arena = notes
    view.write_arena = arena
    view.access_capacity = 16
    view.mark_mask = 63
    view.access = <Access*>pages_take(view.access_capacity * sizeof(Access))
    view.written = <uint32_t*>pages_take(view.access_capacity * sizeof(uint32_t))
    view.mark = <AccessMark*>pages_take((view.mark_mask + 1) * sizeof(AccessMark))
    if view.access == NULL or view.written == NULL or view.mark == NULL:
        return False
    memset(view.mark, 0, (view.mark_mask + 1) * sizeof(AccessMark))
    return True


cdef void view_free(View* view) noexcept nogil:
    pages_free(view.access)
    pages_free(view.written)
    pages_free(view.mark)
    pieces_free(&view.pieces)
    free(view.folding.delta)


cdef uint64_t new_run() noexcept nogil:
    """The number of a run of a block that begins; from 1 on."""
    return RUNS.count_up(1) + 1


cdef void view_reset(View* view, uint64_t run) noexcept nogil:
    """Forget the last block's locations, and free its large values. What the worker does belongs to ``run``."""
    pieces_free(&view.pieces)
    memset(view.memo, 0, sizeof(view.memo))
    memset(&view.path, 0, sizeof(view.path))
    view.lookahead.count = 0
    view.public_part.run = run << 16 | <uint64_t>view.worker  # BLOCKSTM_RUN_OF_BLOCK takes it apart
    view.ids.next = view.ids.end = 0


cdef void view_begin(View* view, int32_t index, bint final_prefix) noexcept nogil:
    """Forget the last run and begin one of transaction ``index``."""
    view.public_part.index = index
    view.final_prefix = final_prefix
    view.fault = BLOCKSTM_OK
    view.operations = 0
    view.blocked_on = NO_ONE
    view.error = 0
    view.value = 0
    view.gas = 0
    view.output = NULL
    view.output_size = 0
    view.accesses = 0
    view.writes = 0
    view.questions = NULL
    if final_prefix and view.write_arena != view.block_arena:
        arena_reset(view.write_arena)
    view.generation += 1
    if view.generation == 0:  # wrapped: marks of 2**32 runs ago would look fresh
        memset(view.mark, 0, (view.mark_mask + 1) * sizeof(AccessMark))
        view.generation = 1


cdef const blockstm_view_api* view_api() noexcept nogil:
    return &API


cdef const Payload* view_written(View* view, uint32_t location) noexcept nogil:
    cdef Access* access = access_find(view, location)
    return access.written if access != NULL else NULL


cdef const Payload* view_seen(View* view, uint32_t location) noexcept nogil:
    cdef Access* access = access_find(view, location)
    return access.seen if access != NULL else NULL

# ---------------------------------------------------------------- reading


cdef int view_get(View* view, uint32_t location, const Payload** value) noexcept nogil:
    cdef Access* access = access_of(view, location)
    cdef int status
    if access == NULL:
        return view.fault
    if access.written != NULL and access.written.kind != PAYLOAD_DELTA:
        access.shown = 1
        value[0] = access.written
        return BLOCKSTM_OK
    status = read_access(view, access)
    if status != BLOCKSTM_OK:
        return status
    access.exact = 1
    if access.written != NULL:
        return sum_written_delta(view, access, value)
    value[0] = access.seen
    return BLOCKSTM_OK


cdef int view_expect(View* view, uint32_t location, const uint8_t* data, uint64_t size,
                     int32_t* holds) noexcept nogil:
    cdef Access* access = access_of(view, location)
    cdef const Payload* found
    cdef int status
    if access == NULL:
        return view.fault
    if (access.seen == NULL and access.written == NULL and not access.numeric and not view.final_prefix
            and size <= VALUE_SIZE_MAX):
        holds[0] = 1
        return assume(view, access, data, size)
    status = view_get(view, location, &found)
    if status == BLOCKSTM_OK:
        holds[0] = payload_is(found, data, size)
    return status


cdef int view_ask(View* view, uint32_t location, uint64_t tag, const Payload** value) noexcept nogil:
    cdef Access* access = access_of(view, location)
    cdef blockstm_number number
    cdef int status
    value[0] = NULL
    if access == NULL:
        return view.fault
    status = read_base(view, access, location_at(&view.store.interner, location))
    if status != BLOCKSTM_OK:
        return status
    if (not view.final_prefix and view.store.vm_flags & BLOCKSTM_VM_ASKS  # without, it is told now
            and read_number(&view.store.numbers, store_final(location_at(&view.store.interner, location)), &number)):
        return ask_later(view, location, tag)
    status = read_access(view, access)  # what is no number is a VM's to judge, when it runs
    if status == BLOCKSTM_OK:
        access.exact = 1
        value[0] = access.seen
    return status

# ---------------------------------------------------------------- writing


cdef int view_put_word(View* view, uint32_t location, uint64_t word) noexcept nogil:
    """Put a value of 8 bytes."""
    cdef Access* access = access_of(view, location)
    cdef Payload* written
    if access == NULL:
        return view.fault
    written = access_write(view, access, SHORT_SIZE)
    if written == NULL:
        return view.fault
    written.kind = PAYLOAD_VALUE
    written.negative = 0
    written.size = 8
    written.word[0] = word
    return BLOCKSTM_OK


cdef int view_put(View* view, uint32_t location, const uint8_t* data, uint64_t size) noexcept nogil:
    cdef Access* access
    cdef Payload* written
    if size > VALUE_SIZE_MAX:
        return stop(view, BLOCKSTM_NO_MEMORY)
    access = access_of(view, location)
    if access == NULL:
        return view.fault
    written = access_write(view, access, size)
    if written == NULL:
        return view.fault
    payload_words(written, data, size)
    if size > INLINE_SIZE and not keep_bytes(view, written):
        return stop(view, BLOCKSTM_NO_MEMORY)
    return BLOCKSTM_OK


cdef bint keep_bytes(View* view, Payload* written) noexcept nogil:
    """Copy the bytes of a long value to where the VM cannot change them; false: memory has run out."""
    if view.write_arena == view.block_arena:  # other workers may read it before it is final
        return store_keep_bytes(view.store, written, view.block_arena, &view.pieces)
    written.word[0] = <uint64_t>arena_copy(view.write_arena, payload_data(written), written.size)
    return written.word[0] != 0


cdef int view_remove(View* view, uint32_t location) noexcept nogil:
    cdef Access* access = access_of(view, location)
    cdef Payload* written
    if access == NULL:
        return view.fault
    written = access_write(view, access, 0)
    if written == NULL:
        return view.fault
    written.kind = PAYLOAD_ABSENT
    written.negative = 0
    written.size = 0
    return BLOCKSTM_OK


cdef int view_add(View* view, uint32_t location, const blockstm_number* delta) noexcept nogil:
    cdef Access* access = access_of(view, location)
    if access == NULL:
        return view.fault
    return access_add_delta(view, access, delta)

# ---------------------------------------------------------------- bounds


cdef int view_at_least(View* view, uint32_t location, const blockstm_number* bound,
                       int32_t* holds) noexcept nogil:
    return access_at_least(view, location, bound, holds)


cdef int view_try_add(View* view, uint32_t location, const blockstm_number* delta,
                      const blockstm_number* lower, const blockstm_number* upper,
                      int32_t* done) noexcept nogil:
    return access_try_add(view, location, delta, lower, upper, done)

# ---------------------------------------------------------------- after the run


cdef bint keep_bounds(View* view, const Access* access, Condition* condition) noexcept nogil:
    """Copy the bounds to where the condition can point to them; false: no memory."""
    cdef blockstm_number* bounds
    condition.has_lower, condition.has_upper = access.has_lower, access.has_upper
    condition.bounds = NULL
    if not (access.has_lower or access.has_upper):  # any number will do
        return True
    bounds = <blockstm_number*>arena_take(view.speculation_arena, 2 * sizeof(blockstm_number))
    if bounds == NULL:
        return False
    bounds[0], bounds[1] = access.lower, access.upper
    condition.bounds = bounds
    return True


cdef bint view_conditions(View* view, Condition** conditions, uint32_t* count) noexcept nogil:
    cdef Condition* condition
    cdef Access* access
    cdef uint32_t index
    conditions[0] = NULL
    count[0] = 0
    if view.accesses == 0:
        return True
    condition = <Condition*>arena_take(view.speculation_arena, view.accesses * sizeof(Condition))
    if condition == NULL:
        return False
    conditions[0] = condition
    for index in range(view.accesses):
        access = &view.access[index]
        if access.unreadable:
            condition.kind = CONDITION_UNREADABLE
        elif access.exact:
            condition.kind = CONDITION_EXACT
        elif access.numeric:
            condition.kind = CONDITION_RANGE
        else:
            continue
        condition.location = access.location
        condition.seen = access.seen
        if condition.kind == CONDITION_RANGE and not keep_bounds(view, access, condition):
            return False
        condition += 1
    count[0] = <uint32_t>(condition - conditions[0])
    if view.speculation_arena.cursor == <uint8_t*>(conditions[0] + view.accesses):  # no bounds are behind it
        view.speculation_arena.cursor = <uint8_t*>condition
    return True

# ---------------------------------------------------------------- the table that VMs call


cdef int32_t api_locate(blockstm_view* public, const uint8_t* key, uint64_t size,
                        blockstm_location* location) noexcept nogil:
    cdef View* view = <View*>public
    cdef Memo* memo
    cdef uint64_t word
    if view.fault:
        return view.fault
    if size == 8:
        word = word64(key)
        memo = &view.memo[(word * <uint64_t>0x9e3779b97f4a7c15) >> (64 - MEMO_BITS)]
        if memo.key == word and memo.location_plus_1:
            location[0] = <uint32_t>memo.location_plus_1 - 1
            return BLOCKSTM_OK
        if not interner_locate(&view.store.interner, &view.ids, view.block_arena, key, 8,
                               location):
            return stop(view, BLOCKSTM_NO_MEMORY)
        memo.key = word
        memo.location_plus_1 = <uint64_t>location[0] + 1
        return BLOCKSTM_OK
    if size > KEY_SIZE_MAX or not interner_locate(&view.store.interner, &view.ids,
                                                  view.block_arena, key, size, location):
        return stop(view, BLOCKSTM_NO_MEMORY)
    return BLOCKSTM_OK


cdef int32_t show(const Payload* found, blockstm_bytes* value) noexcept nogil:
    if found.kind == PAYLOAD_ABSENT:
        return BLOCKSTM_ABSENT
    value.data = payload_data(found)
    value.size = found.size
    return BLOCKSTM_OK


cdef int32_t api_get(blockstm_view* public, blockstm_location location,
                     blockstm_bytes* value) noexcept nogil:
    cdef const Payload* found
    cdef int status = view_get(<View*>public, location, &found)
    return show(found, value) if status == BLOCKSTM_OK else status


cdef int32_t api_ask(blockstm_view* public, blockstm_location location, uint64_t tag, blockstm_bytes* value,
                     int32_t* is_final) noexcept nogil:
    cdef const Payload* found
    cdef int status = view_ask(<View*>public, location, tag, &found)
    is_final[0] = found != NULL
    return show(found, value) if status == BLOCKSTM_OK and found != NULL else status


cdef int32_t api_put(blockstm_view* public, blockstm_location location, const uint8_t* data,
                     uint64_t size) noexcept nogil:
    return view_put(<View*>public, location, data, size)


cdef int32_t api_remove(blockstm_view* public, blockstm_location location) noexcept nogil:
    return view_remove(<View*>public, location)


cdef blockstm_number signed_number(const blockstm_number* number) noexcept nogil:
    """Without a negative zero."""
    cdef blockstm_number normal = number[0]
    if not (normal.limb[0] | normal.limb[1] | normal.limb[2] | normal.limb[3]):
        normal.negative = 0
    return normal


cdef int32_t api_add(blockstm_view* public, blockstm_location location,
                     const blockstm_number* delta) noexcept nogil:
    cdef blockstm_number number = signed_number(delta)
    return view_add(<View*>public, location, &number)


cdef int32_t api_at_least(blockstm_view* public, blockstm_location location,
                          const blockstm_number* bound, int32_t* holds) noexcept nogil:
    cdef blockstm_number number = signed_number(bound)
    return view_at_least(<View*>public, location, &number, holds)


cdef int32_t api_try_add(blockstm_view* public, blockstm_location location,
                         const blockstm_number* delta, const blockstm_number* lower,
                         const blockstm_number* upper, int32_t* done) noexcept nogil:
    cdef blockstm_number number = signed_number(delta), low = number, high = number
    if lower != NULL:
        low = signed_number(lower)
    if upper != NULL:
        high = signed_number(upper)
    return view_try_add(<View*>public, location, &number, &low if lower != NULL else NULL,
                        &high if upper != NULL else NULL, done)


cdef int32_t api_charge(blockstm_view* public, uint64_t gas) noexcept nogil:
    cdef View* view = <View*>public
    if view.fault:
        return view.fault
    if gas > <uint64_t>INT64_MAX - view.gas:
        view.gas = <uint64_t>INT64_MAX
    else:
        view.gas += gas
    return BLOCKSTM_OK


cdef int32_t api_output(blockstm_view* public, const uint8_t* data, uint64_t size) noexcept nogil:
    cdef View* view = <View*>public
    cdef const uint8_t* copied
    if view.fault:
        return view.fault
    view.output_size = 0
    if size == 0:
        return BLOCKSTM_OK
    copied = arena_copy(view.block_arena, data, size) if size <= VALUE_SIZE_MAX else NULL
    if copied == NULL:
        return stop(view, BLOCKSTM_NO_MEMORY)
    view.output = copied
    view.output_size = size
    return BLOCKSTM_OK


cdef int32_t api_expect(blockstm_view* public, blockstm_location location, const uint8_t* data,
                        uint64_t size, int32_t* holds) noexcept nogil:
    return view_expect(<View*>public, location, data, size, holds)


cdef int32_t api_poll(blockstm_view* public) noexcept nogil:
    cdef View* view = <View*>public
    if view.fault:
        return view.fault
    if not still_counts(view) or (view.gives_up != NULL and view.gives_up(view.await_context)):
        return stop(view, BLOCKSTM_STALE)
    return BLOCKSTM_OK


cdef int32_t api_locate_fields(blockstm_view* public, const uint8_t* prefix, uint64_t size, const uint8_t* last,
                               uint32_t wanted, blockstm_location* locations) noexcept nogil:
    cdef View* view = <View*>public
    cdef uint8_t key[FIELD_KEY_MAX]
    cdef uint64_t hashed
    cdef uint32_t field = 0
    if view.fault:
        return view.fault
    if size < 8 or size >= FIELD_KEY_MAX:  # hashes of short keys are not made so
        return stop(view, BLOCKSTM_NO_MEMORY)
    memcpy(key, prefix, size)
    hashed = hash_bytes(prefix, size, view.store.interner.seed)
    while wanted >> field:
        if wanted >> field & 1:
            key[size] = last[field]
            if not interner_locate_hashed(&view.store.interner, &view.ids, view.block_arena, key, size + 1,
                                          hash_with_last(hashed, last[field]), &locations[field]):
                return stop(view, BLOCKSTM_NO_MEMORY)
        field += 1
    return BLOCKSTM_OK


cdef void api_prefetch(blockstm_view* public, const uint8_t* key, uint64_t size) noexcept nogil:
    cdef View* view = <View*>public
    lookahead_add(&view.lookahead, view.store, key, size)


cdef uint32_t api_state_flags(blockstm_view* public) noexcept nogil:
    return (<View*>public).store.state_flags


cdef blockstm_view_api API
API.abi_version = BLOCKSTM_VM_ABI_VERSION
API.struct_size = sizeof(blockstm_view_api)
API.locate = api_locate
API.get = api_get
API.put = api_put
API.remove = api_remove
API.add = api_add
API.at_least = api_at_least
API.try_add = api_try_add
API.charge = api_charge
API.output = api_output
API.expect = api_expect
API.poll = api_poll
API.prefetch = api_prefetch
API.locate_fields = api_locate_fields
API.state_flags = api_state_flags
API.ask = api_ask
