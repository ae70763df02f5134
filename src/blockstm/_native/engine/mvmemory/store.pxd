"""The store: for every location, what each transaction of the block wrote there.

Below the frontier a location has one value, `committed`: the base with every committed write folded
in, once, by the worker that commits. Above it hangs a list of entries, one per speculative writer,
highest index first. A read (`store_resolve`, which reader and validator share) goes down from the
entry below the reader's index to the nearest value, or to `committed`, and folds the deltas on the
way; so the cost of a read is bounded by the distance to the frontier, not by the block.

Order of writes:
  - An entry is inserted once (compare-exchange, release) and stays until the block ends; only the
    worker that runs its transaction replaces its payload (release). Payloads never change.
  - `committed` is loaded before the list is walked, and entries at or below its index are
    skipped. A commit that happens in between leaves the loaded value and the entries above it
    consistent: what was committed from an entry still stands there. What was committed without
    one (a run at the frontier) is missed, and the reader's condition fails when it is validated.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t, uint8_t, uintptr_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.abi cimport BLOCKSTM_NO_MEMORY, BLOCKSTM_OK, blockstm_prefetch
from blockstm._native.base.arena cimport Arena, arena_take
from blockstm._native.engine.mvmemory.interner cimport Interner
from blockstm._native.engine.mvmemory.listed cimport Listed, ListedKey, listed_below, listed_key
from blockstm._native.engine.mvmemory.locations cimport (
    Entry, Location, highest_reader, is_contended, location_listed, location_room,
)
from blockstm._native.engine.mvmemory.numbers cimport Numbers, fold_delta
from blockstm._native.engine.mvmemory.pieces cimport PIECE_MIN, Pieces, piece_mark, pieces_take
from blockstm._native.engine.mvmemory.spares cimport Spares, spares_give, spares_take
from blockstm._native.engine.mvmemory.values cimport (
    BASE_INDEX, PAYLOAD_DELTA, PAYLOAD_TOMBSTONE, ROOM_ARENA, ROOM_PIECE, ROOM_SPARES, SHORT_SIZE, Payload,
    payload_copy, payload_data, payload_is_long, payload_room,
)

cdef enum:
    ESTIMATE_TAG = 1     # on an entry's payload pointer: to be written again
    STEPS = 16           # locations; a power of two
    ADDITIONS_MAX = 16   # that a worker publishes where nobody reads
    BASE_LASTS = 64      # of a base that was read: who reads it again in the block is told the same

# Reads a location from the state. Called by any worker; `reader` is handed through. Fills in
# `kind`, `size` and `word` of the payload. BLOCKSTM_OK, BASE_LASTS, BLOCKSTM_STATE_ERROR or _NO_MEMORY.
ctypedef int (*ReadBase)(void* context, void* reader, Location* location, Arena* arena,
                         Payload* base) noexcept nogil

cdef struct Store:
    Interner interner
    Numbers numbers
    bint exclusive             # one worker: committed payloads are overwritten in place, ...
    Spares spares              # ... and the bytes of long ones taken again
    Atomic[uint32_t] reclaims  # workers share the block and have written much: overwritten values are to be freed
    bint estimates             # whether an estimate aborts a reader
    Atomic[Listed*] listed     # what readers take for written before it is; NULL: nothing
    ReadBase read_base
    void* read_context
    const blockstm_prefetch* prefetcher   # the state's; NULL: it has none
    uint32_t state_flags       # of vm_abi.h: what the base may be relied on for
    uint32_t vm_flags          # likewise: what the VM has
    Payload tombstone          # stands where an incarnation wrote and the next one does not

# What a read of a location finds.
cdef enum Found:
    FOUND = 0
    FOUND_UNREAD = 1      # the base decides, and it has not been read yet
    FOUND_ESTIMATE = 2    # an aborted incarnation wrote here, and the next one most likely will
    FOUND_UNFOLDABLE = 3  # a delta does not fit what is below it: only the frontier can decide

# Room for folding, one per worker.
cdef struct Folding:
    Payload folded
    const Payload** delta
    uint32_t capacity

# Where a worker inserted last in the lists of some locations: it most likely inserts next beside it.
cdef struct Step:
    const Location* location
    Atomic[Entry*]* link       # of an entry above ...
    int32_t above              # ... whose index this is

# How often a worker has added in a row to what lies in one place of the table: a number that all add to.
cdef struct Additions:
    const Location* location
    uint32_t count

cdef struct Path:
    Step step[STEPS]
    Additions additions[STEPS]

cdef struct Resolved:
    const Payload* payload     # FOUND: a value or absent; may be `Folding.folded`
    int32_t estimated          # FOUND_ESTIMATE: the transaction whose write is expected


cdef inline const Payload* store_final(const Location* location) noexcept nogil:
    """The value after the final prefix, the base where nothing was written; NULL if unread."""
    cdef const Payload* committed = location.committed.observe()
    if committed == NULL:
        committed = location.base.observe()
    return committed


cdef inline bint store_has_base_only(Store* store, const Location* location) noexcept nogil:
    """Whether nobody has written here, as far as this worker sees: so it is with most locations that are read first.

    A write that it misses is one that it might have missed a moment before: the condition is validated.
    """
    return (location.committed.peek() == NULL and location.head.peek() == NULL and store.listed.peek() == NULL)


cdef inline bint store_is_added_to(const Location* location) noexcept nogil:
    """Whether the highest speculative write is a delta, and the value below has been read."""
    cdef const Entry* entry = location.head.observe()
    cdef const Payload* payload
    if entry == NULL or store_final(location) == NULL:
        return False
    payload = <const Payload*>(
        entry.payload.observe() & ~<uintptr_t>ESTIMATE_TAG)
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


cdef inline const Entry* entry_below(const Location* location, int32_t index) noexcept nogil:
    """The highest entry of a transaction before ``index``, or NULL."""
    cdef const Entry* entry = location.head.observe()
    while entry != NULL and entry.index >= index:
        entry = entry.next.observe()
    return entry


cdef inline Found fold_deltas(Store* store, Folding* folding, uint32_t deltas, Resolved* resolved) noexcept nogil:
    """Fold the collected deltas onto what was found below them, the lowest first."""
    while deltas:
        deltas -= 1
        if fold_delta(&store.numbers, resolved.payload, folding.delta[deltas], &folding.folded):
            return FOUND_UNFOLDABLE
        resolved.payload = &folding.folded
    return FOUND


cdef inline const Payload* store_listed(Store* store, Location* location, int32_t index,
                                        int32_t floor) noexcept nogil:
    """The listed value of the highest transaction below ``index`` and above ``floor``; NULL: there is none."""
    cdef Listed* listed = store.listed.observe()
    cdef const ListedKey* key
    cdef int64_t write
    if listed == NULL:
        return NULL
    key = listed_key(listed, location)
    if key == NULL:
        return NULL
    write = listed_below(listed, key, index, floor)
    if write < 0:
        return NULL
    return &listed.payload[write]


cdef inline Found store_resolve(Store* store, const Location* location, int32_t index,
                                Folding* folding, Resolved* resolved) noexcept nogil:
    """What transaction ``index`` sees here now. Reader and validator share this function."""
    cdef const Payload* below = location.committed.observe()
    cdef int32_t floor = BASE_INDEX if below == NULL else below.index
    cdef const Entry* entry = entry_below(location, index)
    cdef const Payload* payload
    cdef uintptr_t tagged
    cdef uint32_t deltas = 0
    if store.listed.peek() != NULL:
        payload = store_listed(store, <Location*>location, index, floor)
        if payload != NULL:
            below, floor = payload, payload.index
    while entry != NULL and entry.index > floor:
        tagged = entry.payload.observe()
        if tagged & ESTIMATE_TAG and store.estimates:
            resolved.estimated = entry.index
            return FOUND_ESTIMATE
        payload = <const Payload*>(tagged & ~<uintptr_t>ESTIMATE_TAG)
        if payload.kind == PAYLOAD_DELTA:
            if not folding_push(folding, deltas, payload):
                return FOUND_UNFOLDABLE
            deltas += 1
        elif payload.kind != PAYLOAD_TOMBSTONE:
            below = payload
            break
        entry = entry.next.observe()
    if below == NULL:
        below = location.base.observe()
        if below == NULL:
            return FOUND_UNREAD
    resolved.payload = below
    return fold_deltas(store, folding, deltas, resolved)


cdef inline int store_read_base(Store* store, Location* location, Arena* arena, void* reader) noexcept nogil:
    """Read the base, unless it has been read. OK, STATE_ERROR or NO_MEMORY.

    Two workers may read the same base at once; the first to store it decides for both, or it is the same
    (`BASE_LASTS`), and then either will do: what the other has read stays where it is, too.
    """
    cdef Payload read
    cdef Payload* base
    cdef Payload* nothing = NULL
    cdef int status
    if location.base.observe() != NULL:
        return BLOCKSTM_OK
    read.index = BASE_INDEX
    read.negative = 0
    status = store.read_base(store.read_context, reader, location, arena, &read)
    if status != BLOCKSTM_OK and status != BASE_LASTS:
        return status
    base = <Payload*>arena_take(arena, payload_room(&read))
    if base == NULL:
        return BLOCKSTM_NO_MEMORY
    payload_copy(base, &read)
    if status == BASE_LASTS:
        location.base.publish(base)
    else:
        location.base.replace(nothing, base)
    return BLOCKSTM_OK


cdef inline uint32_t path_place(const Location* location) noexcept nogil:
    return (<uintptr_t>location / sizeof(Location)) & (STEPS - 1)


cdef inline Step* path_step(Path* path, const Location* location) noexcept nogil:
    return &path.step[path_place(location)]


cdef inline bint is_only_added_to(Path* path, const Location* location, const Payload* payload) noexcept nogil:
    """Whether a delta need not be published: this worker has added here often, and nobody has read ahead.

    Publishing it would take the location's cache line from the worker that commits there, for each transaction of
    the block. A run that comes to read it later finds too little, and goes wrong: once, as that is noted.
    """
    cdef Additions* additions = &path.additions[path_place(location)]
    if payload.kind != PAYLOAD_DELTA:
        return False
    if additions.location != location:
        additions.location, additions.count = location, 0
    additions.count += 1
    return additions.count > ADDITIONS_MAX and highest_reader(location) == 0 and not is_contended(location)


cdef inline Entry* store_publish(Location* location, Payload* payload, Arena* arena, Path* path,
                                 const Payload** before) noexcept nogil:
    """Put a payload at its index; ``before``: the one it replaces, or NULL. NULL: no memory."""
    cdef Step* step = path_step(path, location)
    cdef int32_t index = payload.index
    cdef Entry* fresh = NULL
    cdef Entry* entry
    cdef Atomic[Entry*]* link
    before[0] = NULL
    while True:
        link = &location.head
        entry = link.observe()
        if entry != NULL and entry.index > index:
            if step.location == location and step.above > index:  # entries stay where they are
                link = step.link
                entry = link.observe()
            while entry != NULL and entry.index > index:
                step.above = entry.index
                link = &entry.next
                entry = link.observe()
            step.location = location
            step.link = link
        if entry != NULL and entry.index == index:
            before[0] = <const Payload*>(
                entry.payload.read_plain() & ~<uintptr_t>ESTIMATE_TAG)  # our own
            entry.payload.publish(<uintptr_t>payload)
            return entry
        if fresh == NULL:
            fresh = <Entry*>arena_take(arena, sizeof(Entry))
            if fresh == NULL:
                return NULL
            fresh.index = index
            fresh.payload.prepare(<uintptr_t>payload)  # the link publishes it
        fresh.next.prepare(entry)
        if link.replace(entry, fresh):
            return fresh


cdef inline void store_estimate(Entry* entry) noexcept nogil:
    """Turn a write into an estimate. Only by the worker that owns its transaction."""
    entry.payload.add_flags(ESTIMATE_TAG)


cdef inline void store_put_tombstone(Store* store, Entry* entry) noexcept nogil:
    """Have readers skip this entry. Only by the worker that owns its transaction."""
    entry.payload.publish(<uintptr_t>&store.tombstone)


cdef inline bint store_holds(const Entry* entry, const Payload* payload) noexcept nogil:
    """Whether an entry still holds (perhaps as an estimate) what an earlier incarnation put there."""
    cdef uintptr_t tagged = entry.payload.read_plain()  # the caller's own
    return tagged & ESTIMATE_TAG or <const Payload*>tagged == payload


cdef inline uint8_t* store_room_for_bytes(Store* store, uint64_t size, Arena* arena, Pieces* pieces,
                                          uint64_t* room) noexcept nogil:
    """Memory that outlasts the run for the bytes of a long value, and its `Room`; NULL: it has run out."""
    if store.exclusive:
        room[0] = ROOM_SPARES
        return spares_take(&store.spares, <uint32_t>size, arena)
    if size < PIECE_MIN:
        room[0] = ROOM_ARENA
        return <uint8_t*>arena_take(arena, size)
    room[0] = ROOM_PIECE
    return pieces_take(pieces, size, &store.reclaims)


cdef inline bint store_keep_bytes(Store* store, Payload* value, Arena* arena, Pieces* pieces) noexcept nogil:
    """Copy the bytes of a long value to where they outlast the run; false: memory has run out."""
    cdef uint8_t* copied = store_room_for_bytes(store, value.size, arena, pieces, &value.word[1])
    if copied == NULL:
        return False
    memcpy(copied, payload_data(value), value.size)
    value.word[0] = <uint64_t>copied
    return True


cdef inline void store_drop_bytes(Store* store, Location* location) noexcept nogil:
    """The committed value is about to be overwritten: take its bytes back, if they are long."""
    cdef const Payload* before = location.committed.read_plain()
    if before != NULL and payload_is_long(before) and before.word[1] == ROOM_SPARES:
        spares_give(&store.spares, <uint8_t*>before.word[0], before.size)


cdef inline Payload* store_make_room(Store* store, Location* location, Payload* value,
                                     Arena* arena, Pieces* pieces) noexcept nogil:
    """Memory that outlasts the run for ``value``; its bytes, if they are long, are copied now.

    NULL: memory has run out. No reader sees any of it before `store_commit`.
    """
    cdef Payload* room = location.committed.read_plain() if store.exclusive else NULL
    if payload_is_long(value) and not store_keep_bytes(store, value, arena, pieces):
        return NULL
    if room == NULL and store.exclusive and value.size <= SHORT_SIZE:
        room = location_room(location)
    if room == NULL or payload_room(room) < payload_room(value):
        room = <Payload*>arena_take(arena, payload_room(value))
    return room


cdef inline void store_commit(Store* store, Location* location, Payload* value, Payload* room) noexcept nogil:
    """Commit ``value`` (a value or absent, no delta), in ``room`` if that was made; at the frontier only."""
    if room != NULL:
        if store.exclusive:
            store_drop_bytes(store, location)
        payload_copy(room, value)
        value = room
    location.committed.publish(value)


cdef inline void store_mark(Location* location) noexcept nogil:
    """Have the next sweep leave the final value; while no other worker is in the block."""
    cdef const Payload* final = location.committed.read_plain()
    if final != NULL and payload_is_long(final) and final.word[1] == ROOM_PIECE:
        piece_mark(<uint8_t*>final.word[0])
