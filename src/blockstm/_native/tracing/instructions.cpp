// Instructions; see instructions.hpp.
#include "tracing/instructions.hpp"

namespace blockstm::tracing {

Words Instruction::error(evm::Fork fork) const noexcept {
    if (failure == evm::Failure::None || failure == evm::Failure::Reverted) return {};
    return step_failure(failure, {step.opcode, step.height, step.gas}, fork);
}

}  // namespace blockstm::tracing
