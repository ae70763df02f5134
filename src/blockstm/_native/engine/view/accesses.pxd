"""The accesses of a run, its read set and write set, location by location; and the view that holds them.

An access has the value seen at a location (read once: later reads see the same), the condition
recorded for it, and what the run wrote there. A small table of marks finds the access of a location;
a mark counts only if it has the generation of the run, so that a new run begins with one addition.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t, uint8_t
from libc.string cimport memcpy, memset

from blockstm._native.base.atomics cimport Atomic
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
from blockstm._native.engine.mvmemory.pieces cimport Pieces
from blockstm._native.engine.mvmemory.store cimport Folding, Path, Store, store_final
from blockstm._native.engine.mvmemory.values cimport (
    INLINE_SIZE, PAYLOAD_DELTA, SHORT_SIZE, Payload, payload_copy, payload_delta,
)
from blockstm._native.engine.view.batch_writes cimport BatchWrites
from blockstm._native.engine.view.lookahead cimport Lookahead

cdef enum:
    CHECK_EVERY = 64         # operations, before a run checks whether it still counts
    MEMO_BITS = 7
    MEMOS = 1 << MEMO_BITS
    NO_ONE = -1              # `blocked_on`: no write is awaited, only the frontier can decide
    NOWHERE = 0x7fffffff     # `blocked_at`: at no location (there are fewer), the run has come to be in the way
    NOT_INTEGERS_HERE = 64   # what `view_at_least` and `view_try_add` return to Python VMs alone

# Where the explorer can hold a worker: before it touches shared memory.
cdef enum Point:
    POINT_CLAIM = 0
    POINT_READ = 1
    POINT_PUBLISH = 2
    POINT_VALIDATE = 3
    POINT_COMMIT = 4
    POINT_PARK = 5
    POINT_JOIN = 6
    POINT_LEAVE = 7

ctypedef void (*Pause)(void* context, int worker, int point, int32_t index) noexcept nogil

# Waits, in the middle of a run, for an estimated write. True: read again; false: abort the run.
ctypedef bint (*AwaitWriter)(void* context, int32_t writer) noexcept nogil
# Waits at a contended location for earlier transactions that run and may be about to write it.
ctypedef void (*AwaitOthers)(void* context) noexcept nogil
# Within a long run: whether the caller wants the block stopped; if so, it is being stopped.
ctypedef bint (*GivesUp)(void* context) noexcept nogil

cdef struct Access:
    uint32_t location
    uint8_t exact            # the condition is on the value itself
    uint8_t unreadable       # the state failed here
    uint8_t has_lower
    uint8_t has_upper
    uint8_t numeric          # an answer was given that only a number can give
    uint8_t shown            # the bytes of `written` were given out: they must not change
    uint8_t room             # how many bytes of value fit into `written`: 8 or 32
    const Payload* seen      # NULL: not read
    Payload* written         # NULL: not written
    Payload* summed          # seen + written delta, once asked for
    blockstm_number lower
    blockstm_number upper

cdef struct AccessMark:
    uint32_t generation
    uint32_t access

# A value that the run shows and does not use: the VM is told it when the run is committed.
cdef struct Question:
    uint64_t tag
    uint32_t location
    const Question* next

# The locations of the keys of 8 bytes met last, so that most of them need no lookup in the interner.
cdef struct Memo:
    uint64_t key
    uint64_t location_plus_1       # 0: nothing here

cdef struct View:
    blockstm_view public_part     # first: VMs hold a pointer to it
    Store* store
    Ids ids                       # of locations that this worker is the first to meet
    Arena* block_arena            # of what the block's results are copied from
    Arena* speculation_arena      # of conditions and the like, until their transaction is final
    Arena* write_arena            # of written values: `block_arena`, or one that ends with the run or a relay's batch
    Pieces pieces                 # the bytes of large values that other workers may read
    Folding folding
    bint final_prefix             # the run is at the frontier: what it sees is final
    int fault                     # BLOCKSTM_OK, or what every further call answers
    int32_t blocked_on
    uint32_t blocked_at           # the location at which the run was aborted
    uint64_t error                # the Python exception behind a fault, or 0
    uint64_t value                # the Python object or exception a Python VM came back with
    uint64_t gas
    const uint8_t* output
    uint64_t output_size
    Access* access
    uint32_t accesses
    uint32_t access_capacity
    uint32_t* written             # accesses in order of their first write
    uint32_t writes
    const Question* questions     # in the speculation arena, the last one first
    AccessMark* mark
    uint32_t mark_mask
    uint32_t generation
    Atomic[uint32_t]* stopping
    Atomic[int64_t]* frontier
    BatchWrites* batch_writes     # NULL outside a relay (worker/relay.pxd), ...
    int64_t batch_first           # ... where the worker's batch begins here
    Atomic[int64_t]* claimed      # the worker's word in the scheduler's `claimed`
    int32_t readers_near          # a reader so close below the highest one is not noted
    uint32_t operations           # of the run
    Memo memo[MEMOS]              # lives as long as the block, as does
    Path path                     # this,
    Lookahead lookahead           # and this
    AwaitWriter await_writer
    AwaitOthers await_others
    GivesUp gives_up              # NULL: no caller to ask
    void* await_context           # of these three
    int worker
    Pause pause
    void* pause_context


cdef inline void view_pause(View* view, Point point, int32_t index) noexcept nogil:
    if view.pause != NULL:
        view.pause(view.pause_context, view.worker, point, index)


cdef inline int stop(View* view, int fault) noexcept nogil:
    """End the run: every further call returns ``fault``."""
    view.fault = fault
    return fault


cdef inline uint32_t access_place(const View* view, uint32_t location) noexcept nogil:
    return (location * <uint32_t>2654435769) >> 7 & view.mark_mask


cdef inline bint enlarge(void** place, uint64_t used, uint64_t size) noexcept nogil:
    """Room for ``size`` bytes, the first ``used`` of them as before; false: memory has run out.

    In cache lines that no other worker shares.
    """
    cdef void* larger = pages_take(size)
    if larger == NULL:
        return False
    memcpy(larger, place[0], used)
    pages_free(place[0])
    place[0] = larger
    return True


cdef inline bint accesses_grow(View* view) noexcept nogil:
    """Twice the room for accesses; false where memory has run out."""
    cdef uint32_t capacity = view.access_capacity * 2, mask = capacity * 4 - 1, index, place
    cdef AccessMark* mark
    if not enlarge(<void**>&view.access, view.accesses * sizeof(Access), capacity * sizeof(Access)):
        return False
    if not enlarge(<void**>&view.written, view.writes * sizeof(uint32_t), capacity * sizeof(uint32_t)):
        return False
    mark = <AccessMark*>pages_take((mask + 1) * sizeof(AccessMark))
    if mark == NULL:
        return False
    memset(mark, 0, (mask + 1) * sizeof(AccessMark))
    pages_free(view.mark)
    view.mark = mark
    view.mark_mask = mask
    view.access_capacity = capacity
    for index in range(view.accesses):
        place = access_place(view, view.access[index].location)
        while mark[place].generation == view.generation:
            place = (place + 1) & mask
        mark[place].generation = view.generation
        mark[place].access = index
    return True


cdef inline Access* access_insert(View* view, uint32_t location, uint32_t place) noexcept nogil:
    """A fresh access; NULL where memory has run out."""
    cdef Access* access
    if view.accesses == view.access_capacity:
        if not accesses_grow(view):
            view.fault = BLOCKSTM_NO_MEMORY
            return NULL
        place = access_place(view, location)
        while view.mark[place].generation == view.generation:
            place = (place + 1) & view.mark_mask
    view.mark[place].generation = view.generation
    view.mark[place].access = view.accesses
    access = &view.access[view.accesses]
    view.accesses += 1
    access.location = location
    access.exact = access.unreadable = access.has_lower = access.has_upper = 0
    access.numeric = access.shown = 0
    access.seen = NULL
    access.written = access.summed = NULL
    return access


cdef inline Access* access_find(View* view, uint32_t location) noexcept nogil:
    """The access of a location, or NULL."""
    cdef uint32_t place = access_place(view, location)
    cdef Access* access
    while view.mark[place].generation == view.generation:
        access = &view.access[view.mark[place].access]
        if access.location == location:
            return access
        place = (place + 1) & view.mark_mask
    return NULL


cdef inline bint is_within_bounds(View* view, const Access* access, const Payload* value) noexcept nogil:
    """Whether the bounds that the run relies on hold for a value."""
    cdef const Numbers* numbers = &view.store.numbers
    cdef blockstm_number number
    if not read_number(numbers, value, &number):
        return False
    return ((not access.has_lower or compare(numbers, &number, &access.lower) >= 0)
            and (not access.has_upper or compare(numbers, &number, &access.upper) <= 0))


cdef inline bint access_is_final(View* view, Access* access) noexcept nogil:
    """Whether the access is valid on the final prefix; if so, the run sees that from here on."""
    cdef const Payload* final = store_final(location_at(&view.store.interner, access.location))
    if access.seen == NULL and not access.numeric:
        return True
    if final == NULL:
        return False
    if access.exact:
        return same_payload(&view.store.numbers, final, access.seen)
    access.seen = final
    return not access.numeric or is_within_bounds(view, access, final)


cdef inline void release_claim(View* view) noexcept nogil:
    """Let other workers commit what this one has claimed and run."""
    if view.claimed.read_plain():  # only this worker sets it
        view.claimed.write_in_order(0)


cdef inline bint still_counts(View* view) noexcept nogil:
    """Whether the run can still be committed.

    A run that saw an inconsistent prefix may loop for ever. So once the frontier has reached its
    transaction, the run is stopped, unless all its accesses are valid on the final prefix: then
    nothing can invalidate it any more.

    The frontier reaches it only if the transactions before it are committed. Those that its worker
    has claimed and executed are left to that worker; so a long run releases the claim. In a relay, where
    only its worker can commit them, it is stopped as soon as the frontier has reached the first of them.
    """
    cdef uint32_t index
    cdef int64_t frontier
    if view.stopping.peek():
        return False
    if view.final_prefix:
        return True
    frontier = view.frontier.observe()
    if frontier != view.public_part.index:
        if view.batch_writes != NULL:
            view.blocked_at = NOWHERE
            return frontier < view.batch_first
        release_claim(view)
        return True
    for index in range(view.accesses):
        if not access_is_final(view, &view.access[index]):
            view.blocked_at = view.access[index].location
            return False
    view.final_prefix = True
    return True


cdef inline Access* access_of(View* view, uint32_t location) noexcept nogil:
    """The access of a location, fresh if the run had not met it; NULL: the run is over."""
    cdef uint32_t place
    cdef Access* access
    if view.fault:
        return NULL
    view.operations += 1
    if view.operations % CHECK_EVERY == 0:
        view_pause(view, POINT_READ, <int32_t>view.public_part.index)
        if not still_counts(view):
            stop(view, BLOCKSTM_STALE)
            return NULL
    place = access_place(view, location)
    while view.mark[place].generation == view.generation:
        access = &view.access[view.mark[place].access]
        if access.location == location:
            return access
        place = (place + 1) & view.mark_mask
    return access_insert(view, location, place)


cdef inline Payload* access_write(View* view, Access* access, uint64_t size) noexcept nogil:
    """The payload to write ``size`` bytes into, all but kind, size and words set; NULL: no memory."""
    cdef uint8_t room = SHORT_SIZE if size <= SHORT_SIZE else INLINE_SIZE
    access.summed = NULL
    if access.written == NULL:
        view.written[view.writes] = <uint32_t>(access - view.access)
        view.writes += 1
    elif not access.shown and room <= access.room:
        return access.written
    access.written = <Payload*>arena_take(view.write_arena, sizeof(Payload) - INLINE_SIZE + room)
    if access.written == NULL:
        stop(view, BLOCKSTM_NO_MEMORY)
        return NULL
    access.written.index = <int32_t>view.public_part.index
    access.written.negative = 0
    access.room = room
    access.shown = 0
    return access.written


cdef inline int access_add_delta(View* view, Access* access, const blockstm_number* delta) noexcept nogil:
    cdef Payload added
    cdef Payload total
    cdef Payload* written
    cdef uint32_t size = number_size(&view.store.numbers)
    if access.written == NULL:
        written = access_write(view, access, size)
        if written == NULL:
            return view.fault
        payload_delta(written, delta, size)
        return BLOCKSTM_OK
    if access.written.kind == PAYLOAD_DELTA:
        access.summed = NULL
        return join_deltas(&view.store.numbers, access.written, delta)
    payload_delta(&added, delta, size)
    if fold_delta(&view.store.numbers, access.written, &added, &total):
        return BLOCKSTM_BAD_NUMBER
    written = access_write(view, access, size)
    if written == NULL:
        return view.fault
    total.index = written.index
    payload_copy(written, &total)
    return BLOCKSTM_OK
