// Outputs of precompiles that a block's workers have computed while they ran it. A rollup's verifier is asked to prove
// the same thing by every transaction of a batch, and a transaction that runs again asks what it asked before, often on
// another worker; a signature takes as long as a thousand opcodes. Another run of the block finds nothing of it: one
// that is measured again and again would take nearly no time.
//
// Any number of threads. What a hash finds is what was asked for: Keccak-256 of an input is as good as the input.
#pragma once

#include <algorithm>
#include <mutex>

#include "base/bytes.hpp"
#include "base/fork_locks.hpp"
#include "crypto/keccak.hpp"

namespace blockstm::evm {

class ResultMemo {
public:
    // A call of the precompile of a number.
    struct Key {
        Key(int called, Span input) noexcept : number(called) { keccak256(input.data, input.size, hash.bytes); }
        friend bool operator==(const Key& left, const Key& right) noexcept {
            return left.number == right.number && left.hash == right.hash;
        }
        Hash32 hash;
        int number;
    };

    // Whether to hash the input costs little beside what the dearest precompiles do with it.
    static bool holds(Span input) noexcept { return input.size <= INPUT_MAX; }

    // Appends what a call came to that succeeded in this run of the block. False where it is not remembered, or there
    // is no memory for it.
    bool find(uint64_t run, const Key& key, Bytes& output) noexcept {
        const std::lock_guard guard(lock_);
        if (run != run_ || places_.empty()) return false;
        const uint16_t place = *place_of(key);
        if (place == NOWHERE) return false;
        const Entry& entry = entries_[place];
        return output.append(outputs_.data() + entry.output, entry.output_size);
    }

    // What there is no memory for is forgotten, and so is everything where there is no room.
    void put(uint64_t run, const Key& key, Span output) noexcept {
        if (output.size > OUTPUT_MAX) return;
        const std::lock_guard guard(lock_);
        if (run != run_ || entries_.size() == COUNT_MAX) forget();
        run_ = run;
        if (places_.empty() && !make_places()) return;
        uint16_t* const place = place_of(key);
        if (*place != NOWHERE) return;  // another worker was first
        const auto first = static_cast<uint32_t>(outputs_.size());
        if (!entries_.push({key, first, static_cast<uint32_t>(output.size)})) return;
        if (outputs_.append(output.data, output.size)) {
            *place = static_cast<uint16_t>(entries_.size() - 1);
        } else {
            entries_.pop();
        }
    }

private:
    static constexpr uint64_t INPUT_MAX = 768;   // a check of four pairs
    static constexpr uint64_t OUTPUT_MAX = 256;  // a point of BLS12-381's G2
    static constexpr uint64_t COUNT_MAX = 4096, PLACES = 2 * COUNT_MAX;
    static constexpr uint16_t NOWHERE = UINT16_MAX;

    struct Entry {
        Key key;
        uint32_t output, output_size;  // where in `outputs_`
    };

    bool make_places() noexcept {
        if (places_.extend(PLACES) == nullptr) return false;
        forget();
        return true;
    }
    void forget() noexcept {
        std::fill(places_.begin(), places_.end(), NOWHERE);
        entries_.clear();
        outputs_.clear();
    }
    // Where it stands, or would stand: there is always a place left.
    uint16_t* place_of(const Key& key) noexcept {
        uint64_t at;
        std::memcpy(&at, key.hash.bytes, sizeof at);
        for (;; ++at) {
            uint16_t& place = places_[at % PLACES];
            if (place == NOWHERE || entries_[place].key == key) return &place;
        }
    }

    ForkMutex lock_;           // a block outlives its runs, and a forked child may run it again
    uint64_t run_ = 0;         // whose outputs these are
    Array<uint16_t> places_;   // made when something is remembered: by the hash, in `entries_`
    Array<Entry> entries_;
    Bytes outputs_;
};

}  // namespace blockstm::evm
