// The interpreter: runs the program of the topmost frame; program.hpp describes programs.
#include "evm/run/interpreter_loop.hpp"

namespace blockstm::evm {

// What ends soon by its gas need not ask.
Exit interpret(Machine& machine) noexcept {
    return machine.frames.back().gas > Machine::SOON_GAS ? run<true, false>(machine) : run<false, false>(machine);
}

}  // namespace blockstm::evm
