"""What a run of a transaction knows, location by location: its slots, and the view that holds them.

A slot has what was seen at a location (once: later looks see the same), the condition recorded
for it, and the own write. A small table of marks finds the slot of a location; a mark counts only
if it has the generation of the run, so that a new run begins with one addition.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t, uint8_t
from libc.string cimport memcpy, memset
from libcpp.atomic cimport atomic, memory_order_acquire, memory_order_relaxed, memory_order_seq_cst

from blockstm._native.abi cimport (
    BLOCKSTM_BAD_NUMBER, BLOCKSTM_NO_MEMORY, BLOCKSTM_OK, BLOCKSTM_STALE, blockstm_number,
    blockstm_view,
)
from blockstm._native.base.arena cimport Arena, arena_take
from blockstm._native.base.pages cimport pages_free, pages_take
from blockstm._native.engine.mvmemory.interner cimport Ids, location_at
from blockstm._native.engine.mvmemory.numbers cimport (
    Numbers, compare, fold_delta, join_deltas, number_size, read_number, same_payload,
)
from blockstm._native.engine.mvmemory.store cimport Folding, Path, Store, store_final
from blockstm._native.engine.mvmemory.values cimport (
    INLINE_SIZE, PAYLOAD_DELTA, SHORT_SIZE, Payload, payload_copy, payload_delta,
)

cdef enum:
    CHECK_EVERY = 64         # operations
    MEMO_BITS = 7
    MEMOS = 1 << MEMO_BITS
    NO_ONE = -1              # `blocked_on`: nobody's write, only the frontier helps
    NOT_INTEGERS_HERE = 64   # an answer of `view_at_least` and `view_try_add` to Python alone

# Where a run can be held by a schedule explorer: before each touch of what is shared.
cdef enum Point:
    POINT_CLAIM = 0
    POINT_LOOK = 1
    POINT_PUBLISH = 2
    POINT_VALIDATE = 3
    POINT_COMMIT = 4
    POINT_PARK = 5
    POINT_JOIN = 6
    POINT_LEAVE = 7

ctypedef void (*Pause)(void* context, int worker, int point, int32_t index) noexcept nogil

# Waits, in the middle of a run, for a write that is coming. True: look again; false: give up the run.
ctypedef bint (*AwaitWriter)(void* context, int32_t writer) noexcept nogil
# The same at a location that is often written too late, for whoever may be about to write it.
# Within a run that takes long: whether the caller wants the block given up; then it is being stopped.
ctypedef bint (*GivesUp)(void* context) noexcept nogil
ctypedef void (*AwaitOthers)(void* context) noexcept nogil

cdef struct Slot:
    uint32_t location
    uint8_t exact            # the condition is on the value itself
    uint8_t unreadable       # the state failed here
    uint8_t has_lower
    uint8_t has_upper
    uint8_t numeric          # an answer was given that only a number can give
    uint8_t shown            # the bytes of `own` were given out: they must not change
    uint8_t room             # how many bytes of value fit into `own`: 8 or 32
    const Payload* seen      # NULL: not looked at
    Payload* own             # NULL: not written
    Payload* summed          # seen + own delta, once asked for
    blockstm_number lower
    blockstm_number upper

cdef struct SlotMark:
    uint32_t generation
    uint32_t slot

# Which location a key of 8 bytes has: the keys met last, so that most need no look at the tables.
cdef struct Memo:
    uint64_t key
    uint64_t location_plus_1       # 0: nothing here

cdef struct View:
    blockstm_view public_part     # first: VMs hold a pointer to it
    Store* store
    Ids ids                       # of the locations that the run is the first to meet
    Arena* arena                  # lives as long as the block, as do
    Arena* notes                  # these
    Arena* memory                 # of own writes: `arena`, or one that lives as long as the run
    Folding folding
    bint final_prefix             # the run is at the frontier: what it sees is final
    int fault                     # BLOCKSTM_OK, or what every further call answers
    int32_t blocked_on
    uint32_t blocked_at           # the location at which the run ended in vain
    uint64_t error                # the Python exception behind a fault, or 0
    uint64_t value                # the Python object or exception a Python VM came back with
    uint64_t gas
    const uint8_t* output
    uint64_t output_size
    Slot* slot
    uint32_t slots
    uint32_t slot_capacity
    uint32_t* written             # slots in order of their first write
    uint32_t writes
    SlotMark* mark
    uint32_t mark_mask
    uint32_t generation
    atomic[uint32_t]* stopping
    atomic[int64_t]* frontier
    atomic[int64_t]* in_hand      # the worker's word in the scheduler's `stretch`
    int32_t readers_near          # transactions that count as one, where readers are noted
    uint32_t operations           # of the run; every so often it looks whether it still counts
    Memo memo[MEMOS]              # lives as long as the block, as does
    Path path                     # this
    AwaitWriter await_writer
    AwaitOthers await_others
    GivesUp gives_up              # NULL: nobody asks
    void* await_context           # of these three
    int worker
    Pause pause
    void* pause_context


cdef inline void view_pause(View* view, Point point, int32_t index) noexcept nogil:
    if view.pause != NULL:
        view.pause(view.pause_context, view.worker, point, index)


cdef inline int stop(View* view, int fault) noexcept nogil:
    """The run is over; every further call answers ``fault``."""
    view.fault = fault
    return fault


cdef inline uint32_t slot_place(const View* view, uint32_t location) noexcept nogil:
    return (location * <uint32_t>2654435769) >> 7 & view.mark_mask


cdef inline bint enlarge(void** place, uint64_t used, uint64_t size) noexcept nogil:
    """Room for ``size`` bytes, the first ``used`` of them as before; false: memory has run out.

    In cache lines of its own, which no other worker has anything in.
    """
    cdef void* larger = pages_take(size)
    if larger == NULL:
        return False
    memcpy(larger, place[0], used)
    pages_free(place[0])
    place[0] = larger
    return True


cdef inline bint slots_grow(View* view) noexcept nogil:
    """Twice the room for slots; false where memory has run out."""
    cdef uint32_t capacity = view.slot_capacity * 2, mask = capacity * 4 - 1, index, place
    cdef SlotMark* mark
    if not enlarge(<void**>&view.slot, view.slots * sizeof(Slot), capacity * sizeof(Slot)):
        return False
    if not enlarge(<void**>&view.written, view.writes * sizeof(uint32_t), capacity * sizeof(uint32_t)):
        return False
    mark = <SlotMark*>pages_take((mask + 1) * sizeof(SlotMark))
    if mark == NULL:
        return False
    memset(mark, 0, (mask + 1) * sizeof(SlotMark))
    pages_free(view.mark)
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


cdef inline Slot* slot_add(View* view, uint32_t location, uint32_t place) noexcept nogil:
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
    slot.exact = slot.unreadable = slot.has_lower = slot.has_upper = 0
    slot.numeric = slot.shown = 0
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


cdef inline bint is_within_bounds(View* view, const Slot* slot, const Payload* value) noexcept nogil:
    """Whether the answers that the run has had are true of a value."""
    cdef const Numbers* numbers = &view.store.numbers
    cdef blockstm_number number
    if not read_number(numbers, value, &number):
        return False
    return ((not slot.has_lower or compare(numbers, &number, &slot.lower) >= 0)
            and (not slot.has_upper or compare(numbers, &number, &slot.upper) <= 0))


cdef inline bint slot_is_final(View* view, Slot* slot) noexcept nogil:
    """Whether what the run knows of a location is true of the final prefix; then it sees that."""
    cdef const Payload* final = store_final(location_at(&view.store.interner, slot.location))
    if slot.seen == NULL and not slot.numeric:
        return True
    if final == NULL:
        return False
    if slot.exact:
        return same_payload(&view.store.numbers, final, slot.seen)
    slot.seen = final
    return not slot.numeric or is_within_bounds(view, slot, final)


cdef inline void give_out_of_hand(View* view) noexcept nogil:
    if view.in_hand.load(memory_order_relaxed):  # our own word
        view.in_hand.store(0, memory_order_seq_cst)


cdef inline bint still_counts(View* view) noexcept nogil:
    """Whether the run is worth going on with.

    A run that saw what never was may loop for ever. So when the frontier has come to it, it is
    stopped, unless all it saw is true of the final prefix: then nothing can change it any more.

    For the frontier to come to it, what its worker has in hand before it must not be left to the
    worker: so a run that takes longer gives that out of hand.
    """
    cdef uint32_t index
    cdef int64_t frontier
    if view.stopping.load(memory_order_relaxed):  # a request; being late is all right
        return False
    if view.final_prefix:
        return True
    frontier = view.frontier.load(memory_order_acquire)
    if frontier != view.public_part.index:
        give_out_of_hand(view)
        return True
    for index in range(view.slots):
        if not slot_is_final(view, &view.slot[index]):
            view.blocked_at = view.slot[index].location
            return False
    view.final_prefix = True
    return True


cdef inline Slot* slot_of(View* view, uint32_t location) noexcept nogil:
    """The slot of a location, fresh if the run had not met it; NULL: the run is over."""
    cdef uint32_t place
    cdef Slot* slot
    if view.fault:
        return NULL
    view.operations += 1
    if view.operations % CHECK_EVERY == 0:
        view_pause(view, POINT_LOOK, <int32_t>view.public_part.index)
        if not still_counts(view):
            stop(view, BLOCKSTM_STALE)
            return NULL
    place = slot_place(view, location)
    while view.mark[place].generation == view.generation:
        slot = &view.slot[view.mark[place].slot]
        if slot.location == location:
            return slot
        place = (place + 1) & view.mark_mask
    return slot_add(view, location, place)


cdef inline Payload* slot_write(View* view, Slot* slot, uint64_t size) noexcept nogil:
    """The payload to write ``size`` bytes into, all but kind, size and words set; NULL: no memory."""
    cdef uint8_t room = SHORT_SIZE if size <= SHORT_SIZE else INLINE_SIZE
    slot.summed = NULL
    if slot.own == NULL:
        view.written[view.writes] = <uint32_t>(slot - view.slot)
        view.writes += 1
    elif not slot.shown and room <= slot.room:
        return slot.own
    slot.own = <Payload*>arena_take(view.memory, sizeof(Payload) - INLINE_SIZE + room)
    if slot.own == NULL:
        stop(view, BLOCKSTM_NO_MEMORY)
        return NULL
    slot.own.index = <int32_t>view.public_part.index
    slot.own.negative = 0
    slot.room = room
    slot.shown = 0
    return slot.own


cdef inline int slot_add_delta(View* view, Slot* slot, const blockstm_number* delta) noexcept nogil:
    cdef Payload added
    cdef Payload total
    cdef Payload* own
    cdef uint32_t size = number_size(&view.store.numbers)
    if slot.own == NULL:
        own = slot_write(view, slot, size)
        if own == NULL:
            return view.fault
        payload_delta(own, delta, size)
        return BLOCKSTM_OK
    if slot.own.kind == PAYLOAD_DELTA:
        slot.summed = NULL
        return join_deltas(&view.store.numbers, slot.own, delta)
    payload_delta(&added, delta, size)
    if fold_delta(&view.store.numbers, slot.own, &added, &total):
        return BLOCKSTM_BAD_NUMBER
    own = slot_write(view, slot, size)
    if own == NULL:
        return view.fault
    total.index = own.index
    payload_copy(own, &total)
    return BLOCKSTM_OK
