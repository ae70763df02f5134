"""The store: for every location, what each transaction of the block wrote there.

Below the frontier a location has one value, `committed`: the base with every final write folded
in, once, by whoever commits. Above it hangs a list of entries, one per speculative writer, highest
index first. Whoever looks (`store_resolve`, used by reader and validator alike) goes down from
the entry below its own index to the nearest value, or to `committed`, and folds the deltas it
met; so the cost of a look is bounded by the distance to the frontier, not by the block.

Order of writes:
  - An entry is inserted once (compare-exchange, release) and stays until the block ends; only the
    worker that runs its transaction replaces its payload (release). Payloads never change.
  - `committed` is loaded before the list is walked, and entries at or below its index are not
    looked at. A commit that happens in between leaves the loaded value and the entries above it
    consistent: what was committed from an entry still stands there. What was committed without
    one (a run at the frontier) is missed, and the condition of whoever missed it fails later.
"""
from libc.stdint cimport int32_t, uint32_t, uint64_t, uint8_t, uintptr_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy
from libcpp.atomic cimport (
    atomic, memory_order_acq_rel, memory_order_acquire, memory_order_relaxed, memory_order_release,
)

from blockstm._native.abi cimport BLOCKSTM_NO_MEMORY, BLOCKSTM_OK
from blockstm._native.base.arena cimport Arena, arena_take
from blockstm._native.engine.mvmemory.interner cimport Interner
from blockstm._native.engine.mvmemory.locations cimport Entry, Location, location_room
from blockstm._native.engine.mvmemory.numbers cimport Numbers, fold_delta
from blockstm._native.engine.mvmemory.spares cimport Spares, spares_give, spares_take
from blockstm._native.engine.mvmemory.values cimport (
    BASE_INDEX, PAYLOAD_DELTA, PAYLOAD_SKIP, SHORT_SIZE, Payload,
    payload_copy, payload_data, payload_is_long, payload_room,
)

cdef enum:
    ESTIMATE_TAG = 1     # on an entry's payload pointer: to be written again
    STEPS = 16           # locations; a power of two

# Reads a location from the state. Called by any worker; `reader` is handed through. Fills in
# `kind`, `size` and `word` of the payload. BLOCKSTM_OK, BLOCKSTM_STATE_ERROR or _NO_MEMORY.
ctypedef int (*ReadBase)(void* context, void* reader, Location* location, Arena* arena,
                         Payload* base) noexcept nogil

cdef struct Store:
    Interner interner
    Numbers numbers
    bint exclusive             # one worker: committed payloads are overwritten in place, ...
    Spares spares              # ... and the bytes of long ones taken again
    bint estimates             # whether an estimate stops a reader
    ReadBase read_base
    void* read_context
    Payload skip               # stands where a run wrote and the next one does not

# What a look at a location finds.
cdef enum Found:
    FOUND = 0
    FOUND_UNREAD = 1      # the base decides, and it has not been read yet
    FOUND_ESTIMATE = 2    # a write is known to be coming
    FOUND_UNFOLDABLE = 3  # a delta does not fit what is below it: only the frontier can tell

# Room for folding, one per worker.
cdef struct Folding:
    Payload folded
    const Payload** delta
    uint32_t capacity

# Where a worker was last in the lists of some locations: what it does next there is right beside.
cdef struct Step:
    const Location* location
    atomic[Entry*]* link       # of an entry above ...
    int32_t above              # ... whose index this is

cdef struct Path:
    Step step[STEPS]

cdef struct Look:
    const Payload* payload     # FOUND: a value or absent; may be `Folding.folded`
    int32_t estimated          # FOUND_ESTIMATE: whose write is coming


cdef inline const Payload* store_final(const Location* location) noexcept nogil:
    """The value after the final prefix, the base where nothing was written; NULL if unread."""
    cdef const Payload* committed = location.committed.load(memory_order_acquire)
    if committed == NULL:
        committed = location.base.load(memory_order_acquire)
    return committed


cdef inline bint store_is_added_to(const Location* location) noexcept nogil:
    """Whether what stands highest of the speculative writes is a delta, and the rest is not unread."""
    cdef const Entry* entry = location.head.load(memory_order_acquire)
    cdef const Payload* payload
    if entry == NULL or store_final(location) == NULL:
        return False
    payload = <const Payload*>(
        entry.payload.load(memory_order_acquire) & ~<uintptr_t>ESTIMATE_TAG)
    return payload.kind == PAYLOAD_DELTA


cdef inline bint folding_push(Folding* folding, uint32_t count, const Payload* delta) noexcept nogil:
    cdef const Payload** larger
    if count == folding.capacity:
        larger = <const Payload**>realloc(folding.delta, (2 * count + 64) * sizeof(Payload*))
        if larger == NULL:
            return False
        folding.delta = larger
        folding.capacity = 2 * count + 64
    folding.delta[count] = delta
    return True


cdef inline Found store_resolve(Store* store, const Location* location, int32_t index,
                                Folding* folding, Look* look) noexcept nogil:
    """What transaction ``index`` sees here now. Reader and validator share this function."""
    cdef const Payload* below = location.committed.load(memory_order_acquire)
    cdef int32_t floor = BASE_INDEX
    cdef const Entry* entry = location.head.load(memory_order_acquire)
    cdef const Payload* payload
    cdef uintptr_t tagged
    cdef uint32_t deltas = 0
    if below != NULL:
        floor = below.index
    while entry != NULL and entry.index >= index:
        entry = entry.next.load(memory_order_acquire)
    while entry != NULL and entry.index > floor:
        tagged = entry.payload.load(memory_order_acquire)
        if tagged & ESTIMATE_TAG and store.estimates:
            look.estimated = entry.index
            return FOUND_ESTIMATE
        payload = <const Payload*>(tagged & ~<uintptr_t>ESTIMATE_TAG)
        if payload.kind == PAYLOAD_DELTA:
            if not folding_push(folding, deltas, payload):
                return FOUND_UNFOLDABLE
            deltas += 1
        elif payload.kind != PAYLOAD_SKIP:
            below = payload
            break
        entry = entry.next.load(memory_order_acquire)
    if below == NULL:
        below = location.base.load(memory_order_acquire)
        if below == NULL:
            return FOUND_UNREAD
    look.payload = below
    while deltas:
        deltas -= 1
        if fold_delta(&store.numbers, look.payload, folding.delta[deltas], &folding.folded):
            return FOUND_UNFOLDABLE
        look.payload = &folding.folded
    return FOUND


cdef inline int store_read_base(Store* store, Location* location, Arena* arena, void* reader) noexcept nogil:
    """See to it that the base is there. OK, STATE_ERROR or NO_MEMORY.

    Two workers may read the same base at once; the first to store it decides for both.
    """
    cdef Payload read
    cdef Payload* base
    cdef Payload* nothing = NULL
    cdef int status
    if location.base.load(memory_order_acquire) != NULL:
        return BLOCKSTM_OK
    read.index = BASE_INDEX
    read.negative = 0
    status = store.read_base(store.read_context, reader, location, arena, &read)
    if status != BLOCKSTM_OK:
        return status
    base = <Payload*>arena_take(arena, payload_room(&read))
    if base == NULL:
        return BLOCKSTM_NO_MEMORY
    payload_copy(base, &read)
    location.base.compare_exchange_strong(nothing, base, memory_order_acq_rel, memory_order_acquire)
    return BLOCKSTM_OK


cdef inline Step* path_step(Path* path, const Location* location) noexcept nogil:
    return &path.step[(<uintptr_t>location / sizeof(Location)) & (STEPS - 1)]


cdef inline Entry* store_publish(Location* location, Payload* payload, Arena* arena, Path* path,
                                 const Payload** before) noexcept nogil:
    """Put a payload at its index; ``before``: the one it replaces, or NULL. NULL: no memory."""
    cdef Step* step = path_step(path, location)
    cdef int32_t index = payload.index
    cdef Entry* fresh = NULL
    cdef Entry* entry
    cdef atomic[Entry*]* link
    before[0] = NULL
    while True:
        link = &location.head
        entry = link.load(memory_order_acquire)
        if entry != NULL and entry.index > index:
            if step.location == location and step.above > index:  # entries stay where they are
                link = step.link
                entry = link.load(memory_order_acquire)
            while entry != NULL and entry.index > index:
                step.above = entry.index
                link = &entry.next
                entry = link.load(memory_order_acquire)
            step.location = location
            step.link = link
        if entry != NULL and entry.index == index:
            before[0] = <const Payload*>(
                entry.payload.load(memory_order_relaxed) & ~<uintptr_t>ESTIMATE_TAG)  # our own
            entry.payload.store(<uintptr_t>payload, memory_order_release)
            return entry
        if fresh == NULL:
            fresh = <Entry*>arena_take(arena, sizeof(Entry))
            if fresh == NULL:
                return NULL
            fresh.index = index
            fresh.payload.store(<uintptr_t>payload, memory_order_relaxed)  # the link publishes it
        fresh.next.store(entry, memory_order_relaxed)
        if link.compare_exchange_strong(entry, fresh, memory_order_acq_rel, memory_order_acquire):
            return fresh


cdef inline void store_estimate(Entry* entry) noexcept nogil:
    """Mark a write as one that will come again. Only by the worker that runs its transaction."""
    entry.payload.fetch_or(ESTIMATE_TAG, memory_order_acq_rel)


cdef inline void store_withdraw(Store* store, Entry* entry) noexcept nogil:
    """What was written here does not count. Only by the worker that runs its transaction."""
    entry.payload.store(<uintptr_t>&store.skip, memory_order_release)


cdef inline bint store_is_left(const Entry* entry, const Payload* payload) noexcept nogil:
    """Whether an entry still holds (perhaps as an estimate) what an earlier run put there."""
    cdef uintptr_t tagged = entry.payload.load(memory_order_relaxed)  # the caller's own
    return tagged & ESTIMATE_TAG or <const Payload*>tagged == payload


cdef inline bint store_keep_bytes(Store* store, Payload* value, Arena* arena) noexcept nogil:
    """Copy the bytes of a long value to where they outlast the run; false: memory has run out."""
    cdef uint8_t* copied
    if store.exclusive:
        copied = spares_take(&store.spares, value.size, arena)
    else:
        copied = <uint8_t*>arena_take(arena, value.size)
    if copied == NULL:
        return False
    memcpy(copied, payload_data(value), value.size)
    value.word[0] = <uint64_t>copied
    value.word[1] = store.exclusive
    return True


cdef inline void store_drop_bytes(Store* store, Location* location) noexcept nogil:
    """What is final here is about to be overwritten: nobody will look at its bytes, if they are long."""
    cdef const Payload* before = location.committed.load(memory_order_relaxed)
    if before != NULL and payload_is_long(before) and before.word[1]:
        spares_give(&store.spares, <uint8_t*>before.word[0], before.size)


cdef inline Payload* store_make_room(Store* store, Location* location, Payload* value,
                                     Arena* arena) noexcept nogil:
    """Where ``value``, which ends with the run, can be kept; its bytes, if they are long, are copied now.
    NULL: memory has run out. Nothing of it can be seen before `store_commit`."""
    cdef Payload* room = location.committed.load(memory_order_relaxed) if store.exclusive else NULL
    if payload_is_long(value) and not store_keep_bytes(store, value, arena):
        return NULL
    if room == NULL and store.exclusive and value.size <= SHORT_SIZE:
        room = location_room(location)
    if room == NULL or payload_room(room) < payload_room(value):
        room = <Payload*>arena_take(arena, payload_room(value))
    return room


cdef inline void store_commit(Store* store, Location* location, Payload* value, Payload* room) noexcept nogil:
    """Make ``value`` (a value or absent, no delta) what is final here, in the room that was made for it, if
    any; at the frontier only."""
    if room != NULL:
        if store.exclusive:
            store_drop_bytes(store, location)
        payload_copy(room, value)
        value = room
    location.committed.store(value, memory_order_release)
