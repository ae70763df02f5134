// Which bytes of a code are JUMPDESTs: what a PUSH carries is none (Yellow Paper, section 9.4.3). One thread at a
// time.
//
// A byte that no PUSH before it could carry begins an instruction, whatever else stands there. So for most places it is
// enough to read the 32 bytes before them, or those before these a few times. Code in which it is not is read from
// its beginning, once (strides.hpp); of that is kept where the first instruction of each 64 bytes begins.
#pragma once

#include <bit>
#include <cstring>

#include "base/bytes.hpp"
#include "evm/compile/code_memory.hpp"
#include "evm/compile/strides.hpp"
#include "evm/forks/opcodes.hpp"

namespace blockstm::evm {

class Jumpdests {
public:
    Jumpdests() noexcept = default;
    Jumpdests(const Jumpdests&) = delete;
    Jumpdests& operator=(const Jumpdests&) = delete;
    ~Jumpdests() { code_memory().give_back(entries_, size_); }

    // Whether there is a JUMPDEST at the place, which the code has.
    bool has(Span code, uint64_t place) noexcept {
        if (code.data[place] != op::JUMPDEST) return false;
        uint64_t start = 0;
        return find_start(code, place, start) ? start == place : look_up(code, place);
    }

    // Whether a byte before it could be a PUSH that carries it.
    static bool may_be_carried(Span code, uint64_t place) noexcept {
        return first_that_may_carry(code, place) != place;
    }

    // Where the instruction begins that the byte at the place belongs to; false where a few such reads do not tell.
    static bool find_start(Span code, uint64_t place, uint64_t& start) noexcept {
        uint64_t known = place;
        for (int steps = 0; known != 0; ++steps) {
            const uint64_t carrier = first_that_may_carry(code, known);
            if (carrier == known) break;
            if (steps == STEPS_MAX) return false;
            known = carrier;
        }
        do {
            start = known;
            known += 1 + immediate_size(code.data[known]);
        } while (known <= place);
        return true;
    }

    uint64_t bytes() const noexcept { return entries_ == nullptr ? 0 : CodeMemory::size_of_block(size_); }

private:
    static constexpr uint64_t PUSH_MAX = 32;  // bytes that one carries
    static constexpr uint8_t CARRIES_NONE = op::PUSH1 - 1;
    static constexpr int STEPS_MAX = 16;

    // The lowest place of a byte that, if it is an instruction, is a PUSH that carries the byte at `place`; that itself
    // where there is none.
    static uint64_t first_that_may_carry(Span code, uint64_t place) noexcept {
        if (place >= PUSH_MAX) [[likely]] return first_of_all_before(code.data + place - PUSH_MAX, place);
        for (uint64_t at = 0; at < place; ++at) {
            if (at + immediate_size(code.data[at]) >= place) return at;
        }
        return place;
    }

    // The same, given where the 32 bytes before it are; in vectors.
    static uint64_t first_of_all_before(const uint8_t* before, uint64_t place) noexcept {
        using Bytes = uint8_t __attribute__((vector_size(PUSH_MAX / 2)));
        constexpr Bytes FAR = {32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17};
        constexpr Bytes NEAR = {16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1};
        Bytes halves[2];
        std::memcpy(halves, before, sizeof halves);
        const Bytes sizes[2] = {halves[0] - CARRIES_NONE, halves[1] - CARRIES_NONE};  // large where it is no PUSH
        using Found = int8_t __attribute__((vector_size(PUSH_MAX / 2)));
        const Found found[2] = {
            (sizes[0] >= FAR) & (sizes[0] <= static_cast<uint8_t>(PUSH_MAX)),
            (sizes[1] >= NEAR) & (sizes[1] <= static_cast<uint8_t>(PUSH_MAX)),
        };
        static_assert(std::endian::native == std::endian::little);
        uint64_t words[PUSH_MAX / 8];
        std::memcpy(words, found, sizeof words);
        for (uint64_t word = 0; word < PUSH_MAX / 8; ++word) {
            if (words[word] != 0) return place - PUSH_MAX + 8 * word + std::countr_zero(words[word]) / 8;
        }
        return place;
    }

    bool look_up(Span code, uint64_t place) noexcept {
        if (entries_ == nullptr && !make_room(code)) return has_from(code, 0, place);
        const uint64_t block = place / STRIDE_BLOCK;
        if (block > known_) {
            follow_instructions(code, entries_, known_, block);
            known_ = block;
        }
        return has_from(code, block * STRIDE_BLOCK + entries_[block], place);
    }

    bool make_room(Span code) noexcept {
        size_ = code.size / STRIDE_BLOCK + 1;
        entries_ = static_cast<uint8_t*>(code_memory().take(size_));
        if (entries_ != nullptr) entries_[0] = 0;
        return entries_ != nullptr;
    }

    // Whether an instruction begins there, if one does at `at`.
    static bool has_from(Span code, uint64_t at, uint64_t place) noexcept {
        while (at < place) at += 1 + immediate_size(code.data[at]);
        return at == place;
    }

    uint8_t* entries_ = nullptr;  // where in a block of the code the first instruction begins
    uint64_t size_ = 0;
    uint64_t known_ = 0;  // the last block of which it is known
};

}  // namespace blockstm::evm
