// The messages that a machine runs; see machine.hpp.
#include "evm/run/machine_loop.hpp"

namespace blockstm::evm {

bool run_message(Machine& machine, const Message& message, ExecutionResult& result) noexcept {
    if (machine.runner != nullptr) [[unlikely]] return machine.runner->run(machine, message, result);
    const Entry entry = enter_first(machine, message, result);
    if (entry == Entry::Ended) return true;
    return entry == Entry::Running && run_frames<false>(machine, result);
}

}  // namespace blockstm::evm
