// The machine's loop: runs frames, one on top of the other, until the first has ended. Included where it is
// instantiated: message.cpp for machines that nobody watches, inspected.cpp for those with an inspector.
#pragma once

#include "evm/run/calls.hpp"
#include "evm/run/create.hpp"
#include "evm/run/inspector.hpp"
#include "evm/run/machine.hpp"

namespace blockstm::evm {
namespace {

bool creates(CallKind kind) noexcept { return kind == CallKind::Create || kind == CallKind::Create2; }

// EIP-8037: what a frame that fails has spilled goes back to its gas, which one that halts loses.
void leave_state_gas(Machine& machine, int depth, ExecutionResult& result) noexcept {
    if (!result.succeeded) {
        const int64_t spilled = machine.state_gas.take_back();
        if (result.failure == Failure::Reverted) result.gas_left += spilled;
    }
    if (depth > 0) result.gas_left += machine.state_gas.leave(result.succeeded);
}

// How the topmost frame ended: its changes are kept or taken back, and it is gone. It can be looked at until
// another is pushed.
bool leave(Machine& machine, Exit exit, ExecutionResult& result) noexcept {
    const Frame& frame = machine.frames.back();
    machine.frames.pop();
    result = {exit == Exit::Done, frame.gas, Failure::None};
    if (exit == Exit::Reverted) result.failure = Failure::Reverted;
    if (exit == Exit::Failed) result = {false, 0, machine.failure};
    bool goes_on = true;
    if (frame.initcode != nullptr) {
        if (result.succeeded) goes_on = deposit_code(machine, frame, result);
        free_code(frame.initcode);
    }
    if (machine.meters_state()) leave_state_gas(machine, frame.depth, result);
    if (result.succeeded) {
        machine.journal.commit(frame.checkpoint);
        return goes_on;
    }
    machine.journal.revert(frame.checkpoint);
    if (result.failure != Failure::Reverted) machine.output.clear();
    return goes_on;
}

// The topmost frame goes on after what it asked for, as a request or already as a frame, has ended.
template <class Asked>
void resume(Machine& machine, const Asked& asked, const Address& callee, const ExecutionResult& result) noexcept {
    Frame& caller = machine.frames.back();
    caller.gas += result.gas_left;
    if (asked.made_account && !result.succeeded && machine.meters_state()) {
        caller.gas = machine.state_gas.refill(amsterdam_gas::NEW_ACCOUNT, caller.gas);
    }
    if (creates(asked.kind)) return resume_after_creation(machine, callee, result);
    resume_after_call(machine, asked.output_offset, asked.output_size, result);
}

Entry enter_first(Machine& machine, const Message& message, ExecutionResult& result) noexcept {
    const Entry entry = message.creates ? enter_first_creation(machine, message, result)
                                        : enter_first_call(machine, message, result);
    if (entry == Entry::Ended && !result.succeeded && machine.meters_state()) machine.state_gas.take_back();
    return entry;
}

// ------------------------------------------------------------------------------ what an inspector is told

inline void tell_call(Machine& machine, const Message& message) noexcept {
    const Address target = message.creates ? Address{} : message.target;
    const CallKind kind = message.creates ? CallKind::Create : CallKind::Call;
    machine.inspector->call(machine, {kind, 0, message.is_static, message.caller, target, target, message.value,
                                      message.gas, message.input});
}

// Of `machine.request`, by the topmost frame.
inline void tell_call(Machine& machine) noexcept {
    const Request& request = machine.request;
    const Frame& frame = machine.frames.back();
    const bool is_creation = creates(request.kind);
    const bool is_static = frame.is_static || request.kind == CallKind::StaticCall;
    const bool keeps_caller = request.kind == CallKind::DelegateCall;
    Span input{nullptr, request.input_size};
    if (input.size != 0) input.data = machine.memory.at(frame.memory_base + request.input_offset);
    machine.inspector->call(machine, {request.kind, frame.depth + 1, is_static,
                                      keeps_caller ? frame.caller : frame.address,
                                      is_creation ? Address{} : request.target,
                                      is_creation ? Address{} : request.code_address, request.value, request.gas,
                                      input});
}

inline void tell_call_end(Machine& machine, CallKind kind, int depth, const ExecutionResult& result,
                          const Address& created) noexcept {
    const Span output{machine.output.data(), machine.output.size()};
    machine.inspector->call_end(machine, {kind, depth, result, created, output});
}

// Of a frame that has just been left.
inline void tell_call_end(Machine& machine, const Frame& frame, const ExecutionResult& result) noexcept {
    if (!creates(frame.kind)) return tell_call_end(machine, frame.kind, frame.depth, result, {});
    if (!result.succeeded) return tell_call_end(machine, frame.kind, frame.depth, result, frame.address);
    const Span code = machine.journal.new_code(*frame.self);
    machine.inspector->call_end(machine, {frame.kind, frame.depth, result, frame.address, code});
}

// ------------------------------------------------------------------------------ running

template <bool INSPECTED>
bool run_frames(Machine& machine, ExecutionResult& result) noexcept {
    while (true) {
        const int64_t before = machine.frames.back().gas;
        const Exit exit = INSPECTED ? interpret_inspected(machine) : interpret(machine);
        if (exit == Exit::Over) return false;
        const int64_t given = exit == Exit::Call ? machine.request.gas : 0;  // still to be spent
        // One after the other: their sum may be beyond all numbers.
        if (!machine.spend(before - machine.frames.back().gas - given)) return false;
        if (!machine.spend(Machine::CALL_WEIGHT)) return false;
        if (exit == Exit::Call) {
            const Request& request = machine.request;
            if constexpr (INSPECTED) tell_call(machine);
            const Entry entry =
                creates(request.kind) ? enter_creation(machine, result) : enter_call(machine, result);
            if (entry == Entry::Over) return false;
            if (entry == Entry::Running) continue;
            if (!machine.spend(request.gas - result.gas_left)) return false;
            if constexpr (INSPECTED) {
                tell_call_end(machine, request.kind, machine.frames.back().depth + 1, result, {});
            }
            resume(machine, request, request.target, result);
        } else {
            const Frame& frame = machine.frames.back();
            if (!leave(machine, exit, result)) return false;
            if constexpr (INSPECTED) tell_call_end(machine, frame, result);
            if (machine.frames.empty()) return true;
            resume(machine, frame, frame.address, result);
        }
    }
}

}  // namespace
}  // namespace blockstm::evm
