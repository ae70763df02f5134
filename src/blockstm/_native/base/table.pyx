"""What of the table is not done per access: growing, long values, copying; see the ``.pxd``."""
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

from blockstm._native.base.hashing cimport hash_key, process_seed
from blockstm._native.base.pages cimport pages_free, pages_take, pages_wish

cdef enum:
    FIRST_CAPACITY = 8  # entries
    FIRST_CHUNK = 1 << 12  # bytes
    LAST_CHUNK = 1 << 23
    MAX_SIZE = 0x7FFFFFFF  # bytes of a key or a value
    MAX_COUNT = 0xFFFFFFFE  # entries: a bucket holds entry + 1 in 32 bits


cdef void table_init(Table* table) noexcept nogil:
    memset(table, 0, sizeof(Table))
    table.seed = process_seed()


cdef void table_free(Table* table) noexcept nogil:
    cdef Chunk* chunk = table.chunk
    cdef Chunk* before
    while chunk != NULL:
        before = chunk.before
        free(chunk)
        chunk = before
    pages_free(table.buckets)
    free(table.entries)
    table_init(table)


cdef inline void place_entry(Table* table, uint32_t number, uint64_t hashed) noexcept nogil:
    cdef uint64_t place = hashed & table.mask
    while table.buckets[place]:
        place = (place + 1) & table.mask
    table.buckets[place] = (hashed >> 32) << 32 | (number + 1)


cdef int32_t grow_buckets(Table* table, uint64_t count) noexcept nogil:
    """Room for `count` entries at most half full."""
    cdef uint64_t size = 2 * FIRST_CAPACITY
    cdef uint64_t* buckets
    cdef Entry* entry
    cdef uint32_t number
    while size < 2 * count:
        size *= 2
    if table.buckets != NULL and size <= table.mask + 1:
        return TABLE_OK
    # Aligned to cache lines, so that the buckets of an account's fields share one.
    buckets = <uint64_t*>pages_take(size * sizeof(uint64_t))
    if buckets == NULL:
        return TABLE_NO_MEMORY
    memset(buckets, 0, size * sizeof(uint64_t))
    pages_free(table.buckets)
    table.buckets = buckets
    table.mask = size - 1
    for number in range(table.count):
        entry = &table.entries[number]
        place_entry(
            table, number, hash_key(entry_key(entry), entry.key_size, table.seed)
        )
    return TABLE_OK


cdef int32_t table_reserve(Table* table, uint64_t count) noexcept nogil:
    """Make room for `count` entries in all; TABLE_NO_MEMORY changes nothing."""
    cdef Entry* entries
    cdef uint64_t capacity = max(<uint64_t>FIRST_CAPACITY, count)
    if count <= table.capacity:
        return TABLE_OK
    if count > MAX_COUNT:
        return TABLE_NO_MEMORY
    if grow_buckets(table, capacity) != TABLE_OK:
        return TABLE_NO_MEMORY
    entries = <Entry*>realloc(table.entries, capacity * sizeof(Entry))
    if entries == NULL:
        return TABLE_NO_MEMORY
    pages_wish(entries, capacity * sizeof(Entry))
    table.entries = entries
    table.capacity = <uint32_t>capacity
    return TABLE_OK


cdef int32_t table_reserve_bytes(Table* table, uint64_t size) noexcept nogil:
    cdef uint64_t chunk_size
    cdef Chunk* chunk
    if size <= table.free_size:
        return TABLE_OK
    chunk_size = FIRST_CHUNK if table.chunk == NULL else table.chunk.size * 2
    chunk_size = max(size, min(chunk_size, <uint64_t>LAST_CHUNK))
    chunk = <Chunk*>malloc(sizeof(Chunk) + chunk_size)
    if chunk == NULL:
        return TABLE_NO_MEMORY
    pages_wish(chunk, chunk_size)
    table.wasted += table.free_size
    table.chunks_size += chunk_size
    chunk.before, chunk.size = table.chunk, chunk_size
    table.chunk = chunk
    table.free, table.free_size = <uint8_t*>(chunk + 1), chunk_size
    return TABLE_OK


cdef uint8_t* take(Table* table, uint64_t size) noexcept nogil:
    """`size` bytes that live as long as the table, aligned to 8; NULL without memory."""
    cdef uint8_t* taken
    size = (size + 7) & ~<uint64_t>7
    if table_reserve_bytes(table, size) != TABLE_OK:
        return NULL
    taken = table.free
    table.free += size
    table.free_size -= size
    return taken


cdef int64_t table_append(
    Table* table, const uint8_t* key, uint64_t size, uint64_t hashed
) noexcept nogil:
    """A new entry without a value for a key that has none; its number or TABLE_NO_MEMORY."""
    cdef Entry* entry
    cdef uint8_t* copied = NULL
    cdef uint64_t wanted = table.count
    if table.count == table.capacity:
        wanted = min(wanted * 2, <uint64_t>MAX_COUNT)
        if table_reserve(table, max(wanted, <uint64_t>table.count + 1)) != TABLE_OK:
            return TABLE_NO_MEMORY
    if size > INLINE_SIZE:
        copied = take(table, size) if size <= MAX_SIZE else NULL
        if copied == NULL:
            return TABLE_NO_MEMORY
        memcpy(copied, key, size)
    entry = &table.entries[table.count]
    entry.key_size, entry.value_size = <uint32_t>size, ABSENT_SIZE
    entry.key, entry.value = <uint64_t>copied, 0
    if copied == NULL:
        memcpy(&entry.key, key, size)
    place_entry(table, table.count, hashed)
    table.count += 1
    return table.count - 1


cdef int32_t table_put_long(
    Table* table, Entry* entry, const uint8_t* data, uint64_t size
) noexcept nogil:
    """Set a value where the old or the new one stands behind a pointer."""
    cdef bint was_long = entry.value_size > INLINE_SIZE and entry_has_value(entry)
    cdef uint8_t* block = <uint8_t*>entry.value if was_long else NULL
    cdef uint64_t room = (<uint64_t*>block)[0] if was_long else 0
    if size > room or size <= INLINE_SIZE:
        block = NULL
    if block == NULL and size > INLINE_SIZE:
        block = take(table, size + BLOCK_HEADER) if size <= MAX_SIZE else NULL
        if block == NULL:
            return TABLE_NO_MEMORY
        (<uint64_t*>block)[0] = size
    if was_long and <uint64_t>block != entry.value:
        table.wasted += room + BLOCK_HEADER
    table.live += entry.value_size == ABSENT_SIZE
    entry.value_size = <uint32_t>size
    if block == NULL:
        memcpy(&entry.value, data, size)
    else:
        memcpy(block + BLOCK_HEADER, data, size)
        entry.value = <uint64_t>block
    return TABLE_OK


cdef uint64_t table_size(const Table* table) noexcept nogil:
    cdef uint64_t buckets = table.mask + 1 if table.buckets != NULL else 0
    return buckets * sizeof(uint64_t) + table.capacity * sizeof(Entry) + table.chunks_size


cdef int32_t table_copy(Table* target, const Table* source) noexcept nogil:
    """Fill an empty table with the values of another, in its order; frees it without memory."""
    cdef const Entry* entry
    cdef int64_t made
    cdef uint32_t number
    if table_reserve(target, source.live) != TABLE_OK:
        table_free(target)
        return TABLE_NO_MEMORY
    for number in range(source.count):
        entry = &source.entries[number]
        if not entry_has_value(entry):
            continue
        made = table_append(
            target,
            entry_key(entry),
            entry.key_size,
            hash_key(entry_key(entry), entry.key_size, target.seed),
        )
        if made < 0 or table_put(
            target, <uint32_t>made, entry_value(entry), entry.value_size
        ) != TABLE_OK:
            table_free(target)
            return TABLE_NO_MEMORY
    return TABLE_OK
