"""A location: one exact key, its committed value, and the speculative writes above that."""
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcmp

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.base.hashing cimport word64
from blockstm._native.engine.mvmemory.values cimport Payload

cdef enum:
    UNIT = 64            # bytes: a cache line
    KEY_PLACE = 32       # in the first unit
    SHORT_KEY = 24       # a longer one goes on in the second unit, ...
    INLINE_KEY = 88      # ... and one that is longer than this lies elsewhere
    VALUED_KEY = 8       # behind a key that is no longer there is room for a short payload
    NO_KEY = 0xFFFFFFFF  # for a size: no location begins here

# What one transaction wrote here; see store.pxd for who may change what.
cdef struct Entry:
    int32_t index
    Atomic[uintptr_t] payload
    Atomic[Entry*] next

# One unit or two, see `location_units`; this is the first.
cdef struct Location:
    Atomic[Payload*] committed     # the value after the final prefix; NULL: still the base
    Atomic[Payload*] base          # what the block started from; NULL: not read yet
    Atomic[Entry*] head            # speculative writes, highest index first
    Atomic[int32_t] reader_mark    # see `highest_reader`
    uint32_t key_size
    # The key; or, of very long keys, a pointer to it. Behind a very short one there is room for a short payload, so
    # that one worker alone finds key and value in one cache line. The last word of the last unit is `location_listed`.
    uint8_t key_begin[UNIT - KEY_PLACE]


cdef inline uint32_t location_units(uint64_t key_size) noexcept nogil:
    """How many units a location with such a key takes."""
    return 1 if VALUED_KEY < key_size <= SHORT_KEY else 2


cdef inline uint32_t* location_listed(const Location* location) noexcept nogil:
    """Where it stands which key of a list it is (listed.pxd): 1 + the number, or 0; set while there is a list."""
    return <uint32_t*>(location + location_units(location.key_size)) - 1


cdef inline uint8_t* key_room(const Location* location) noexcept nogil:
    """Where its key begins; it may go on in the second unit."""
    return <uint8_t*>location + KEY_PLACE

# The reader mark is the highest index that may have read this location; its complement if runs have
# been aborted because of this location. It only decides when work is done, so a race may lose it.


cdef inline int32_t highest_reader(const Location* location) noexcept nogil:
    cdef int32_t mark = location.reader_mark.peek()
    return mark if mark >= 0 else ~mark


cdef inline bint is_contended(const Location* location) noexcept nogil:
    return location.reader_mark.peek() < 0


cdef inline void note_reader(Location* location, int32_t index) noexcept nogil:
    location.reader_mark.suggest(~index if is_contended(location) else index)


cdef inline void note_conflict(Location* location) noexcept nogil:
    location.reader_mark.suggest(~highest_reader(location))


cdef inline const uint8_t* location_key(const Location* location) noexcept nogil:
    if location.key_size <= INLINE_KEY:
        return key_room(location)
    return (<const uint8_t**>key_room(location))[0]


cdef inline bint same_key(const Location* location, const uint8_t* key) noexcept nogil:
    """Whether a key of the location's size is the location's."""
    cdef uint32_t size = location.key_size, place = 0
    cdef const uint8_t* own = key_room(location)
    if size == 8:
        return word64(own) == word64(key)
    if size < 8 or size > INLINE_KEY:
        return memcmp(location_key(location), key, size) == 0
    while place + 8 < size:
        if word64(own + place) != word64(key + place):
            return False
        place += 8
    return word64(own + size - 8) == word64(key + size - 8)  # overlaps what came before


cdef inline Payload* location_room(Location* location) noexcept nogil:
    """Where a short payload fits into the location itself; NULL where it does not."""
    return <Payload*>(key_room(location) + VALUED_KEY) if location.key_size <= VALUED_KEY else NULL
