// A block bound to the EVM: what the engine calls for each of its steps.
//
// Filled by bound.pyx with the GIL held, read-only while the engine runs it. `execute_bound` may be
// called by any number of threads at once; each thread has one machine, made at its first call and kept.
#pragma once

#include "base/bytes.hpp"
#include "blockstm/vm_abi.h"
#include "evm/block.hpp"

namespace blockstm::evm {

struct BoundBlock {
    BlockEnv env{};
    Array<Step> steps;

    bool reserve(uint64_t more) noexcept { return steps.reserve(steps.size() + more); }
    bool add(const Step& step) noexcept { return steps.push(step); }
};

// The `execute` of the engine's table; `context` is a BoundBlock.
int32_t execute_bound(void* context, blockstm_view* view, int64_t index) noexcept;

// The `admit` and `count` of the engine's table.
int32_t admit_bound(void* context, int64_t index, const blockstm_tally* tally,
                    blockstm_refusal* refusal) noexcept;
void count_bound(void* context, int64_t index, const uint8_t* output, uint64_t size,
                 blockstm_tally* tally) noexcept;

// The same as `execute_bound`, and `lines` has what EIP-3155 says of each instruction; false in `is_whole`
// where memory ran out for them.
int32_t execute_traced(const BoundBlock& block, blockstm_view* view, int64_t index, Bytes& lines,
                       bool& is_whole) noexcept;

}  // namespace blockstm::evm
