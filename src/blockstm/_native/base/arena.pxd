"""An arena: memory that is taken piece by piece and given back all at once, at the block's end, or chunk by chunk.

One per worker, so that no allocation is shared; its chunks are kept from block to block.
"""
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from blockstm._native.base.chunks cimport ChunkStore

cdef extern from "base/arena.hpp" namespace "blockstm" nogil:
    struct Chunk:
        Chunk* next
        uint64_t size
        int64_t mark           # the owner's, of what is in it

    struct Arena:
        uint8_t* cursor
        uint8_t* end
        Chunk* current
        Chunk* first
        uint64_t used          # bytes in the chunks before the current one
        const ChunkStore* store  # where chunks come from and go to; NULL: the system

    void chunk_forbid(Chunk* chunk) noexcept
    # Give up a chunk and those behind it, which are in no list any more.
    void arena_drop_all(const Arena* arena, Chunk* chunk) noexcept
    # Nothing is taken any more; chunks stay.
    void arena_forget(Arena* arena) noexcept
    # Give everything back at once, and let others have the chunks meanwhile, but for a small one to begin with.
    void arena_rest(Arena* arena) noexcept

    # ``size`` bytes, aligned to 8, not cleared; NULL where memory has run out.
    void* arena_take(Arena* arena, uint64_t size) noexcept

cdef enum:
    KEPT_CHUNKS = 32     # 64 MiB: what an idle arena keeps at most


cdef inline const uint8_t* arena_copy(Arena* arena, const uint8_t* data, uint64_t size) noexcept nogil:
    """A copy of ``size`` bytes; NULL where memory has run out."""
    cdef uint8_t* copied = <uint8_t*>arena_take(arena, size)
    if copied != NULL:
        memcpy(copied, data, size)
    return copied


cdef inline void arena_move_first_behind_current(Arena* arena) noexcept nogil:
    """Take the first chunk, which is not the current one, again: nobody needs what is in it any more."""
    cdef Chunk* chunk = arena.first
    chunk_forbid(chunk)
    arena.first = chunk.next
    arena.used -= chunk.size
    chunk.next = arena.current.next
    arena.current.next = chunk


cdef inline void arena_reset(Arena* arena) noexcept nogil:
    """Give everything back at once; keeps the first chunks, frees the rest."""
    cdef Chunk* chunk = arena.first
    cdef int kept = 1
    while chunk != NULL and kept < KEPT_CHUNKS:
        chunk_forbid(chunk)
        chunk = chunk.next
        kept += 1
    if chunk != NULL:
        chunk_forbid(chunk)
        arena_drop_all(arena, chunk.next)
        chunk.next = NULL
    arena_forget(arena)


cdef inline void arena_free(Arena* arena) noexcept nogil:
    arena_drop_all(arena, arena.first)
    arena.first = NULL
    arena_forget(arena)
