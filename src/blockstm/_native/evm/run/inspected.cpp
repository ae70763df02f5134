// What runs on machines that an inspector watches: the same loops, compiled apart, so that what they do for
// inspectors is no part of the others.
#include "evm/run/interpreter_loop.hpp"
#include "evm/run/machine_loop.hpp"

namespace blockstm::evm {

Exit interpret_inspected(Machine& machine) noexcept { return run<true, true>(machine); }

namespace {

class InspectedRunner final : public MessageRunner {
    bool run(Machine& machine, const Message& message, ExecutionResult& result) noexcept override {
        tell_call(machine, message);
        const Entry entry = enter_first(machine, message, result);
        if (entry != Entry::Ended) return entry == Entry::Running && run_frames<true>(machine, result);
        tell_call_end(machine, message.creates ? CallKind::Create : CallKind::Call, 0, result, {});
        return true;
    }
};

}  // namespace

MessageRunner& inspected_runner() noexcept {
    static InspectedRunner runner;
    return runner;
}

}  // namespace blockstm::evm
