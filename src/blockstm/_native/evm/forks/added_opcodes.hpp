// Opcodes of the embedder's own, where a fork has none.
//
// What a translation has to know of them is a set, `OpcodeSet`: equal sets are one, and have one number, which is part
// of a code's variant. What they do is the block's: `AddedOpcodes`. Sets are kept as long as the process lives, so
// there are at most SETS_MAX of them. Any thread.
#pragma once

#include <cstdint>

#include "blockstm/opcode.h"

namespace blockstm::evm {

struct AddedOpcode {
    uint16_t gas;  // before it runs
    uint8_t inputs;
    uint8_t outputs;  // 0 or 1
    bool is_there;
};

struct OpcodeSet {
    AddedOpcode opcodes[256] = {};
};

// The number of a set, from 1 on; 0 where there is no room for another one.
uint16_t number_of_set(const OpcodeSet& set) noexcept;
// The set of a number; null for 0.
const OpcodeSet* opcode_set(uint16_t number) noexcept;

// Those of one block: filled before it runs, then read by all workers.
struct AddedOpcodes {
    uint16_t set = 0;
    OpcodeSet traits;
    blockstm_opcode run[256] = {};
};

}  // namespace blockstm::evm
