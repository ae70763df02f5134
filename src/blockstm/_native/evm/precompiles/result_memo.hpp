// Outputs of precompiles that a worker computed lately in the block it runs. A rollup's verifier is asked to prove the
// same thing by every transaction of a batch, a transaction that runs again asks what it asked before, and a signature
// takes as long as a thousand opcodes. A later block finds nothing of it: it would take as long as blocks before it
// allowed, and one that is measured again and again nearly none. One thread at a time.
#pragma once

#include <memory>
#include <new>

#include "base/bytes.hpp"

namespace blockstm::evm {

class ResultMemo {
public:
    // Whether there is room for an input.
    static bool holds(Span input) noexcept { return input.size <= INPUT_MAX; }

    // What follows belongs to this run of a block by one worker, as a view names it; 0: nothing is remembered.
    void begin(uint64_t run) noexcept { run_ = run; }

    // The output of a successful call of the precompile of this number; null where it is not remembered.
    const Span* find(int number, Span input) noexcept {
        if (entries_ == nullptr || run_ == 0) return nullptr;
        const Entry& entry = entries_[place_of(number, input)];
        if (entry.run != run_ || entry.number != number || entry.input_size != input.size) return nullptr;
        if (input.size != 0 && std::memcmp(entry.input, input.data, input.size) != 0) return nullptr;
        found_ = {entry.output, entry.output_size};
        return &found_;
    }

    // What there is no memory for is forgotten.
    void put(int number, Span input, Span output) noexcept {
        if (run_ == 0 || output.size > sizeof Entry::output) return;
        if (entries_ == nullptr) entries_.reset(new (std::nothrow) Entry[COUNT]);
        if (entries_ == nullptr) return;
        Entry& entry = entries_[place_of(number, input)];
        entry.run = run_;
        entry.number = static_cast<uint16_t>(number);
        entry.input_size = static_cast<uint16_t>(input.size);
        entry.output_size = static_cast<uint16_t>(output.size);
        if (input.size != 0) std::memcpy(entry.input, input.data, input.size);
        if (output.size != 0) std::memcpy(entry.output, output.data, output.size);
    }

private:
    static constexpr uint64_t INPUT_MAX = 768;  // a check of four pairs
    static constexpr int COUNT_BITS = 7;
    static constexpr uint64_t COUNT = uint64_t{1} << COUNT_BITS;

    struct Entry {
        uint64_t run = 0;  // of no block
        uint16_t number, input_size, output_size;
        uint8_t output[64];
        uint8_t input[INPUT_MAX];
    };

    static uint64_t place_of(int number, Span input) noexcept {
        constexpr uint64_t FACTOR = 0x9E3779B97F4A7C15;
        uint64_t mixed = static_cast<uint64_t>(number) * FACTOR ^ input.size;
        for (uint64_t place = 0; place < input.size; place += sizeof mixed) {
            uint64_t word = 0;
            const uint64_t left = input.size - place;
            std::memcpy(&word, input.data + place, left < sizeof word ? left : sizeof word);
            mixed = (mixed ^ word) * FACTOR;
            mixed ^= mixed >> 29;
        }
        return mixed * FACTOR >> (64 - COUNT_BITS);
    }

    std::unique_ptr<Entry[]> entries_;  // made when something is remembered
    uint64_t run_ = 0;
    Span found_;
};

}  // namespace blockstm::evm
