// Logs (Yellow Paper, appendix H.2, 0xa0 to 0xa4).
#pragma once

#include "evm/run/instructions/running.hpp"

namespace blockstm::evm::instructions {

// LOG0 to LOG4. The topics' gas is part of the opcode's own.
inline int64_t log(Machine& machine, const u256& offset, const u256& size, const Hash32* topics,
                   uint8_t topic_count, int64_t gas) noexcept {
    const Frame& frame = running(machine);
    if (frame.is_static) return fail(machine, Failure::WriteProtection);
    gas = reach(machine, offset, size, gas);
    if (gas < 0) return gas;
    gas -= gas_of(frame).log_byte * static_cast<int64_t>(size.limb[0]);
    if (gas < 0) return gas;
    const Span data = memory_at(machine, offset, size);
    return machine.journal.log(frame.address, topics, topic_count, data) ? gas : OVER;
}

}  // namespace blockstm::evm::instructions
