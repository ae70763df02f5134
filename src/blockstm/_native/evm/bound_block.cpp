// Bound blocks; see bound_block.hpp.
#include "evm/bound_block.hpp"

#include "evm/execute.hpp"

namespace blockstm::evm {
namespace {

// A thread's machine lives as long as the thread: its stack, memory and tables are made once.
Machine& machine_of_this_thread() noexcept {
    thread_local Machine machine;
    return machine;
}

}  // namespace

int32_t execute_bound(void* context, blockstm_view* view, int64_t index) noexcept {
    const auto& block = *static_cast<const BoundBlock*>(context);
    return execute_step(machine_of_this_thread(), block.env, block.steps[index], view);
}

}  // namespace blockstm::evm
