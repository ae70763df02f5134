"""The frontier: where order becomes final, and the only place where an error is an error.

The owner of the transaction at the frontier commits it here: gas is added up, the limit asked,
deltas folded onto the exact prefix, writes committed, or the block ended. All of a transaction's
writes are committed or none is. Only one worker is ever in here; ownership of the frontier's
transaction (scheduler.pxd) hands what it wrote on to the next.
"""
from libc.stdint cimport UINT8_MAX, int32_t, uint32_t, uint64_t, uint8_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from blockstm._native.abi cimport (
    BLOCKSTM_INVALID, BLOCKSTM_NUMBERS_OBJECT, BLOCKSTM_OK, BLOCKSTM_REVERTED, BLOCKSTM_STATE_ERROR,
    BLOCKSTM_SUCCESS,
)
from blockstm._native.base.arena cimport Arena, arena_take
from blockstm._native.base.pages cimport pages_free
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.locations cimport Entry, Location
from blockstm._native.engine.mvmemory.numbers cimport Numbers, fold_delta, same_payload
from blockstm._native.engine.mvmemory.store cimport (
    Store, store_commit, store_final, store_make_room, store_read_base,
)
from blockstm._native.engine.mvmemory.values cimport PAYLOAD_ABSENT, PAYLOAD_DELTA, PAYLOAD_VALUE, Payload
from blockstm._native.engine.view.accesses cimport POINT_PUBLISH, View, view_pause

cdef enum BlockStatus:
    RUNNING = 0
    CUT = 1
    TRANSACTION_FAILED = 2   # the VM raised; `error`
    DELTA_FAILED = 3         # a delta does not fit the exact prefix; `below`, `delta`
    BLOCK_INVALID = 4
    STATE_FAILED = 5
    LIMIT_FAILED = 6
    OUT_OF_MEMORY = 7
    INTERRUPTED = 8

# What belongs to a write beside its payload: of a run ahead of the frontier its entry, NULL where the commit publishes
# it (see is_only_added_to); of a run at the frontier, while it is committed, the room in which its value is kept.
cdef union Place:
    Entry* entry
    Payload* room

cdef struct Write:
    uint32_t location
    Payload* payload
    Place at

# What a run came to, whether or not it is committed.
cdef struct ExecutionResult:
    int32_t status           # BLOCKSTM_SUCCESS ... BLOCKSTM_FAILED, or a fault
    bint faulted
    uint64_t gas
    const uint8_t* output
    uint64_t output_size
    uint64_t value           # a Python VM's object or exception; of a fault, its exception

# The limit: 0 the transaction is included, 1 the block is cut before it, -1 the limit raised.
ctypedef int (*AskLimit)(void* context, int32_t index, const ExecutionResult* result) noexcept nogil

# Resources that the transactions of a block share besides the state, such as its gas. Both functions are
# called here only, so in block order, and NULL where nothing is shared.
#
# Whether the block has room for a transaction; if not, `refused` is its result: INVALID, or FAILED where the
# VM could not tell. Its output lies in the arena.
ctypedef bint (*Admit)(void* context, int32_t index, Arena* arena, ExecutionResult* refused) noexcept nogil
# Counts what a transaction with this result used. False: that failed, and `result` says how.
ctypedef bint (*Count)(void* context, int32_t index, ExecutionResult* result) noexcept nogil

cdef struct Admission:
    Admit admit
    Count count
    void* context

# Transactions in a row that one worker committed; it ends where the next segment begins.
cdef struct Segment:
    int32_t worker
    int32_t first            # transaction
    uint32_t written         # how many locations were written before

# What results need to know of a written location to be measured without looking at it.
cdef struct Summary:
    uint8_t is_told          # else one has to look: sizes do not fit, or only Python can compare values
    uint8_t is_changed       # the value differs from the base
    uint8_t is_deleted
    uint8_t key_size
    uint32_t value_size      # 0 where it is deleted

cdef struct Frontier:
    Store* store
    Segment* segment         # which worker committed what; where memory ran out, the one before goes on
    uint32_t segments
    uint32_t segment_capacity
    uint8_t* plain           # per transaction: it succeeded, without gas, output and value
    ExecutionResult* outcome # of the others; both are valid below the frontier
    bint all_plain
    uint32_t* written        # locations in order of their first committed write
    Summary* summary         # of each, what that write made of it
    uint32_t written_count
    uint32_t written_capacity
    uint64_t* rewritten      # a bit for each location: it was written again, its summary does not hold
    uint64_t rewritten_words
    Admission admission
    bint skip_invalid
    bint has_gas_limit
    uint64_t gas_used        # counted towards the limit
    uint64_t gas_limit
    AskLimit ask_limit
    void* limit_context
    BlockStatus status
    uint64_t error           # the Python exception behind the status, or 0
    uint32_t failed_location
    const Payload* below
    const Payload* delta


cdef inline void frontier_free(Frontier* frontier) noexcept nogil:
    """Free what it has come to hold; nobody uses it any more."""
    pages_free(frontier.outcome)
    free(frontier.plain)
    free(frontier.written)
    free(frontier.summary)
    free(frontier.rewritten)
    free(frontier.segment)


cdef inline void frontier_keep(Frontier* frontier, int32_t index, const ExecutionResult* result) noexcept nogil:
    """Keep the result of a transaction; for most one byte is enough."""
    cdef bint plain = (result.status == BLOCKSTM_SUCCESS and result.gas == 0
                       and result.output_size == 0 and result.value == 0)
    frontier.plain[index] = plain
    if not plain:
        frontier.outcome[index] = result[0]
        frontier.all_plain = False


cdef inline ExecutionResult frontier_outcome(const Frontier* frontier, int32_t index) noexcept nogil:
    """The result of a transaction below the frontier, or of the one that ended the block."""
    cdef ExecutionResult plain
    if not frontier.plain[index]:
        return frontier.outcome[index]
    plain.status = BLOCKSTM_SUCCESS
    plain.faulted = False
    plain.gas = plain.output_size = plain.value = 0
    plain.output = NULL
    return plain


cdef inline void frontier_begin_segment(Frontier* frontier, int32_t worker, int32_t index) noexcept nogil:
    cdef uint64_t capacity = 2 * <uint64_t>frontier.segment_capacity + 64
    cdef Segment* larger
    if frontier.segments == frontier.segment_capacity:
        larger = <Segment*>realloc(frontier.segment, capacity * sizeof(Segment))
        if larger == NULL:
            return
        frontier.segment = larger
        frontier.segment_capacity = <uint32_t>capacity
    frontier.segment[frontier.segments].worker = worker
    frontier.segment[frontier.segments].first = index
    frontier.segment[frontier.segments].written = frontier.written_count
    frontier.segments += 1


cdef inline bint frontier_reserve(Frontier* frontier, uint32_t more) noexcept nogil:
    cdef uint64_t capacity = 2 * <uint64_t>frontier.written_capacity + more + 64
    cdef uint32_t* larger
    cdef Summary* summaries
    if frontier.written_count + more <= frontier.written_capacity:
        return True
    larger = <uint32_t*>realloc(frontier.written, capacity * sizeof(uint32_t))
    if larger == NULL:
        return False
    frontier.written = larger
    summaries = <Summary*>realloc(frontier.summary, capacity * sizeof(Summary))
    if summaries == NULL:
        return False
    frontier.summary = summaries
    frontier.written_capacity = <uint32_t>capacity
    return True


cdef inline bint frontier_mark_rewritten(Frontier* frontier, uint32_t location) noexcept nogil:
    """Have its summary no longer hold; false: memory has run out. It may be marked although nothing comes of it."""
    cdef uint64_t word = location >> 6, words = frontier.rewritten_words
    cdef uint64_t* larger
    if word >= words:
        words = 2 * word + 64
        larger = <uint64_t*>realloc(frontier.rewritten, words * sizeof(uint64_t))
        if larger == NULL:
            return False
        memset(larger + frontier.rewritten_words, 0, (words - frontier.rewritten_words) * sizeof(uint64_t))
        frontier.rewritten = larger
        frontier.rewritten_words = words
    frontier.rewritten[word] |= <uint64_t>1 << (location & 63)
    return True


cdef inline bint frontier_is_rewritten(const Frontier* frontier, uint32_t location) noexcept nogil:
    cdef uint64_t word = location >> 6
    return word < frontier.rewritten_words and frontier.rewritten[word] >> (location & 63) & 1


cdef inline Summary summary_of(const Numbers* numbers, const Location* location, const Payload* value) noexcept nogil:
    """Of a location with this committed value, whose base has been read."""
    cdef Summary summary
    summary.is_told = location.key_size <= UINT8_MAX and numbers.domain != BLOCKSTM_NUMBERS_OBJECT
    summary.is_changed = summary.is_told and not same_payload(numbers, value, location.base.observe())
    summary.is_deleted = value.kind == PAYLOAD_ABSENT
    summary.key_size = <uint8_t>location.key_size
    summary.value_size = 0 if summary.is_deleted else value.size
    return summary


cdef inline void frontier_add_written(Frontier* frontier, uint32_t id, const Location* location) noexcept nogil:
    """Its first write has been committed."""
    cdef const Payload* value = location.committed.read_plain()
    frontier.written[frontier.written_count] = id
    frontier.summary[frontier.written_count] = summary_of(&frontier.store.numbers, location, value)
    frontier.written_count += 1


cdef inline BlockStatus frontier_end(Frontier* frontier, BlockStatus status, uint64_t error) noexcept nogil:
    frontier.status = status
    frontier.error = error
    return status


cdef inline BlockStatus frontier_fold(Frontier* frontier, View* view, Location* location,
                                      Write* write) noexcept nogil:
    """Read the base, and fold a delta onto the committed value."""
    cdef const Payload* below
    cdef Payload* folded
    cdef int status
    if location.base.peek() == NULL:  # reading it synchronises by itself
        status = store_read_base(frontier.store, location, view.block_arena, view)
        if status != BLOCKSTM_OK:
            return frontier_end(
                frontier, STATE_FAILED if status == BLOCKSTM_STATE_ERROR else OUT_OF_MEMORY,
                view.error)
    if write.payload.kind != PAYLOAD_DELTA:
        return RUNNING
    below = store_final(location)
    folded = <Payload*>arena_take(view.write_arena, sizeof(Payload))
    if folded == NULL:
        return frontier_end(frontier, OUT_OF_MEMORY, 0)
    folded.index = write.payload.index
    if fold_delta(&frontier.store.numbers, below, write.payload, folded):
        frontier.failed_location = write.location
        frontier.below = below
        frontier.delta = write.payload
        return frontier_end(frontier, DELTA_FAILED, 0)
    write.payload = folded
    return RUNNING


cdef inline bint frontier_hold(Store* store, const Write* write) noexcept nogil:
    """Keep an object alive as long as it is the committed value; false: memory has run out."""
    cdef const Numbers* numbers = &store.numbers
    if numbers.domain != BLOCKSTM_NUMBERS_OBJECT or not store.exclusive:
        return True
    return numbers.objects.hold(numbers.objects.context, write.location,
                                write.payload.word[0] if write.payload.kind == PAYLOAD_VALUE else 0)


cdef inline BlockStatus frontier_write(Frontier* frontier, View* view, Write* write,
                                       uint32_t count) noexcept nogil:
    """Commit writes: first everything that can fail, then everything that cannot."""
    cdef Location* location
    cdef uint32_t index
    cdef bint fresh, is_kept = view.write_arena != view.block_arena
    if not frontier_reserve(frontier, count):
        return frontier_end(frontier, OUT_OF_MEMORY, 0)
    for index in range(count):
        location = location_at(&frontier.store.interner, write[index].location)
        if frontier_fold(frontier, view, location, &write[index]) != RUNNING:
            return frontier.status
        if is_kept:
            write[index].at.room = store_make_room(frontier.store, location, write[index].payload, view.block_arena,
                                                   &view.pieces)
            if write[index].at.room == NULL or not frontier_hold(frontier.store, &write[index]):
                return frontier_end(frontier, OUT_OF_MEMORY, 0)
        if location.committed.read_plain() != NULL and not frontier_mark_rewritten(frontier, write[index].location):
            return frontier_end(frontier, OUT_OF_MEMORY, 0)
    for index in range(count):
        location = location_at(&frontier.store.interner, write[index].location)
        if is_kept or write[index].at.entry == NULL:  # a run at the frontier: the commit shows its writes
            view_pause(view, POINT_PUBLISH, write[index].payload.index)
        fresh = location.committed.read_plain() == NULL  # written at the frontier only
        store_commit(frontier.store, location, write[index].payload, write[index].at.room if is_kept else NULL)
        if fresh:
            frontier_add_written(frontier, write[index].location, location)
    return RUNNING


cdef inline BlockStatus frontier_check_limit(Frontier* frontier, int32_t index,
                                             const ExecutionResult* result) noexcept nogil:
    cdef int asked
    if frontier.has_gas_limit:
        if result.gas > frontier.gas_limit - frontier.gas_used:
            return frontier_end(frontier, CUT, 0)
        frontier.gas_used += result.gas
    if frontier.ask_limit == NULL:
        return RUNNING
    asked = frontier.ask_limit(frontier.limit_context, index, result)
    if asked == 0:
        return RUNNING
    return frontier_end(frontier, CUT if asked > 0 else LIMIT_FAILED, 0)


cdef inline bint frontier_admits(Frontier* frontier, View* view, int32_t index,
                                 ExecutionResult* refused) noexcept nogil:
    """Whether the block has room for the transaction; if not, its result, whatever its runs came to."""
    if frontier.admission.admit == NULL:
        return True
    memset(refused, 0, sizeof(ExecutionResult))
    return frontier.admission.admit(frontier.admission.context, index, view.block_arena, refused)


cdef inline bint frontier_count(Frontier* frontier, int32_t index, ExecutionResult* result) noexcept nogil:
    return (frontier.admission.count == NULL
            or frontier.admission.count(frontier.admission.context, index, result))


cdef inline BlockStatus frontier_fail(Frontier* frontier, int32_t index, const ExecutionResult* result) noexcept nogil:
    frontier_keep(frontier, index, result)
    return frontier_end(frontier, TRANSACTION_FAILED, result.value)


cdef inline BlockStatus frontier_commit(Frontier* frontier, View* view, int32_t index, ExecutionResult* result,
                                        Write* write, uint32_t count) noexcept nogil:
    """Commit transaction ``index``, or end the block before it."""
    if frontier.segments == 0 or frontier.segment[frontier.segments - 1].worker != view.worker:
        frontier_begin_segment(frontier, view.worker, index)
    if result.faulted:
        return frontier_end(
            frontier, STATE_FAILED if result.status == BLOCKSTM_STATE_ERROR else OUT_OF_MEMORY,
            result.value)
    if result.status == BLOCKSTM_INVALID:
        if not frontier.skip_invalid:
            frontier_keep(frontier, index, result)
            return frontier_end(frontier, BLOCK_INVALID, result.value)
        result.gas = 0
    elif result.status != BLOCKSTM_SUCCESS and result.status != BLOCKSTM_REVERTED:
        return frontier_fail(frontier, index, result)
    elif frontier_check_limit(frontier, index, result) != RUNNING:
        return frontier.status
    elif not frontier_count(frontier, index, result):
        return frontier_fail(frontier, index, result)
    if result.status == BLOCKSTM_SUCCESS and count:
        if frontier_write(frontier, view, write, count) != RUNNING:
            return frontier.status
    frontier_keep(frontier, index, result)
    return RUNNING
