"""A location: one exact key, its committed value, and the speculative writes above that."""
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcmp

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.base.hashing cimport word64
from blockstm._native.engine.mvmemory.values cimport Payload

cdef enum:
    INLINE_KEY = 88
    FIRST_LINE = 64
    ROOM_KEY = 8          # behind a longer key there is no room for a payload ...
    LISTED_KEY = 24       # ... and up to here, there is for a number, within the first line

# What one transaction wrote here; see store.pxd for who may change what.
cdef struct Entry:
    int32_t index
    Atomic[uintptr_t] payload
    Atomic[Entry*] next

# Two cache lines; what has a key of up to 32 bytes never touches the second.
cdef struct Location:
    Atomic[Payload*] committed     # the value after the final prefix; NULL: still the base
    Atomic[Payload*] base          # what the block started from; NULL: not read yet
    Atomic[Entry*] head            # speculative writes, highest index first
    Atomic[int32_t] reader_mark           # see `highest_reader`
    uint32_t key_size
    # The key; or, of very long keys, a pointer to it. Behind a key of up to 8 bytes there is room for
    # a short payload, so that one worker alone finds key and value in one cache line.
    uint8_t key[INLINE_KEY]
    uint32_t listed                # see `location_listed`


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
        return location.key
    return (<const uint8_t**>location.key)[0]


cdef inline bint same_key(const Location* location, const uint8_t* key) noexcept nogil:
    """Whether a key of the location's size is the location's."""
    cdef uint32_t size = location.key_size, place = 0
    if size == 8:
        return word64(location.key) == word64(key)
    if size < 8 or size > INLINE_KEY:
        return memcmp(location_key(location), key, size) == 0
    while place + 8 < size:
        if word64(location.key + place) != word64(key + place):
            return False
        place += 8
    return word64(location.key + size - 8) == word64(key + size - 8)  # overlaps what came before


cdef inline uint32_t* location_listed(Location* location) noexcept nogil:
    """Where it stands which key of a list it is (listed.pxd): 1 + the number, or 0; set while there is a list.

    In the first line where the key leaves room there, as a field of an account does.
    """
    if ROOM_KEY < location.key_size <= LISTED_KEY:
        return <uint32_t*>(location.key + LISTED_KEY)
    return &location.listed


cdef inline Payload* location_room(Location* location) noexcept nogil:
    """Where a short payload fits into the location itself; NULL where it does not."""
    return <Payload*>(location.key + 8) if location.key_size <= ROOM_KEY else NULL
