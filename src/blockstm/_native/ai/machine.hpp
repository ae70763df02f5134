// An instruction called, a program run, as precompiled contracts. Each call is on its own: any thread may make one, and
// many at the same time.
#pragma once

#include "ai/kernels.hpp"
#include "blockstm/precompile.h"

namespace blockstm::ai {

// What the table of a precompile leads to.
struct Callee {
    uint8_t opcode;  // which instruction is at the address
    Kernel kernel;
    uint8_t version;  // of the instruction set
};

// `blockstm_precompile.run`; the context is a Callee.
int32_t run(void* callee, blockstm_precompile_call* call) noexcept;

}  // namespace blockstm::ai
