// About how often keys were asked for lately, whether or not anything is kept for them: a count-min sketch whose
// counts are halved from time to time. One thread at a time: its owner has a lock.
#pragma once

#include <algorithm>
#include <cstdint>

namespace blockstm::evm {

class Frequencies {
public:
    void count(uint64_t hash) noexcept {
        uint8_t& first = first_[first_of(hash)];
        uint8_t& second = second_[second_of(hash)];
        if (first < COUNT_MAX) ++first;
        if (second < COUNT_MAX) ++second;
        if (++counted_ == COUNTED_MAX) halve();
    }
    int of(uint64_t hash) const noexcept { return std::min(first_[first_of(hash)], second_[second_of(hash)]); }

private:
    static constexpr uint64_t CELLS = 1024;
    static constexpr uint8_t COUNT_MAX = 255;
    static constexpr uint32_t COUNTED_MAX = 8 * CELLS;

    // The upper bits say which shard a key belongs to.
    static uint64_t first_of(uint64_t hash) noexcept { return hash % CELLS; }
    static uint64_t second_of(uint64_t hash) noexcept { return (hash >> 24) % CELLS; }

    void halve() noexcept {
        for (uint8_t& count : first_) count /= 2;
        for (uint8_t& count : second_) count /= 2;
        counted_ = 0;
    }

    uint8_t first_[CELLS] = {};
    uint8_t second_[CELLS] = {};
    uint32_t counted_ = 0;
};

}  // namespace blockstm::evm
