// Memory (Yellow Paper, appendix H.2, 0x51 to 0x53, 0x59; EIP-5656). KECCAK256 (0x20) reads it, too.
#pragma once

#include "crypto/keccak.hpp"
#include "evm/run/instructions/running.hpp"

namespace blockstm::evm::instructions {

// What loops are full of is handed the running frame, which their caller has in a register.

// MLOAD (0x51): the word at `offset`.
[[gnu::always_inline]] inline int64_t mload(Machine& machine, const Frame& frame, uint64_t offset, u256& word,
                                            int64_t gas) noexcept {
    gas = reach(machine, frame, offset, 32, gas);
    if (gas < 0) [[unlikely]] return gas;
    word = load_be(memory_of(machine, frame) + offset);
    return gas;
}

// MSTORE (0x52): puts a word at `offset`.
[[gnu::always_inline]] inline int64_t mstore(Machine& machine, const Frame& frame, uint64_t offset,
                                             const u256& word, int64_t gas) noexcept {
    gas = reach(machine, frame, offset, 32, gas);
    if (gas < 0) [[unlikely]] return gas;
    store_be(word, memory_of(machine, frame) + offset);
    return gas;
}

// MSTORE8 (0x53): puts a word's lowest byte at `offset`.
[[gnu::always_inline]] inline int64_t mstore8(Machine& machine, const Frame& frame, uint64_t offset,
                                              const u256& word, int64_t gas) noexcept {
    gas = reach(machine, frame, offset, 1, gas);
    if (gas < 0) [[unlikely]] return gas;
    memory_of(machine, frame)[offset] = static_cast<uint8_t>(word.limb[0]);
    return gas;
}

// MCOPY (0x5e): both ranges may overlap, and both are paid for as memory.
inline int64_t mcopy(Machine& machine, const u256& target, const u256& source, const u256& size,
                     int64_t gas) noexcept {
    gas = reach(machine, source, size, gas);
    if (gas < 0) return gas;
    gas = reach_to_copy(machine, target, size, gas);
    if (gas < 0) return gas;
    uint8_t* memory = memory_of(machine);
    if (!size.is_zero()) std::memmove(memory + target.limb[0], memory + source.limb[0], size.limb[0]);
    return gas;
}

// KECCAK256 (0x20): the hash of a range.
inline int64_t keccak(Machine& machine, const Frame& frame, uint64_t offset, uint64_t size, u256& hash,
                      int64_t gas) noexcept {
    gas = reach(machine, frame, offset, size, gas);
    if (gas < 0) return gas;
    gas -= gas_of(frame).keccak_word * static_cast<int64_t>(words_of(size));
    if (gas < 0) return gas;
    if (!counts_for(machine, size)) return OVER;
    if (size == HashMemo::SIZE) {
        hash = load_be(machine.hashes.hash(memory_of(machine, frame) + offset));
        return gas;
    }
    uint8_t bytes[32];
    keccak256(size == 0 ? nullptr : memory_of(machine, frame) + offset, size, bytes);
    hash = load_be(bytes);
    return gas;
}

}  // namespace blockstm::evm::instructions
