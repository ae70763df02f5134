"""The frontier: where order becomes final, and the only place where an error is an error.

Whoever owns the transaction at the frontier settles it here: gas is added up, the limit asked,
deltas folded onto the exact prefix, writes made final, or the block ended. All of a transaction's
writes become final or none does. Only one worker is ever in here; ownership of the frontier's
transaction (scheduler.pxd) hands what it wrote on to the next.
"""
from libc.stdint cimport int32_t, uint32_t, uint64_t, uint8_t
from libc.stdlib cimport realloc
from libc.string cimport memset
from libcpp.atomic cimport memory_order_relaxed

from blockstm._native.abi cimport (
    BLOCKSTM_INVALID, BLOCKSTM_NUMBERS_OBJECT, BLOCKSTM_OK, BLOCKSTM_REVERTED, BLOCKSTM_STATE_ERROR,
    BLOCKSTM_SUCCESS,
)
from blockstm._native.base.arena cimport Arena, arena_take
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.locations cimport Entry, Location
from blockstm._native.engine.mvmemory.numbers cimport Numbers, fold_delta
from blockstm._native.engine.mvmemory.store cimport Store, store_commit, store_final, store_make_room, store_read_base
from blockstm._native.engine.mvmemory.values cimport PAYLOAD_DELTA, PAYLOAD_VALUE, Payload
from blockstm._native.engine.view.slots cimport POINT_PUBLISH, View, view_pause

cdef enum Ending:
    GOES_ON = 0
    CUT = 1
    TRANSACTION_FAILED = 2   # the VM raised; `error`
    DELTA_FAILED = 3         # a delta does not fit the exact prefix; `below`, `delta`
    BLOCK_INVALID = 4
    STATE_FAILED = 5
    LIMIT_FAILED = 6
    OUT_OF_MEMORY = 7
    INTERRUPTED = 8

cdef struct Write:
    uint32_t location
    Payload* payload
    Entry* entry             # NULL for a run at the frontier: it publishes by committing
    Payload* room            # where it is kept from then on; NULL: where it stands

# What a run came to, before it is known whether it becomes final.
cdef struct Answer:
    int32_t status           # BLOCKSTM_SUCCESS ... BLOCKSTM_FAILED, or a fault
    bint faulted
    uint64_t gas
    const uint8_t* output
    uint64_t output_size
    uint64_t value           # a Python VM's object or exception; of a fault, its exception

# The limit: 0 the transaction is included, 1 the block is cut before it, -1 the limit raised.
ctypedef int (*AskLimit)(void* context, int32_t index, const Answer* answer) noexcept nogil

# What the transactions of a block share and use up besides the state, such as its gas. Both are called here
# only, so in block order, and NULL where nothing is shared.
#
# Whether there is room for a transaction; if not, `refused` is what becomes of it: INVALID, or FAILED where
# that could not be told. Its output lies in the arena.
ctypedef bint (*Admit)(void* context, int32_t index, Arena* arena, Answer* refused) noexcept nogil
# It becomes final with this answer: what it used is used. False: that failed, and is what it came to.
ctypedef bint (*Count)(void* context, int32_t index, Answer* answer) noexcept nogil

cdef struct Admission:
    Admit admit
    Count count
    void* context

# From here on another worker makes final what comes.
cdef struct Shift:
    int32_t worker
    int32_t first            # transaction
    uint32_t written         # how many locations were written before

cdef struct Frontier:
    Store* store
    Shift* shift             # who made final what, as far as there was memory to note it
    uint32_t shifts
    uint32_t shift_capacity
    uint8_t* plain           # per transaction: it succeeded and that is all there is to say
    Answer* outcome          # of the others; both are valid below the frontier
    bint all_plain
    uint32_t* written        # locations in order of their first final write
    uint32_t written_count
    uint32_t written_capacity
    Admission admission
    bint skip_invalid
    bint has_gas_limit
    uint64_t gas_used        # counted towards the limit
    uint64_t gas_limit
    AskLimit ask_limit
    void* limit_context
    Ending ending
    uint64_t error           # the Python exception behind the ending, or 0
    uint32_t failed_location
    const Payload* below
    const Payload* delta


cdef inline void frontier_keep(Frontier* frontier, int32_t index, const Answer* answer) noexcept nogil:
    """Keep what became of a transaction; most have one byte to say."""
    cdef bint plain = (answer.status == BLOCKSTM_SUCCESS and answer.gas == 0
                       and answer.output_size == 0 and answer.value == 0)
    frontier.plain[index] = plain
    if not plain:
        frontier.outcome[index] = answer[0]
        frontier.all_plain = False


cdef inline Answer frontier_outcome(const Frontier* frontier, int32_t index) noexcept nogil:
    """What became of a transaction below the frontier, or of the one that ended the block."""
    cdef Answer plain
    if not frontier.plain[index]:
        return frontier.outcome[index]
    plain.status = BLOCKSTM_SUCCESS
    plain.faulted = False
    plain.gas = plain.output_size = plain.value = 0
    plain.output = NULL
    return plain


cdef inline void frontier_note_shift(Frontier* frontier, int32_t worker, int32_t index) noexcept nogil:
    cdef uint64_t capacity = 2 * <uint64_t>frontier.shift_capacity + 64
    cdef Shift* larger
    if frontier.shifts == frontier.shift_capacity:
        larger = <Shift*>realloc(frontier.shift, capacity * sizeof(Shift))
        if larger == NULL:
            return
        frontier.shift = larger
        frontier.shift_capacity = <uint32_t>capacity
    frontier.shift[frontier.shifts].worker = worker
    frontier.shift[frontier.shifts].first = index
    frontier.shift[frontier.shifts].written = frontier.written_count
    frontier.shifts += 1


cdef inline bint frontier_reserve(Frontier* frontier, uint32_t more) noexcept nogil:
    cdef uint64_t capacity = 2 * <uint64_t>frontier.written_capacity + more + 64
    cdef uint32_t* larger
    if frontier.written_count + more <= frontier.written_capacity:
        return True
    larger = <uint32_t*>realloc(frontier.written, capacity * sizeof(uint32_t))
    if larger == NULL:
        return False
    frontier.written = larger
    frontier.written_capacity = <uint32_t>capacity
    return True


cdef inline Ending frontier_end(Frontier* frontier, Ending ending, uint64_t error) noexcept nogil:
    frontier.ending = ending
    frontier.error = error
    return ending


cdef inline Ending frontier_fold(Frontier* frontier, View* view, Location* location,
                                 Write* write) noexcept nogil:
    """The base is read, and a delta becomes the value it makes of what is there."""
    cdef const Payload* below
    cdef Payload* folded
    cdef int status
    if location.base.load(memory_order_relaxed) == NULL:  # reading it synchronises by itself
        status = store_read_base(frontier.store, location, view.arena, view)
        if status != BLOCKSTM_OK:
            return frontier_end(
                frontier, STATE_FAILED if status == BLOCKSTM_STATE_ERROR else OUT_OF_MEMORY,
                view.error)
    if write.payload.kind != PAYLOAD_DELTA:
        return GOES_ON
    below = store_final(location)
    folded = <Payload*>arena_take(view.memory, sizeof(Payload))
    if folded == NULL:
        return frontier_end(frontier, OUT_OF_MEMORY, 0)
    folded.index = write.payload.index
    if fold_delta(&frontier.store.numbers, below, write.payload, folded):
        frontier.failed_location = write.location
        frontier.below = below
        frontier.delta = write.payload
        return frontier_end(frontier, DELTA_FAILED, 0)
    write.payload = folded
    return GOES_ON


cdef inline bint frontier_hold(Store* store, const Write* write) noexcept nogil:
    """See to it that an object lives as long as it is final; false: memory has run out."""
    cdef const Numbers* numbers = &store.numbers
    if numbers.domain != BLOCKSTM_NUMBERS_OBJECT or not store.exclusive:
        return True
    return numbers.objects.hold(numbers.objects.context, write.location,
                                write.payload.word[0] if write.payload.kind == PAYLOAD_VALUE else 0)


cdef inline Ending frontier_write(Frontier* frontier, View* view, Write* write,
                                  uint32_t count) noexcept nogil:
    """Make writes final: first everything that can fail, then everything that cannot."""
    cdef Location* location
    cdef uint32_t index
    cdef bint fresh
    if not frontier_reserve(frontier, count):
        return frontier_end(frontier, OUT_OF_MEMORY, 0)
    for index in range(count):
        location = location_at(&frontier.store.interner, write[index].location)
        if frontier_fold(frontier, view, location, &write[index]) != GOES_ON:
            return frontier.ending
        write[index].room = NULL
        if view.memory != view.arena:
            write[index].room = store_make_room(frontier.store, location, write[index].payload, view.arena)
            if write[index].room == NULL or not frontier_hold(frontier.store, &write[index]):
                return frontier_end(frontier, OUT_OF_MEMORY, 0)
    for index in range(count):
        location = location_at(&frontier.store.interner, write[index].location)
        if write[index].entry == NULL:  # a run at the frontier: only now do others see it
            view_pause(view, POINT_PUBLISH, write[index].payload.index)
        fresh = location.committed.load(memory_order_relaxed) == NULL  # written at the frontier only
        store_commit(frontier.store, location, write[index].payload, write[index].room)
        if fresh:
            frontier.written[frontier.written_count] = write[index].location
            frontier.written_count += 1
    return GOES_ON


cdef inline Ending frontier_check_limit(Frontier* frontier, int32_t index,
                                        const Answer* answer) noexcept nogil:
    cdef int asked
    if frontier.has_gas_limit:
        if answer.gas > frontier.gas_limit - frontier.gas_used:
            return frontier_end(frontier, CUT, 0)
        frontier.gas_used += answer.gas
    if frontier.ask_limit == NULL:
        return GOES_ON
    asked = frontier.ask_limit(frontier.limit_context, index, answer)
    if asked == 0:
        return GOES_ON
    return frontier_end(frontier, CUT if asked > 0 else LIMIT_FAILED, 0)


cdef inline bint frontier_admits(Frontier* frontier, View* view, int32_t index,
                                 Answer* refused) noexcept nogil:
    """Whether there is room for the transaction; if not, what becomes of it, whatever its runs came to."""
    if frontier.admission.admit == NULL:
        return True
    memset(refused, 0, sizeof(Answer))
    return frontier.admission.admit(frontier.admission.context, index, view.arena, refused)


cdef inline bint frontier_count(Frontier* frontier, int32_t index, Answer* answer) noexcept nogil:
    return (frontier.admission.count == NULL
            or frontier.admission.count(frontier.admission.context, index, answer))


cdef inline Ending frontier_fail(Frontier* frontier, int32_t index, const Answer* answer) noexcept nogil:
    frontier_keep(frontier, index, answer)
    return frontier_end(frontier, TRANSACTION_FAILED, answer.value)


cdef inline Ending frontier_settle(Frontier* frontier, View* view, int32_t index, Answer* answer,
                                   Write* write, uint32_t count) noexcept nogil:
    """Transaction ``index`` becomes final, or the block ends before it."""
    if frontier.shifts == 0 or frontier.shift[frontier.shifts - 1].worker != view.worker:
        frontier_note_shift(frontier, view.worker, index)
    if answer.faulted:
        return frontier_end(
            frontier, STATE_FAILED if answer.status == BLOCKSTM_STATE_ERROR else OUT_OF_MEMORY,
            answer.value)
    if answer.status == BLOCKSTM_INVALID:
        if not frontier.skip_invalid:
            frontier_keep(frontier, index, answer)
            return frontier_end(frontier, BLOCK_INVALID, answer.value)
        answer.gas = 0
    elif answer.status != BLOCKSTM_SUCCESS and answer.status != BLOCKSTM_REVERTED:
        return frontier_fail(frontier, index, answer)
    elif frontier_check_limit(frontier, index, answer) != GOES_ON:
        return frontier.ending
    elif not frontier_count(frontier, index, answer):
        return frontier_fail(frontier, index, answer)
    if answer.status == BLOCKSTM_SUCCESS and count:
        if frontier_write(frontier, view, write, count) != GOES_ON:
            return frontier.ending
    frontier_keep(frontier, index, answer)
    return GOES_ON
