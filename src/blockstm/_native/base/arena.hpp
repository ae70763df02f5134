// An arena's chunks, and how memory is taken from them; see arena.pxd.
#pragma once

#include <algorithm>
#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "base/pages.hpp"

namespace blockstm {

struct Chunk {
    Chunk* next;
    uint64_t size;
    int64_t mark;  // the owner's, of what is in it
};

struct Arena {
    uint8_t* cursor;
    uint8_t* end;
    Chunk* current;
    Chunk* first;
    uint64_t used;  // bytes in the chunks before the current one
};

// Where memory errors are looked for, chunks are small, so that they are often moved on to.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr uint64_t CHUNK_SIZE_MIN = 1 << 10, CHUNK_SIZE_MAX = 1 << 12;
#else
inline constexpr uint64_t CHUNK_SIZE_MIN = 1 << 18, CHUNK_SIZE_MAX = HUGE_PAGE;
#endif

// Where memory errors are looked for, what was given back is an error to touch until it is taken again.
inline void chunk_forbid([[maybe_unused]] Chunk* chunk) noexcept {
#if defined(__SANITIZE_ADDRESS__)
    ASAN_POISON_MEMORY_REGION(chunk + 1, chunk->size - sizeof(Chunk));
#endif
}

inline void chunk_allow([[maybe_unused]] Chunk* chunk) noexcept {
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(chunk + 1, chunk->size - sizeof(Chunk));
#endif
}

// Half of those before, so that a third at most is not used; a large page from 4 MiB on.
inline uint64_t chunk_size_after(const Arena& arena) noexcept {
    const uint64_t before = arena.current == nullptr ? 0 : arena.used + arena.current->size;
    return std::clamp(before / 2 & ~uint64_t{4095}, CHUNK_SIZE_MIN, CHUNK_SIZE_MAX);
}

// Moves on to a chunk with room for `size` bytes; null where memory has run out. Not inline: what takes memory is, and
// seldom comes here.
[[gnu::noinline, maybe_unused]] static uint8_t* arena_next_chunk(Arena* arena, uint64_t size) noexcept {
    Chunk* const following = arena->current == nullptr ? arena->first : arena->current->next;
    Chunk* chunk = following;
    const uint64_t wanted = size + sizeof(Chunk);
    if (chunk == nullptr || chunk->size < wanted) {
        const uint64_t taken = std::max(wanted, chunk_size_after(*arena));
        chunk = static_cast<Chunk*>(pages_take(taken));
        if (chunk == nullptr) return nullptr;
        chunk->size = taken;
        chunk->next = following;
        (arena->current == nullptr ? arena->first : arena->current->next) = chunk;
    }
    chunk_allow(chunk);
    if (arena->current != nullptr) arena->used += arena->current->size;
    arena->current = chunk;
    arena->cursor = reinterpret_cast<uint8_t*>(chunk + 1);
    arena->end = reinterpret_cast<uint8_t*>(chunk) + chunk->size;
    return arena->cursor;
}

// `size` bytes, aligned to 8, not cleared; null where memory has run out.
[[gnu::always_inline]] inline void* arena_take(Arena* arena, uint64_t size) noexcept {
    constexpr uint64_t PREFETCH_AHEAD = 512;
    uint8_t* taken = arena->cursor;
    size = (size + 7) & ~uint64_t{7};
    if (static_cast<uint64_t>(arena->end - taken) < size) [[unlikely]] {
        taken = arena_next_chunk(arena, size);
        if (taken == nullptr) return nullptr;
    }
    // What is taken is about to be written; its memory was last touched a block ago.
    prefetch_to_write(taken + PREFETCH_AHEAD);
    arena->cursor = taken + size;
    return taken;
}

}  // namespace blockstm
