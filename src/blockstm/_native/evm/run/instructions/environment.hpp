// The frame's surroundings and the transaction's (Yellow Paper, appendix H.2, 0x30 to 0x4a). What is just a field
// is read in operations/environment.inc, what is the chain's to answer in chain.hpp.
#pragma once

#include "evm/run/instructions/running.hpp"

namespace blockstm::evm::instructions {

// --- call data, code, return data -----------------------------------------------------------------

// CALLDATALOAD (0x35): the word at `offset`; behind the end there are zeros.
inline u256 calldataload(const Span& input, uint64_t offset) noexcept {
    if (offset < input.size && input.size - offset >= 32) [[likely]] return load_be(input.data + offset);
    if (offset >= input.size) return 0;
    uint8_t bytes[32] = {};
    std::memcpy(bytes, input.data + offset, input.size - offset);
    return load_be(bytes);
}

// CALLDATACOPY (0x37), CODECOPY (0x39): from `source` on; behind the end there are zeros.
inline int64_t copy(Machine& machine, const Span& source, const u256& target, const u256& begin, const u256& size,
                    int64_t gas) noexcept {
    gas = reach_to_copy(machine, target, size, gas);
    if (gas < 0 || size.is_zero()) return gas;
    copy_padded(memory_of(machine) + target.limb[0], source, saturate(begin), size.limb[0]);
    return gas;
}

// RETURNDATACOPY (0x3e): reading past the end is a failure (EIP-211).
inline int64_t returndatacopy(Machine& machine, const u256& target, const u256& begin, const u256& size,
                              int64_t gas) noexcept {
    gas = reach_to_copy(machine, target, size, gas);
    if (gas < 0) return gas;
    const uint64_t there = machine.return_data.size();
    if (saturate(begin) > there || size.limb[0] > there - begin.limb[0]) return fail(machine, Failure::OutOfBounds);
    if (!size.is_zero()) {
        std::memcpy(memory_of(machine) + target.limb[0], machine.return_data.data() + begin.limb[0], size.limb[0]);
    }
    return gas;
}

// --- the transaction ------------------------------------------------------------------------------

// BLOBHASH (0x49, EIP-4844): zero where the transaction has no such blob.
inline u256 blobhash(const TransactionEnv& transaction, const u256& index) noexcept {
    if (saturate(index) >= transaction.blob_count) return 0;
    return from_hash(transaction.blob_hashes[index.limb[0]]);
}

}  // namespace blockstm::evm::instructions
