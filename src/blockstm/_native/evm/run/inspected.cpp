// The interpreter of machines that an inspector watches: the same loop, compiled apart, so that what it does
// for inspectors is no part of the other one.
#include "evm/run/interpreter_loop.hpp"

namespace blockstm::evm {

Exit interpret_inspected(Machine& machine) noexcept { return run<true, true>(machine); }

}  // namespace blockstm::evm
