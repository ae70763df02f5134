// Codes that were read from the disk lately, by their hash: so many bytes of them, read without locks.
//
// A code that was given stays until `make_room`. Threads: any number may `find` and `fill`, on the condition that
// none makes room meanwhile; who does is alone, and nobody keeps what he was given.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>

#include "base/array.hpp"
#include "base/atomics.hpp"
#include "base/byte_view.hpp"

namespace blockstm::store {

class CodeCache {
public:
    CodeCache() noexcept = default;
    CodeCache(const CodeCache&) = delete;
    CodeCache& operator=(const CodeCache&) = delete;
    ~CodeCache() {
        for (uint64_t place = 0; cells_ != nullptr && place <= mask_; ++place) std::free(cells_[place].read_plain());
    }

    // As many codes as fit into so many bytes. False: out of memory.
    bool open(uint64_t bytes) noexcept {
        uint64_t cells = CELLS_MIN;
        while (cells * SMALL < bytes) cells *= 2;
        mask_ = cells - 1;
        limit_ = bytes;
        cells_.reset(new (std::nothrow) Atomic<Code*>[cells]());
        return cells_ != nullptr;
    }

    bool find(const uint8_t* hash, ByteView& code) noexcept {
        for (uint64_t step = 0; step < STEPS; ++step) {
            Code* const held = cell(hash, step).observe();
            if (held == nullptr || std::memcmp(held->hash, hash, HASH_SIZE) != 0) continue;
            if (held->was_found.peek() == 0) held->was_found.suggest(1);
            code = {held->bytes(), held->size};
            return true;
        }
        return false;
    }

    // Keeps a copy, if there is room.
    void fill(const uint8_t* hash, ByteView code) noexcept {
        const uint64_t size = sizeof(Code) + code.size();
        Code* const made = taken_.count_up(size) + size <= limit_ ? make(hash, code) : nullptr;
        if (made != nullptr && put(made)) return;
        std::free(made);
        taken_.count_down(size);
        is_short_.suggest(1);
    }

    // Forgets codes that nobody found since the last time, if there was no room for one.
    void make_room() noexcept {
        if (is_short_.peek() == 0) return;
        is_short_.suggest(0);
        for (uint64_t place = 0; place <= mask_; ++place) {
            Code* const held = cells_[place].read_plain();
            if (held == nullptr) continue;
            if (held->was_found.peek() != 0) {
                held->was_found.suggest(0);
                continue;
            }
            cells_[place].prepare(nullptr);
            taken_.count_down(sizeof(Code) + held->size);
            std::free(held);
        }
    }

    uint64_t memory() const noexcept { return taken_.peek(); }

private:
    static constexpr uint64_t STEPS = 8;
    static constexpr uint64_t CELLS_MIN = 64;
    static constexpr uint64_t SMALL = 1024;  // bytes of a code, for which there are cells enough

    struct Code {
        uint8_t hash[HASH_SIZE];
        uint64_t size;
        Atomic<uint32_t> was_found;
        uint8_t* bytes() noexcept { return reinterpret_cast<uint8_t*>(this + 1); }
    };

    Atomic<Code*>& cell(const uint8_t* hash, uint64_t step) const noexcept {
        uint64_t place;
        std::memcpy(&place, hash, sizeof place);
        return cells_[(place + step) & mask_];
    }

    static Code* make(const uint8_t* hash, ByteView code) noexcept {
        void* const room = std::malloc(sizeof(Code) + code.size());
        if (room == nullptr) return nullptr;
        Code* const made = new (room) Code;
        std::memcpy(made->hash, hash, HASH_SIZE);
        made->size = code.size();
        made->was_found.prepare(1);
        put_bytes(made->bytes(), code);
        return made;
    }

    // Of two that put the same code, the later sees the other's: both go the same way.
    bool put(Code* made) noexcept {
        for (uint64_t step = 0; step < STEPS; ++step) {
            Code* held = nullptr;
            if (cell(made->hash, step).replace(held, made)) return true;
            if (std::memcmp(held->hash, made->hash, HASH_SIZE) == 0) return false;
        }
        return false;
    }

    uint64_t mask_ = 0;
    uint64_t limit_ = 0;
    Atomic<uint64_t> taken_{0};
    Atomic<uint32_t> is_short_{0};
    std::unique_ptr<Atomic<Code*>[]> cells_;
};

}  // namespace blockstm::store
