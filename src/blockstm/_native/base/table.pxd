"""A hash table from byte strings to byte strings: keys interned to dense numbers, values in place.

An *entry* is a key's number, in order of first sight; it never changes and is never reused. Eight
bytes of key and of value stand in the entry itself, longer ones behind a pointer, so that a
table of int64 counts 24 bytes an entry and an access is one bucket and one entry. Buckets are
probed linearly, at most half full, and carry 32 bits of the hash, so that a probe hardly ever
looks at a wrong entry. Dropping a value leaves its key.

Threads: any number may read while none writes. Nothing here locks or takes the GIL.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from blockstm._native.base.hashing cimport hash_key, word64
from blockstm._native.base.pages cimport prefetch

cdef enum:
    TABLE_OK = 0
    TABLE_NO_MEMORY = -1
    TABLE_MISSING = -2  # no such key
    INLINE_SIZE = 8  # bytes of a key or value that stand in the entry
    ABSENT_SIZE = 0xFFFFFFFF  # a value_size: the key has no value
    SHORT_KEY = 96  # bytes: longer keys are compared by the library
    BLOCK_HEADER = 8  # bytes before a value behind a pointer: its capacity

cdef struct Entry:
    uint32_t key_size
    uint32_t value_size  # ABSENT_SIZE where there is no value
    uint64_t key  # the bytes, or the address of more than INLINE_SIZE of them
    uint64_t value  # likewise

cdef struct Chunk:
    Chunk* before
    uint64_t size

cdef struct Table:
    const uint64_t* seed
    uint64_t* buckets  # 32 bits of hash, 32 bits of entry + 1; 0 is empty
    uint64_t mask  # buckets - 1
    Entry* entries
    uint32_t count  # entries in use
    uint32_t capacity
    uint32_t live  # entries that have a value
    Chunk* chunk  # the newest, of which `free_size` bytes from `free` on are unused
    uint8_t* free
    uint64_t free_size
    uint64_t chunks_size  # bytes of all chunks
    uint64_t wasted  # bytes of chunks that nothing refers to any more

cdef void table_init(Table* table) noexcept nogil
cdef void table_free(Table* table) noexcept nogil
cdef int32_t table_reserve(Table* table, uint64_t count) noexcept nogil
# Make room for so many bytes of long keys and values in a row, each as `table_bytes` counts it.
cdef int32_t table_reserve_bytes(Table* table, uint64_t size) noexcept nogil
cdef int64_t table_append(
    Table* table, const uint8_t* key, uint64_t size, uint64_t hashed
) noexcept nogil
cdef int32_t table_put_long(
    Table* table, Entry* entry, const uint8_t* data, uint64_t size
) noexcept nogil
# Bytes of memory that the table holds.
cdef uint64_t table_size(const Table* table) noexcept nogil
# A copy without the keys that have no value and without wasted bytes.
cdef int32_t table_copy(Table* target, const Table* source) noexcept nogil


cdef inline const uint8_t* entry_key(const Entry* entry) noexcept nogil:
    if entry.key_size <= INLINE_SIZE:
        return <const uint8_t*>&entry.key
    return <const uint8_t*>entry.key


cdef inline const uint8_t* entry_value(const Entry* entry) noexcept nogil:
    if entry.value_size <= INLINE_SIZE:
        return <const uint8_t*>&entry.value
    return <const uint8_t*>entry.value + BLOCK_HEADER


cdef inline bint entry_has_value(const Entry* entry) noexcept nogil:
    return entry.value_size != ABSENT_SIZE


cdef inline bint entry_has_key(
    const Entry* entry, const uint8_t* key, uint64_t size
) noexcept nogil:
    if entry.key_size != size:
        return False
    if size == 8:
        return entry.key == word64(key)
    if size < 8 or size > SHORT_KEY:
        return memcmp(entry_key(entry), key, size) == 0
    return same_words(<const uint8_t*>entry.key, key, size)


cdef inline bint same_words(const uint8_t* left, const uint8_t* right, uint64_t size) noexcept nogil:
    """Whether ``size`` bytes, 8 or more, are the same; the last word overlaps the one before it."""
    cdef uint64_t place = 0
    while place + 8 < size:
        if word64(left + place) != word64(right + place):
            return False
        place += 8
    return word64(left + size - 8) == word64(right + size - 8)


cdef inline int64_t table_find_hashed(
    const Table* table, const uint8_t* key, uint64_t size, uint64_t hashed
) noexcept nogil:
    cdef uint64_t place = hashed & table.mask
    cdef uint64_t bucket = table.buckets[place]
    while bucket:
        if bucket >> 32 == hashed >> 32 and entry_has_key(
            &table.entries[<uint32_t>bucket - 1], key, size
        ):
            return <int64_t>(<uint32_t>bucket - 1)
        place = (place + 1) & table.mask
        bucket = table.buckets[place]
    return TABLE_MISSING


cdef inline int64_t table_find(
    const Table* table, const uint8_t* key, uint64_t size
) noexcept nogil:
    """The entry of a key, or TABLE_MISSING."""
    if table.count == 0:
        return TABLE_MISSING
    return table_find_hashed(table, key, size, hash_key(key, size, table.seed))


cdef inline const Entry* table_first(const Table* table, uint64_t hashed) noexcept nogil:
    """The first entry that a lookup of a key with this hash compares, or NULL."""
    cdef uint64_t place = hashed & table.mask
    cdef uint64_t bucket = table.buckets[place]
    while bucket and bucket >> 32 != hashed >> 32:
        place = (place + 1) & table.mask
        bucket = table.buckets[place]
    return &table.entries[<uint32_t>bucket - 1] if bucket else NULL


cdef inline void table_prefetch(
    const Table* table, const uint8_t* key, uint64_t size, uint32_t step, uint64_t* memo
) noexcept nogil:
    """Ask for what a lookup of a key touches: its bucket, then its entry, then its bytes.

    Steps 0, 1 and 2, with time between them; ``memo`` is this function's own. Entries and bytes of an
    account's fields mostly lie one behind the other: two lines of each.
    """
    cdef const Entry* entry
    if table.count == 0:
        return
    if step == 0:
        memo[0] = hash_key(key, size, table.seed)
        prefetch(&table.buckets[memo[0] & table.mask])
    elif step == 1:
        memo[0] = <uint64_t>table_first(table, memo[0])
        prefetch(<const void*>memo[0])
    elif memo[0] != 0:
        entry = <const Entry*>memo[0]
        prefetch(<const void*>entry.key)
        prefetch(<const void*>(entry.key + 64))


cdef inline int64_t table_intern(Table* table, const uint8_t* key, uint64_t size) noexcept nogil:
    """The entry of a key, made without a value if there is none; or TABLE_NO_MEMORY."""
    cdef uint64_t hashed = hash_key(key, size, table.seed)
    cdef int64_t entry = TABLE_MISSING
    if table.count:
        entry = table_find_hashed(table, key, size, hashed)
    if entry == TABLE_MISSING:
        entry = table_append(table, key, size, hashed)
    return entry


cdef inline int32_t table_put(
    Table* table, uint32_t number, const uint8_t* data, uint64_t size
) noexcept nogil:
    """Set an entry's value; TABLE_OK or TABLE_NO_MEMORY, which changes nothing."""
    cdef Entry* entry = &table.entries[number]
    if size > INLINE_SIZE or (entry.value_size > INLINE_SIZE and entry_has_value(entry)):
        return table_put_long(table, entry, data, size)
    table.live += entry.value_size == ABSENT_SIZE
    entry.value_size = <uint32_t>size
    if size == 8:
        entry.value = word64(data)
    else:
        memcpy(&entry.value, data, size)
    return TABLE_OK


cdef inline uint64_t table_bytes(uint64_t size, uint64_t header) noexcept nogil:
    """What ``size`` bytes behind a pointer take of a chunk, after a header."""
    return (size + header + 7) & ~<uint64_t>7 if size > INLINE_SIZE else 0


cdef inline uint64_t table_bytes_to_put(const Table* table, uint32_t number, uint64_t size) noexcept nogil:
    """What `table_put` of ``size`` bytes would take of a chunk now."""
    cdef const Entry* entry = &table.entries[number]
    if entry.value_size > INLINE_SIZE and entry_has_value(entry) and (<const uint64_t*>entry.value)[0] >= size:
        return 0
    return table_bytes(size, BLOCK_HEADER)


cdef inline void table_drop(Table* table, uint32_t number) noexcept nogil:
    """Remove an entry's value; its key and number stay."""
    cdef Entry* entry = &table.entries[number]
    if entry_has_value(entry):
        if entry.value_size > INLINE_SIZE:
            table.wasted += (<const uint64_t*>entry.value)[0] + BLOCK_HEADER
        entry.value_size = ABSENT_SIZE
        table.live -= 1
