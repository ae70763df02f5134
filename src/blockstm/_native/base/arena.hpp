// An arena's chunks, and how memory is taken from them; see arena.pxd.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/chunks.hpp"
#include "base/memory_checks.hpp"
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
    const ChunkStore* store;  // where chunks come from and go to; null: the system
};

// What was given back is an error to touch until it is taken again.
inline void chunk_forbid(Chunk* chunk) noexcept { forbid_memory(chunk + 1, chunk->size - sizeof(Chunk)); }
inline void chunk_allow(Chunk* chunk) noexcept { allow_memory(chunk + 1, chunk->size - sizeof(Chunk)); }

// Gives up a chunk and those behind it, which are in no list any more.
[[gnu::noinline, maybe_unused]] static void arena_drop_all(const Arena* arena, Chunk* chunk) noexcept {
    while (chunk != nullptr) {
        Chunk* const following = chunk->next;
        chunk_allow(chunk);
        chunk_give(arena->store, chunk, chunk->size);
        chunk = following;
    }
}

inline void arena_forget(Arena* arena) noexcept {
    arena->current = nullptr;
    arena->used = 0;
    arena->cursor = arena->end = nullptr;
}

// Gives everything back at once, and lets others have the chunks meanwhile, but for a small one to begin with.
inline void arena_rest(Arena* arena) noexcept {
    Chunk* excess = arena->first;
    arena->first = nullptr;
    if (excess != nullptr && excess->size == CHUNK_SIZE_MIN) {
        arena->first = excess;
        excess = excess->next;
        arena->first->next = nullptr;
        chunk_forbid(arena->first);
    }
    arena_drop_all(arena, excess);
    arena_forget(arena);
}

// Half of those before, so that a third at most is not used; 4 MiB from 8 MiB on.
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
        uint64_t taken = std::max(wanted, chunk_size_after(*arena));
        const uint64_t most = std::max(taken, CHUNK_SIZE_MAX);
        chunk = static_cast<Chunk*>(chunk_take(arena->store, wanted, taken, most, &taken));
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
