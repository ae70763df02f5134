"""The operations of a view; see the ``.pxd``, and ``vm_abi.h`` for their contracts."""
from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, memset
from libcpp.atomic cimport memory_order_relaxed

from blockstm._native.abi cimport (
    BLOCKSTM_ABSENT, BLOCKSTM_BAD_NUMBER, BLOCKSTM_NO_MEMORY, BLOCKSTM_NUMBERS_I64,
    BLOCKSTM_NUMBERS_OBJECT, BLOCKSTM_NUMBERS_U256, BLOCKSTM_OK, BLOCKSTM_STALE,
    BLOCKSTM_STATE_ERROR, BLOCKSTM_VM_ABI_VERSION, blockstm_bytes, blockstm_location,
    blockstm_number, blockstm_view, blockstm_view_api,
)
from blockstm._native.arena cimport Arena, arena_reset, arena_take
from blockstm._native.conditions cimport (
    CONDITION_EXACT, CONDITION_RANGE, CONDITION_UNREADABLE, Condition,
)
from blockstm._native.hashing cimport word64
from blockstm._native.interner cimport Location, interner_locate, location_at
from blockstm._native.numbers cimport (
    ABOVE_ALL, FITS, NOT_INTEGERS, Fit, Numbers, compare, fold_delta, join_deltas, read_number,
    subtract,
)
from blockstm._native.store cimport (
    FOUND, FOUND_ESTIMATE, FOUND_UNREAD, Found, Look, Store, store_final, store_read_base,
    store_resolve,
)
from blockstm._native.values cimport (
    INLINE_SIZE, PAYLOAD_ABSENT, PAYLOAD_DELTA, PAYLOAD_VALUE, Payload, payload_data,
    payload_delta, payload_number,
)

cdef enum:
    KEY_SIZE_MAX = 0x7fffffff
    VALUE_SIZE_MAX = 0x7fffffff

# ---------------------------------------------------------------- one run after another


cdef bint view_init(View* view, Store* store, Arena* arena) noexcept nogil:
    """Make a cleared view ready for its first run; false where memory has run out."""
    view.public_part.api = &API
    view.store = store
    view.arena = arena
    view.memory = arena
    view.slot_capacity = 16
    view.mark_mask = 63
    view.slot = <Slot*>calloc(view.slot_capacity, sizeof(Slot))
    view.written = <uint32_t*>calloc(view.slot_capacity, sizeof(uint32_t))
    view.mark = <SlotMark*>calloc(view.mark_mask + 1, sizeof(SlotMark))
    return view.slot != NULL and view.written != NULL and view.mark != NULL


cdef void view_free(View* view) noexcept nogil:
    free(view.slot)
    free(view.written)
    free(view.mark)
    free(view.folding.delta)


cdef void view_reset(View* view) noexcept nogil:
    """Forget the last block's locations."""
    memset(view.memo, 0, sizeof(view.memo))


cdef void view_begin(View* view, int32_t index, bint final_prefix) noexcept nogil:
    """Forget the last run and begin one of transaction ``index``."""
    view.public_part.index = index
    view.final_prefix = final_prefix
    view.fault = BLOCKSTM_OK
    view.blocked_on = NO_ONE
    view.error = 0
    view.value = 0
    view.gas = 0
    view.output = NULL
    view.output_size = 0
    view.slots = 0
    view.writes = 0
    if view.memory != view.arena:
        arena_reset(view.memory)
    view.generation += 1
    if view.generation == 0:  # wrapped: marks of 2**32 runs ago would look fresh
        memset(view.mark, 0, (view.mark_mask + 1) * sizeof(SlotMark))
        view.generation = 1


cdef const blockstm_view_api* view_api() noexcept nogil:
    return &API

# ---------------------------------------------------------------- slots


cdef inline uint32_t slot_place(const View* view, uint32_t location) noexcept nogil:
    return (location * <uint32_t>2654435769) >> 7 & view.mark_mask


cdef bint slots_grow(View* view) noexcept nogil:
    """Twice the room for slots; false where memory has run out."""
    cdef uint32_t capacity = view.slot_capacity * 2, mask = capacity * 4 - 1, index, place
    cdef Slot* slot = <Slot*>realloc(view.slot, capacity * sizeof(Slot))
    cdef uint32_t* written
    cdef SlotMark* mark
    if slot == NULL:
        return False
    view.slot = slot
    written = <uint32_t*>realloc(view.written, capacity * sizeof(uint32_t))
    if written == NULL:
        return False
    view.written = written
    mark = <SlotMark*>calloc(mask + 1, sizeof(SlotMark))
    if mark == NULL:
        return False
    free(view.mark)
    view.mark = mark
    view.mark_mask = mask
    view.slot_capacity = capacity
    for index in range(view.slots):
        place = slot_place(view, view.slot[index].location)
        while mark[place].generation == view.generation:
            place = (place + 1) & mask
        mark[place].generation = view.generation
        mark[place].slot = index
    return True


cdef Slot* slot_add(View* view, uint32_t location, uint32_t place) noexcept nogil:
    """A fresh slot; NULL where memory has run out."""
    cdef Slot* slot
    if view.slots == view.slot_capacity:
        if not slots_grow(view):
            view.fault = BLOCKSTM_NO_MEMORY
            return NULL
        place = slot_place(view, location)
        while view.mark[place].generation == view.generation:
            place = (place + 1) & view.mark_mask
    view.mark[place].generation = view.generation
    view.mark[place].slot = view.slots
    slot = &view.slot[view.slots]
    view.slots += 1
    slot.location = location
    slot.exact = slot.unreadable = slot.has_lower = slot.has_upper = slot.shown = 0
    slot.seen = NULL
    slot.own = slot.summed = NULL
    return slot


cdef inline Slot* slot_find(View* view, uint32_t location) noexcept nogil:
    """The slot of a location, or NULL."""
    cdef uint32_t place = slot_place(view, location)
    cdef Slot* slot
    while view.mark[place].generation == view.generation:
        slot = &view.slot[view.mark[place].slot]
        if slot.location == location:
            return slot
        place = (place + 1) & view.mark_mask
    return NULL


cdef inline Slot* slot_of(View* view, uint32_t location) noexcept nogil:
    """The slot of a location, fresh if the run had not met it; NULL: the run is over."""
    cdef uint32_t place = slot_place(view, location)
    cdef Slot* slot
    if view.fault:
        return NULL
    while view.mark[place].generation == view.generation:
        slot = &view.slot[view.mark[place].slot]
        if slot.location == location:
            return slot
        place = (place + 1) & view.mark_mask
    return slot_add(view, location, place)


cdef const Payload* view_own(View* view, uint32_t location) noexcept nogil:
    cdef Slot* slot = slot_find(view, location)
    return slot.own if slot != NULL else NULL


cdef const Payload* view_seen(View* view, uint32_t location) noexcept nogil:
    cdef Slot* slot = slot_find(view, location)
    return slot.seen if slot != NULL else NULL

# ---------------------------------------------------------------- looking


cdef int stop(View* view, int fault) noexcept nogil:
    view.fault = fault
    return fault


cdef int look_speculatively(View* view, Slot* slot, Location* location) noexcept nogil:
    """See what is there now, among the writes of runs that may yet prove wrong."""
    cdef int32_t index = <int32_t>view.public_part.index
    cdef Look look
    cdef Found found
    cdef Payload* folded
    cdef int status
    if location.highest_reader.load(memory_order_relaxed) < index:
        # Only decides who is told early that this location changed; the frontier checks all.
        location.highest_reader.store(index, memory_order_relaxed)
    found = store_resolve(view.store, location, index, &view.folding, &look)
    if found == FOUND_UNREAD:
        status = store_read_base(view.store, location, view.arena, view)
        if status != BLOCKSTM_OK:
            slot.unreadable = status == BLOCKSTM_STATE_ERROR
            return stop(view, status)
        found = store_resolve(view.store, location, index, &view.folding, &look)
    if found != FOUND:
        view.blocked_on = look.estimated if found == FOUND_ESTIMATE else NO_ONE
        return stop(view, BLOCKSTM_STALE)
    slot.seen = look.payload
    if look.payload == &view.folding.folded:
        folded = <Payload*>arena_take(view.arena, sizeof(Payload))
        if folded == NULL:
            return stop(view, BLOCKSTM_NO_MEMORY)
        folded[0] = look.payload[0]
        folded.index = index
        slot.seen = folded
    return BLOCKSTM_OK


cdef int look_at_final(View* view, Slot* slot, Location* location) noexcept nogil:
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


cdef int sum_own_delta(View* view, Slot* slot, const Payload** value) noexcept nogil:
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


cdef int view_get(View* view, uint32_t location, const Payload** value) noexcept nogil:
    cdef Slot* slot = slot_of(view, location)
    cdef int status
    if slot == NULL:
        return view.fault
    if slot.own != NULL and slot.own.kind != PAYLOAD_DELTA:
        slot.shown = 1
        value[0] = slot.own
        return BLOCKSTM_OK
    status = look_at(view, slot)
    if status != BLOCKSTM_OK:
        return status
    slot.exact = 1
    if slot.own != NULL:
        return sum_own_delta(view, slot, value)
    value[0] = slot.seen
    return BLOCKSTM_OK

# ---------------------------------------------------------------- writing


cdef inline Payload* slot_write(View* view, Slot* slot) noexcept nogil:
    """The payload to write into, ready but for its kind, size and words; NULL: no memory."""
    if slot.own == NULL:
        view.written[view.writes] = <uint32_t>(slot - view.slot)
        view.writes += 1
    elif not slot.shown:
        slot.summed = NULL
        return slot.own
    slot.own = <Payload*>arena_take(view.memory, sizeof(Payload))
    if slot.own == NULL:
        stop(view, BLOCKSTM_NO_MEMORY)
        return NULL
    slot.own.index = <int32_t>view.public_part.index
    slot.own.negative = 0
    slot.shown = 0
    slot.summed = NULL
    return slot.own


cdef int view_put_word(View* view, uint32_t location, uint64_t word) noexcept nogil:
    """Put a value of 8 bytes."""
    cdef Slot* slot = slot_of(view, location)
    cdef Payload* own
    if slot == NULL:
        return view.fault
    own = slot_write(view, slot)
    if own == NULL:
        return view.fault
    own.kind = PAYLOAD_VALUE
    own.negative = 0
    own.size = 8
    own.word[0] = word
    return BLOCKSTM_OK


cdef int view_put(View* view, uint32_t location, const uint8_t* data, uint64_t size) noexcept nogil:
    cdef Slot* slot
    cdef Payload* own
    cdef uint8_t* bytes
    if size > VALUE_SIZE_MAX:
        return stop(view, BLOCKSTM_NO_MEMORY)
    slot = slot_of(view, location)
    if slot == NULL:
        return view.fault
    own = slot_write(view, slot)
    if own == NULL:
        return view.fault
    own.kind = PAYLOAD_VALUE
    own.negative = 0
    own.size = <uint32_t>size
    if size == 8:
        memcpy(own.word, data, 8)
    elif size <= INLINE_SIZE:
        memcpy(own.word, data, size)
    else:
        bytes = <uint8_t*>arena_take(view.memory, size)
        if bytes == NULL:
            return stop(view, BLOCKSTM_NO_MEMORY)
        memcpy(bytes, data, size)
        own.word[0] = <uint64_t>bytes
    return BLOCKSTM_OK


cdef int view_remove(View* view, uint32_t location) noexcept nogil:
    cdef Slot* slot = slot_of(view, location)
    cdef Payload* own
    if slot == NULL:
        return view.fault
    own = slot_write(view, slot)
    if own == NULL:
        return view.fault
    own.kind = PAYLOAD_ABSENT
    own.negative = 0
    own.size = 0
    return BLOCKSTM_OK


cdef int slot_add_delta(View* view, Slot* slot, const blockstm_number* delta) noexcept nogil:
    cdef Payload added
    cdef Payload total
    cdef Payload* own
    if slot.own == NULL:
        own = slot_write(view, slot)
        if own == NULL:
            return view.fault
        payload_delta(own, delta)
        return BLOCKSTM_OK
    if slot.own.kind == PAYLOAD_DELTA:
        slot.summed = NULL
        return join_deltas(&view.store.numbers, slot.own, delta)
    payload_delta(&added, delta)
    if fold_delta(&view.store.numbers, slot.own, &added, &total):
        return BLOCKSTM_BAD_NUMBER
    own = slot_write(view, slot)
    if own == NULL:
        return view.fault
    total.index = own.index
    own[0] = total
    return BLOCKSTM_OK


cdef int view_add(View* view, uint32_t location, const blockstm_number* delta) noexcept nogil:
    cdef Slot* slot = slot_of(view, location)
    if slot == NULL:
        return view.fault
    return slot_add_delta(view, slot, delta)

# ---------------------------------------------------------------- bounds

cdef blockstm_number I64_MIN, I64_MAX, U256_MAX, ZERO
memset(&ZERO, 0, sizeof(blockstm_number))
I64_MIN = I64_MAX = U256_MAX = ZERO
I64_MIN.limb[0] = <uint64_t>1 << 63
I64_MAX.limb[0] = (<uint64_t>1 << 63) - 1
memset(U256_MAX.limb, 255, sizeof(U256_MAX.limb))


cdef void keep_lower(View* view, Slot* slot, const blockstm_number* bound) noexcept nogil:
    """The value is ``bound`` or more: all that the run has to know of it so far."""
    if not slot.has_lower or compare(&view.store.numbers, bound, &slot.lower) > 0:
        slot.lower = bound[0]
        slot.has_lower = 1


cdef void keep_upper(View* view, Slot* slot, const blockstm_number* bound) noexcept nogil:
    """The value is ``bound`` or less."""
    if not slot.has_upper or compare(&view.store.numbers, bound, &slot.upper) < 0:
        slot.upper = bound[0]
        slot.has_upper = 1


cdef int is_above(View* view, Slot* slot, const blockstm_number* value, const blockstm_number* lower,
                  const blockstm_number* shift, int32_t* holds) noexcept nogil:
    """``holds`` = (value + shift >= lower), and the condition that it stays so."""
    cdef const Numbers* numbers = &view.store.numbers
    cdef blockstm_number bound = ZERO
    cdef blockstm_number below = ZERO
    cdef Fit fit = FITS
    if shift == NULL:
        bound = lower[0]
    else:
        fit = subtract(numbers, lower, shift, &bound)
    if fit == NOT_INTEGERS:
        return NOT_INTEGERS_HERE
    if fit != FITS:
        holds[0] = fit != ABOVE_ALL
        return BLOCKSTM_OK
    holds[0] = compare(numbers, value, &bound) >= 0
    if view.final_prefix:
        return BLOCKSTM_OK
    if holds[0]:
        keep_lower(view, slot, &bound)
    else:
        subtract(numbers, &bound, &numbers.one, &below)
        keep_upper(view, slot, &below)
    return BLOCKSTM_OK


cdef int is_below(View* view, Slot* slot, const blockstm_number* value, const blockstm_number* upper,
                  const blockstm_number* shift, int32_t* holds) noexcept nogil:
    """``holds`` = (value + shift <= upper), and the condition that it stays so."""
    cdef const Numbers* numbers = &view.store.numbers
    cdef blockstm_number bound = ZERO
    cdef blockstm_number above = ZERO
    cdef Fit fit = FITS
    if shift == NULL:
        bound = upper[0]
    else:
        fit = subtract(numbers, upper, shift, &bound)
    if fit == NOT_INTEGERS:
        return NOT_INTEGERS_HERE
    if fit != FITS:
        holds[0] = fit == ABOVE_ALL
        return BLOCKSTM_OK
    holds[0] = compare(numbers, value, &bound) <= 0
    if view.final_prefix:
        return BLOCKSTM_OK
    if holds[0]:
        keep_upper(view, slot, &bound)
    else:
        subtract(numbers, &bound, &numbers.minus_one, &above)
        keep_lower(view, slot, &above)
    return BLOCKSTM_OK


cdef int slot_number(View* view, Slot* slot, blockstm_number* value) noexcept nogil:
    """The number below the own delta, or of the own value. OK, or what to answer."""
    cdef const Payload* payload = slot.own
    cdef int status
    if payload == NULL or payload.kind == PAYLOAD_DELTA:
        status = look_at(view, slot)
        if status != BLOCKSTM_OK:
            return status
        payload = slot.seen
    if read_number(&view.store.numbers, payload, value):
        return BLOCKSTM_OK
    if view.store.numbers.domain == BLOCKSTM_NUMBERS_OBJECT:
        return NOT_INTEGERS_HERE  # the caller goes on with `view_get`, which records the value
    slot.exact = 1
    return BLOCKSTM_BAD_NUMBER


cdef int view_at_least(View* view, uint32_t location, const blockstm_number* bound,
                       int32_t* holds) noexcept nogil:
    cdef Slot* slot = slot_of(view, location)
    cdef blockstm_number value = ZERO, shift = ZERO
    cdef int status
    if slot == NULL:
        return view.fault
    status = slot_number(view, slot, &value)
    if status != BLOCKSTM_OK:
        return status
    if slot.own == NULL:
        return is_above(view, slot, &value, bound, NULL, holds)
    if slot.own.kind == PAYLOAD_DELTA:
        shift = payload_number(slot.own)
        return is_above(view, slot, &value, bound, &shift, holds)
    holds[0] = compare(&view.store.numbers, &value, bound) >= 0
    return BLOCKSTM_OK


cdef void domain_bounds(const Numbers* numbers, const blockstm_number* shift,
                        const blockstm_number** lower, const blockstm_number** upper) noexcept nogil:
    """Where the caller sets no bound, the range of the domain does."""
    if numbers.domain == BLOCKSTM_NUMBERS_OBJECT:
        return
    if lower[0] == NULL:
        lower[0] = &I64_MIN if numbers.domain == BLOCKSTM_NUMBERS_I64 else &ZERO
    if upper[0] == NULL:
        upper[0] = &I64_MAX if numbers.domain == BLOCKSTM_NUMBERS_I64 else &U256_MAX


cdef int own_try_add(View* view, Slot* slot, const blockstm_number* value, const blockstm_number* delta,
                     const blockstm_number* lower, const blockstm_number* upper,
                     int32_t* done) noexcept nogil:
    """try_add on a value this transaction has put itself: nothing to record."""
    cdef const Numbers* numbers = &view.store.numbers
    cdef blockstm_number bound = ZERO
    cdef Fit fit
    done[0] = 0
    if lower != NULL:
        fit = subtract(numbers, lower, delta, &bound)
        if fit == NOT_INTEGERS:
            return NOT_INTEGERS_HERE
        if fit == ABOVE_ALL or (fit == FITS and compare(numbers, value, &bound) < 0):
            return BLOCKSTM_OK
    if upper != NULL:
        fit = subtract(numbers, upper, delta, &bound)
        if fit == NOT_INTEGERS:
            return NOT_INTEGERS_HERE
        if fit != ABOVE_ALL and (fit != FITS or compare(numbers, value, &bound) > 0):
            return BLOCKSTM_OK
    done[0] = 1
    return slot_add_delta(view, slot, delta)


cdef int view_try_add(View* view, uint32_t location, const blockstm_number* delta,
                      const blockstm_number* lower, const blockstm_number* upper,
                      int32_t* done) noexcept nogil:
    cdef const Numbers* numbers = &view.store.numbers
    cdef Slot* slot = slot_of(view, location)
    cdef blockstm_number value = ZERO
    cdef Payload shift
    cdef blockstm_number total
    cdef int status
    if slot == NULL:
        return view.fault
    status = slot_number(view, slot, &value)
    if status != BLOCKSTM_OK:
        return status
    domain_bounds(numbers, delta, &lower, &upper)
    if slot.own != NULL and slot.own.kind != PAYLOAD_DELTA:
        return own_try_add(view, slot, &value, delta, lower, upper, done)
    payload_delta(&shift, delta)
    if slot.own != NULL:
        total = payload_number(slot.own)
        if join_deltas(numbers, &shift, &total):
            return BLOCKSTM_BAD_NUMBER
    total = payload_number(&shift)
    done[0] = 1
    if lower != NULL:
        status = is_above(view, slot, &value, lower, &total, done)
        if status != BLOCKSTM_OK or not done[0]:
            return status
    if upper != NULL:
        status = is_below(view, slot, &value, upper, &total, done)
        if status != BLOCKSTM_OK or not done[0]:
            return status
    return slot_add_delta(view, slot, delta)

# ---------------------------------------------------------------- after the run


cdef const blockstm_number* bound_kept(View* view, bint has, const blockstm_number* bound,
                                       bint* failed) noexcept nogil:
    cdef blockstm_number* kept
    if not has:
        return NULL
    kept = <blockstm_number*>arena_take(view.arena, sizeof(blockstm_number))
    if kept == NULL:
        failed[0] = True
        return NULL
    kept[0] = bound[0]
    return kept


cdef bint view_conditions(View* view, Condition** conditions, uint32_t* count) noexcept nogil:
    cdef Condition* condition
    cdef Slot* slot
    cdef uint32_t index
    cdef bint failed = False
    conditions[0] = NULL
    count[0] = 0
    if view.slots == 0:
        return True
    condition = <Condition*>arena_take(view.arena, view.slots * sizeof(Condition))
    if condition == NULL:
        return False
    conditions[0] = condition
    for index in range(view.slots):
        slot = &view.slot[index]
        if slot.unreadable:
            condition.kind = CONDITION_UNREADABLE
        elif slot.exact:
            condition.kind = CONDITION_EXACT
        elif slot.has_lower or slot.has_upper:
            condition.kind = CONDITION_RANGE
        else:
            continue
        condition.location = slot.location
        condition.seen = slot.seen
        condition.lower = condition.upper = NULL
        if condition.kind == CONDITION_RANGE:
            condition.lower = bound_kept(view, slot.has_lower, &slot.lower, &failed)
            condition.upper = bound_kept(view, slot.has_upper, &slot.upper, &failed)
        condition += 1
    count[0] = <uint32_t>(condition - conditions[0])
    return not failed

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
        if not interner_locate(&view.store.interner, view.arena, key, 8, location):
            return stop(view, BLOCKSTM_NO_MEMORY)
        memo.key = word
        memo.location_plus_1 = <uint64_t>location[0] + 1
        return BLOCKSTM_OK
    if size > KEY_SIZE_MAX or not interner_locate(&view.store.interner, view.arena, key, size,
                                                  location):
        return stop(view, BLOCKSTM_NO_MEMORY)
    return BLOCKSTM_OK


cdef int32_t api_get(blockstm_view* public, blockstm_location location,
                     blockstm_bytes* value) noexcept nogil:
    cdef const Payload* found
    cdef int status = view_get(<View*>public, location, &found)
    if status != BLOCKSTM_OK:
        return status
    if found.kind == PAYLOAD_ABSENT:
        return BLOCKSTM_ABSENT
    value.data = payload_data(found)
    value.size = found.size
    return BLOCKSTM_OK


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
    cdef blockstm_number number = signed_number(delta), low = ZERO, high = ZERO
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
    cdef uint8_t* copied
    if view.fault:
        return view.fault
    copied = <uint8_t*>arena_take(view.arena, size) if size <= VALUE_SIZE_MAX else NULL
    if copied == NULL:
        return stop(view, BLOCKSTM_NO_MEMORY)
    memcpy(copied, data, size)
    view.output = copied
    view.output_size = size
    return BLOCKSTM_OK


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
