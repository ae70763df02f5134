// How many outputs this process has computed that are remembered within a block (result_memo.hpp): what a test sees of
// whether they were remembered, and forgotten.
#pragma once

#include <cstdint>

#include "base/atomics.hpp"

namespace blockstm::evm {

extern Atomic<uint64_t> computed_results;  // by any thread

}  // namespace blockstm::evm
