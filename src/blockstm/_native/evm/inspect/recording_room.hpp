// How much the recordings of a block's runs may hold: each by itself, and together those that count and those that may.
//
// A run takes room before it writes, in parts, so that it rarely meets the counter that all workers share. A run of
// speculation may find none although there is enough for what becomes final; who set the limit runs the block again
// on one worker then, where all that is held is final but the run itself.
#pragma once

#include <cstdint>

#include "base/atomics.hpp"

namespace blockstm::evm {

// Any thread; its limit is set before there are runs.
class RecordingRoom {
public:
    static constexpr uint64_t PART_BYTES = 64 << 10;

    static uint64_t parts_of(uint64_t bytes) noexcept { return (bytes + PART_BYTES - 1) / PART_BYTES * PART_BYTES; }

    void limit(uint64_t bytes, uint64_t bytes_of_each) noexcept {
        bytes_max_ = bytes;
        bytes_of_each_max_ = bytes_of_each;
    }

    // For a run that has so much then. False where there is no more; it is taken all the same, until it is given back.
    bool take(uint64_t bytes, uint64_t of_the_run) noexcept {
        const uint64_t used = used_.count_up(bytes) + bytes;
        return used <= bytes_max_ && of_the_run <= bytes_of_each_max_;
    }
    // Gives some back, and takes some whether it is there or not.
    void exchange(uint64_t given_back, uint64_t taken) noexcept {
        used_.count_up(taken - given_back);
    }

private:
    Atomic<uint64_t> used_{0};
    uint64_t bytes_max_ = UINT64_MAX;
    uint64_t bytes_of_each_max_ = UINT64_MAX;
};

}  // namespace blockstm::evm
