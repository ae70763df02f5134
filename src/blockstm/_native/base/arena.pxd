"""An arena: memory that is taken piece by piece and given back all at once, at the block's end, or chunk by chunk.

One per worker, so that no allocation is shared; its chunks are kept from block to block.
"""
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from blockstm._native.base.pages cimport pages_free, pages_take, prefetch_to_write

cdef enum:
    PREFETCH_AHEAD = 512
    CHUNK_SIZE_MIN = 1 << 18
    CHUNK_SIZE = 1 << 21
    KEPT_CHUNKS = 32     # 64 MiB: what an idle arena keeps at most

cdef struct Chunk:
    Chunk* next
    uint64_t size
    int64_t mark           # the owner's, of what is in it

cdef struct Arena:
    uint8_t* cursor
    uint8_t* end
    Chunk* current
    Chunk* first
    uint64_t used          # bytes in the chunks before the current one


cdef inline uint64_t chunk_size_after(const Arena* arena) noexcept nogil:
    """Of the next chunk: half of those before, so that a third at most is not used; a large page from 4 MiB on."""
    cdef uint64_t half = (arena.used + arena.current.size) // 2 & ~<uint64_t>4095 if arena.current != NULL else 0
    if half >= CHUNK_SIZE:
        return CHUNK_SIZE
    return half if half > CHUNK_SIZE_MIN else CHUNK_SIZE_MIN


cdef inline uint8_t* arena_next_chunk(Arena* arena, uint64_t size) noexcept nogil:
    """Move on to a chunk with room for ``size`` bytes; NULL where memory has run out."""
    cdef Chunk* following = arena.current.next if arena.current != NULL else arena.first
    cdef Chunk* chunk = following
    cdef uint64_t wanted = size + sizeof(Chunk)
    cdef uint64_t usual
    if chunk == NULL or chunk.size < wanted:
        usual = chunk_size_after(arena)
        if wanted < usual:
            wanted = usual
        chunk = <Chunk*>pages_take(wanted)
        if chunk == NULL:
            return NULL
        chunk.size = wanted
        chunk.next = following
        if arena.current != NULL:
            arena.current.next = chunk
        else:
            arena.first = chunk
    if arena.current != NULL:
        arena.used += arena.current.size
    arena.current = chunk
    arena.cursor = <uint8_t*>chunk + sizeof(Chunk)
    arena.end = <uint8_t*>chunk + chunk.size
    return arena.cursor


cdef inline void* arena_take(Arena* arena, uint64_t size) noexcept nogil:
    """``size`` bytes, aligned to 8, not cleared; NULL where memory has run out."""
    cdef uint8_t* taken = arena.cursor
    size = (size + 7) & ~<uint64_t>7
    if <uint64_t>(arena.end - taken) < size:
        taken = arena_next_chunk(arena, size)
        if taken == NULL:
            return NULL
    # What is taken is about to be written; its memory was last touched a block ago.
    prefetch_to_write(taken + PREFETCH_AHEAD)
    arena.cursor = taken + size
    return taken


cdef inline const uint8_t* arena_copy(Arena* arena, const uint8_t* data, uint64_t size) noexcept nogil:
    """A copy of ``size`` bytes; NULL where memory has run out."""
    cdef uint8_t* copied = <uint8_t*>arena_take(arena, size)
    if copied != NULL:
        memcpy(copied, data, size)
    return copied


cdef inline void arena_move_first_behind_current(Arena* arena) noexcept nogil:
    """Take the first chunk, which is not the current one, again: nobody needs what is in it any more."""
    cdef Chunk* chunk = arena.first
    arena.first = chunk.next
    arena.used -= chunk.size
    chunk.next = arena.current.next
    arena.current.next = chunk


cdef inline void arena_reset(Arena* arena) noexcept nogil:
    """Give everything back at once; keeps the first chunks, frees the rest."""
    cdef Chunk* chunk = arena.first
    cdef Chunk* excess
    cdef int kept = 1
    while chunk != NULL and kept < KEPT_CHUNKS:
        chunk = chunk.next
        kept += 1
    if chunk != NULL:
        excess = chunk.next
        chunk.next = NULL
        chunk = excess
        while chunk != NULL:
            excess = chunk.next
            pages_free(chunk)
            chunk = excess
    arena.current = NULL
    arena.used = 0
    arena.cursor = NULL
    arena.end = NULL


cdef inline void arena_free(Arena* arena) noexcept nogil:
    cdef Chunk* chunk = arena.first
    cdef Chunk* following
    while chunk != NULL:
        following = chunk.next
        pages_free(chunk)
        chunk = following
    arena.first = NULL
    arena.current = NULL
    arena.cursor = NULL
    arena.end = NULL
