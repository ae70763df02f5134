// The memory of all frames of a machine, one behind the other in one region (Yellow Paper 9.1).
//
// A frame's memory begins at its `memory_base`, which is where its caller's ends; it is zeroed as it
// grows, because a frame that ended may have written there. The region moves when it grows: a
// pointer into it is taken again after anything that can grow it. One thread at a time.
#pragma once

#include "base/bytes.hpp"

namespace blockstm::evm {

class Memory {
public:
    Memory() noexcept = default;
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory() { std::free(bytes_); }

    uint8_t* at(uint64_t place) noexcept { return bytes_ + place; }
    const uint8_t* at(uint64_t place) const noexcept { return bytes_ + place; }

    // Makes [begin, end) exist and zeroes it. False where memory runs out: nothing has changed then.
    bool grow(uint64_t begin, uint64_t end) noexcept {
        if (end > capacity_ && !reserve(end)) return false;
        std::memset(bytes_ + begin, 0, end - begin);
        return true;
    }

    // Gives back what an unusual transaction took. Only between transactions.
    void trim() noexcept {
        if (capacity_ <= KEPT_BYTES) return;
        std::free(bytes_);
        bytes_ = nullptr;
        capacity_ = 0;
    }

private:
    static constexpr uint64_t KEPT_BYTES = uint64_t{1} << 24;
    // More than any block can pay for; keeps sizes far from where they wrap.
    static constexpr uint64_t BYTES_MAX = uint64_t{1} << 40;

    [[gnu::noinline, gnu::cold]] bool reserve(uint64_t end) noexcept {
        if (end > BYTES_MAX) return false;
        uint64_t wanted = capacity_ < 1 << 16 ? 1 << 16 : 2 * capacity_;
        while (wanted < end) wanted *= 2;
        auto* grown = static_cast<uint8_t*>(std::realloc(bytes_, wanted));
        if (grown == nullptr && wanted > end) grown = static_cast<uint8_t*>(std::realloc(bytes_, wanted = end));
        if (grown == nullptr) return false;
        bytes_ = grown;
        capacity_ = wanted;
        return true;
    }

    uint8_t* bytes_ = nullptr;
    uint64_t capacity_ = 0;
};

}  // namespace blockstm::evm
