// Memory for the nodes of tries: small blocks from growing chunks, given back to lists by size. A trie that
// changes for days uses what it freed; dropping the pool frees everything without reading the nodes.
// Belongs to one NodeStore, under its lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "base/chunks.hpp"
#include "base/memory_checks.hpp"

namespace blockstm::trie {

class Pool {
public:
    Pool() noexcept = default;
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    ~Pool() {
        free_all(chunks_);
        while (large_.next != &large_) unlink_large(large_.next);
    }

    // Before it is used: where large chunks come from and go to; by default the system.
    void set_store(const ChunkStore* store) noexcept { store_ = store; }
    const ChunkStore* store() const noexcept { return store_; }

    // Null: out of memory. Aligned for any plain type. Pre: `size` is not 0.
    void* take(uint64_t size) noexcept {
        if (size > SMALL_MAX) return take_large(size);
        const uint64_t kind = (size + STEP - 1) / STEP;
        in_use_ += kind * STEP;
        if (Free* block = free_[kind]; block != nullptr) {
            allow_memory(block, kind * STEP);
            free_[kind] = block->next;
            --free_count_[kind];
            return block;
        }
        if (left_ < kind * STEP && !grow()) return nullptr;
        uint8_t* block = next_;
        next_ += kind * STEP;
        left_ -= kind * STEP;
        return block;
    }

    // What it took from the system for small blocks, in bytes.
    uint64_t memory() const noexcept { return memory_; }
    // What small blocks were taken, less those given back: of pools that give back each other's the sum is right.
    uint64_t in_use() const noexcept { return in_use_; }

    // Pre: `block` was taken with this very size, or is null.
    void give(void* block, uint64_t size) noexcept {
        if (block == nullptr) return;
        if (size > SMALL_MAX) return unlink_large(static_cast<Large*>(block) - 1);
        const uint64_t kind = (size + STEP - 1) / STEP;
        in_use_ -= kind * STEP;
        free_[kind] = new (block) Free{free_[kind]};
        ++free_count_[kind];
        forbid_memory(block, kind * STEP);
    }

    // Evens out the free blocks of two pools that give back each other's. Where one gives back what the other took,
    // all the time, it would have ever more, and the other take ever more from the system.
    void share_free(Pool& other) noexcept {
        for (uint64_t kind = 1; kind < KINDS; ++kind) {
            Pool& more = free_count_[kind] > other.free_count_[kind] ? *this : other;
            Pool& less = &more == this ? other : *this;
            const uint64_t count = (more.free_count_[kind] - less.free_count_[kind]) / 2;
            if (count >= SHARED_MIN) more.move_free(kind, count, less);
        }
    }

private:
    struct Free {
        Free* next;
    };
    struct alignas(std::max_align_t) Chunk {
        Chunk* next;
        uint64_t size;
    };
    struct alignas(std::max_align_t) Large {  // stands before its block
        Large* next;
        Large* before;
    };

    static constexpr uint64_t STEP = alignof(std::max_align_t);
    static constexpr uint64_t SMALL_MAX = 512;
    static constexpr uint64_t KINDS = SMALL_MAX / STEP + 1;
    static constexpr uint64_t SHARED_MIN = 64;
    static constexpr uint64_t CHUNK_MIN = 4096;
    static constexpr uint64_t CHUNK_MAX = HUGE_PAGE;  // nodes are met in no order, each in another small page

    void free_all(Chunk* chunk) const noexcept {
        while (chunk != nullptr) {
            Chunk* next = chunk->next;
            const uint64_t size = chunk->size;
            allow_memory(chunk, size);
            chunk_give(store_, chunk, size);
            chunk = next;
        }
    }

    // Pre: there are so many.
    void move_free(uint64_t kind, uint64_t count, Pool& to) noexcept {
        Free* const first = free_[kind];
        Free* last = first;
        for (uint64_t left = count - 1; left != 0; --left) last = next_of(last);
        free_[kind] = next_of(last);
        allow_memory(last, sizeof(Free));
        last->next = to.free_[kind];
        forbid_memory(last, sizeof(Free));
        to.free_[kind] = first;
        free_count_[kind] -= count;
        to.free_count_[kind] += count;
    }

    static Free* next_of(Free* block) noexcept {
        allow_memory(block, sizeof(Free));
        Free* const next = block->next;
        forbid_memory(block, sizeof(Free));
        return next;
    }

    bool grow() noexcept {
        uint64_t size = chunk_size_;
        auto* chunk = static_cast<Chunk*>(size < CHUNK_SIZE_MIN
                                              ? std::malloc(size)
                                              : chunk_take(store_, CHUNK_SIZE_MIN, size, 2 * size, &size));
        if (chunk == nullptr) return false;
        chunk->next = chunks_;
        chunk->size = size;
        chunks_ = chunk;
        next_ = reinterpret_cast<uint8_t*>(chunk + 1);
        left_ = size - sizeof(Chunk);
        memory_ += size;
        if (chunk_size_ < CHUNK_MAX) chunk_size_ *= 2;
        return true;
    }

    void* take_large(uint64_t size) noexcept {
        if (size > UINT64_MAX / 2) return nullptr;
        auto* block = static_cast<Large*>(std::malloc(sizeof(Large) + size));
        if (block == nullptr) return nullptr;
        block->next = large_.next;
        block->before = &large_;
        block->next->before = large_.next = block;
        return block + 1;
    }

    static void unlink_large(Large* block) noexcept {
        block->before->next = block->next;
        block->next->before = block->before;
        std::free(block);
    }

    Free* free_[KINDS] = {};
    uint64_t free_count_[KINDS] = {};
    Chunk* chunks_ = nullptr;
    Large large_{&large_, &large_};
    uint8_t* next_ = nullptr;
    uint64_t left_ = 0;
    uint64_t memory_ = 0;
    uint64_t in_use_ = 0;
    uint64_t chunk_size_ = CHUNK_MIN;
    const ChunkStore* store_ = nullptr;
};

}  // namespace blockstm::trie
