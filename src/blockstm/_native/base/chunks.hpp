// Chunks of memory that pass from one use to the next within the process: what arenas and locations do not need
// between blocks holds the nodes of tries, and what these give back the next block. Memory fresh from the system would
// be cleared page by page, and what both kept for themselves would be there twice.
//
// Any thread, with any lock. In a forked child the store is whole and free.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include "base/array.hpp"
#include "base/fork_locks.hpp"
#include "base/memory_checks.hpp"
#include "base/pages.hpp"

namespace blockstm {

// Where memory errors are looked for, chunks are small, so that they are often moved on to.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr uint64_t CHUNK_SIZE_MIN = 1 << 10, CHUNK_SIZE_MAX = 1 << 12;
#else
inline constexpr uint64_t CHUNK_SIZE_MIN = 1 << 18, CHUNK_SIZE_MAX = 2 * HUGE_PAGE;
#endif

// The one store as the other modules see it. Without one, null, memory comes from the system and goes there.
struct ChunkStore {
    void* (*take)(uint64_t least, uint64_t wanted, uint64_t most, uint64_t* size);
    void (*give)(void* chunk, uint64_t size);
};

// A chunk of `least` to `most` bytes that nobody uses, or a fresh one of `wanted`; null where memory has run out.
inline void* chunk_take(const ChunkStore* store, uint64_t least, uint64_t wanted, uint64_t most,
                        uint64_t* size) noexcept {
    if (store != nullptr) return store->take(least, wanted, most, size);
    *size = wanted;
    return pages_take(wanted);
}

// Null is fine.
inline void chunk_give(const ChunkStore* store, void* chunk, uint64_t size) noexcept {
    if (store != nullptr && chunk != nullptr) return store->give(chunk, size);
    std::free(chunk);
}

// ---- buffers of any length, of which long ones are chunks

// The store that this module uses; null: none.
inline const ChunkStore* shared_chunks = nullptr;
inline void use_chunks(const ChunkStore* store) noexcept { shared_chunks = store; }

namespace chunks {

inline constexpr uint64_t HEADER = 64;  // the chunk's size, and what keeps the rest aligned
inline constexpr uint64_t LOOSE = 4;    // how many times too large a chunk may be

[[gnu::noinline, maybe_unused]] static void* take_buffer(uint64_t size) noexcept {
    if (size < CHUNK_SIZE_MIN) return std::malloc(size);
    if (size > UINT64_MAX / 8) return nullptr;
    uint64_t taken = size + HEADER;
    auto* const chunk = static_cast<uint8_t*>(chunk_take(shared_chunks, taken, taken, LOOSE * taken, &taken));
    if (chunk == nullptr) return nullptr;
    std::memcpy(chunk, &taken, sizeof taken);
    return chunk + HEADER;
}

// `size`: what it was taken with.
[[gnu::noinline, maybe_unused]] static void give_buffer(void* buffer, uint64_t size) noexcept {
    if (buffer == nullptr || size < CHUNK_SIZE_MIN) return std::free(buffer);
    uint8_t* const chunk = static_cast<uint8_t*>(buffer) - HEADER;
    std::memcpy(&size, chunk, sizeof size);
    chunk_give(shared_chunks, chunk, size);
}

// The memory of an `Array`.
struct Memory {
    static void* resized(void* buffer, uint64_t before, uint64_t size) noexcept {
        if (size < CHUNK_SIZE_MIN) return std::realloc(buffer, size);  // it grows only
        void* const larger = take_buffer(size);
        if (larger == nullptr) return nullptr;
        if (before != 0) std::memcpy(larger, buffer, before);
        give_buffer(buffer, before);
        return larger;
    }
    static void free(void* buffer, uint64_t size) noexcept { give_buffer(buffer, size); }
};

// The memory of a `std::vector`.
template <class Element>
struct Allocator {
    using value_type = Element;
    Allocator() noexcept = default;
    template <class Other>
    Allocator(const Allocator<Other>&) noexcept {}
    Element* allocate(size_t count) {
        if (void* const taken = take_buffer(count * sizeof(Element))) return static_cast<Element*>(taken);
        throw std::bad_alloc();
    }
    void deallocate(Element* elements, size_t count) noexcept { give_buffer(elements, count * sizeof(Element)); }
    bool operator==(const Allocator&) const noexcept = default;
};

}  // namespace chunks

// What is long for a while, in memory that others have used and will use.
template <class Element>
using LargeArray = Array<Element, chunks::Memory>;
template <class Element>
using LargeVector = std::vector<Element, chunks::Allocator<Element>>;

// ---- the store

class ChunkShelf {
public:
    static constexpr uint64_t KEPT = 128, KEPT_BYTES_MAX = uint64_t{128} << 20;

    void* take(uint64_t least, uint64_t wanted, uint64_t most, uint64_t* size) noexcept {
        if (most >= CHUNK_SIZE_MIN) {
            if (void* const kept = take_kept(least, wanted, most, size)) return kept;
        }
        *size = wanted;
        void* fresh = pages_take(wanted);
        if (fresh == nullptr) {
            clear();
            fresh = pages_take(wanted);
        }
        return fresh;
    }

    void give(void* chunk, uint64_t size) noexcept {
        if (size < CHUNK_SIZE_MIN || !keep(chunk, size)) std::free(chunk);
    }

    // Gives all that is kept back to the system.
    void clear() noexcept {
        uint64_t size;
        while (void* const kept = take_kept(0, UINT64_MAX, UINT64_MAX, &size)) std::free(kept);
    }

    uint64_t bytes() noexcept {
        if (!try_lock()) return 0;
        const uint64_t bytes = bytes_;
        lock_.unlock();
        return bytes;
    }

private:
    struct Kept {
        void* chunk;
        uint64_t size;
    };

    // Waits a moment only: who forks may have this lock and wait for one that the caller has.
    bool try_lock() noexcept {
        constexpr int TRIES = 200;
        for (int tries = 0; tries < TRIES; ++tries) {
            if (lock_.try_lock()) return true;
            std::this_thread::yield();
        }
        return false;
    }

    bool keep(void* chunk, uint64_t size) noexcept {
        if (!try_lock()) return false;
        const bool has_room = count_ < KEPT && size <= KEPT_BYTES_MAX - bytes_;
        if (has_room) {
            forbid_memory(chunk, size);
            kept_[count_++] = {chunk, size};
            bytes_ += size;
        }
        lock_.unlock();
        return has_room;
    }

    // The smallest that is as large as wanted, or else the largest.
    void* take_kept(uint64_t least, uint64_t wanted, uint64_t most, uint64_t* size) noexcept {
        if (!try_lock()) return nullptr;
        uint64_t best = count_;
        for (uint64_t place = 0; place < count_; ++place) {
            const uint64_t each = kept_[place].size;
            if (each < least || each > most) continue;
            if (best == count_ || is_better(each, kept_[best].size, wanted)) best = place;
        }
        void* chunk = nullptr;
        if (best != count_) {
            chunk = kept_[best].chunk;
            *size = kept_[best].size;
            kept_[best] = kept_[--count_];
            bytes_ -= *size;
            allow_memory(chunk, *size);
        }
        lock_.unlock();
        return chunk;
    }

    static bool is_better(uint64_t size, uint64_t than, uint64_t wanted) noexcept {
        if (than < wanted) return size > than;
        return size >= wanted && size < than;
    }

    ForkMutex lock_;
    uint64_t count_ = 0;
    uint64_t bytes_ = 0;
    Kept kept_[KEPT];
};

}  // namespace blockstm
