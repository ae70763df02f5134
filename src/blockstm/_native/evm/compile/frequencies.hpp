// About how often keys were asked for lately, whether or not anything is kept for them: a count-min sketch whose
// counts are halved from time to time. It takes memory with the first key, and where there is none it counts nothing.
// One thread at a time: its owner has a lock.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace blockstm::evm {

class Frequencies {
public:
    Frequencies() noexcept = default;
    Frequencies(const Frequencies&) = delete;
    Frequencies& operator=(const Frequencies&) = delete;
    ~Frequencies() { std::free(counts_); }

    void count(uint64_t hash) noexcept {
        if (counts_ == nullptr) counts_ = static_cast<Counts*>(std::calloc(1, sizeof(Counts)));
        if (counts_ == nullptr) return;
        uint8_t& first = counts_->first[first_of(hash)];
        uint8_t& second = counts_->second[second_of(hash)];
        if (first < COUNT_MAX) ++first;
        if (second < COUNT_MAX) ++second;
        if (++counted_ == COUNTED_MAX) halve();
    }
    int of(uint64_t hash) const noexcept {
        if (counts_ == nullptr) return 0;
        return std::min(counts_->first[first_of(hash)], counts_->second[second_of(hash)]);
    }

private:
    static constexpr uint64_t CELLS = 1024;
    static constexpr uint8_t COUNT_MAX = 255;
    static constexpr uint32_t COUNTED_MAX = 8 * CELLS;

    struct Counts {
        uint8_t first[CELLS], second[CELLS];
    };

    // The upper bits say which shard a key belongs to.
    static uint64_t first_of(uint64_t hash) noexcept { return hash % CELLS; }
    static uint64_t second_of(uint64_t hash) noexcept { return (hash >> 24) % CELLS; }

    void halve() noexcept {
        for (uint8_t& count : counts_->first) count /= 2;
        for (uint8_t& count : counts_->second) count /= 2;
        counted_ = 0;
    }

    Counts* counts_ = nullptr;
    uint32_t counted_ = 0;
};

}  // namespace blockstm::evm
