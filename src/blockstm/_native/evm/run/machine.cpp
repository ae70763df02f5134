// The machine's loop: runs frames, one on top of the other, until the first has ended; see machine.hpp.
#include "evm/run/machine.hpp"

#include <sys/mman.h>

#include "evm/run/inspector.hpp"
#include "evm/run/calls.hpp"
#include "evm/run/create.hpp"

namespace blockstm::evm {

namespace {

constexpr uint64_t STACK_BYTES = STACK_WORDS * sizeof(u256);
// Above this, what deep calls have used of the stack goes back to the system.
constexpr uint64_t STACK_KEPT_BYTES = uint64_t{1} << 20;
constexpr uint64_t BUFFER_KEPT_BYTES = uint64_t{1} << 20;

}  // namespace

// Address space for all frames' stacks; the system gives memory to the pages that are used.
static u256* reserve_stack() noexcept {
    void* region = mmap(nullptr, STACK_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return region == MAP_FAILED ? nullptr : static_cast<u256*>(region);
}

Machine::~Machine() {
    free_initcodes(*this);
    if (stack != nullptr) munmap(stack, STACK_BYTES);
}

Variant Machine::variant() const noexcept {
    const bool is_stepped = inspector != nullptr && inspector->follows_steps();
    return {block->fork, is_stepped ? Tier::Stepped : Tier::Plain};
}

bool Machine::begin(const BlockEnv& block_env, blockstm_view* view) noexcept {
    block = &block_env;
    journal.begin(view, variant(), block_env.added_precompiles);
    free_initcodes(*this);
    frames.clear();
    depth_max = 0;
    until_poll = POLL_GAS;
    output.clear();
    return_data.clear();
    encoded.clear();
    accesses.clear();
    request.account = nullptr;
    failure = Failure::None;
    transaction = TransactionEnv{};
    if (stack == nullptr) stack = reserve_stack();
    return stack != nullptr || journal.stop(BLOCKSTM_NO_MEMORY);
}

void Machine::end() noexcept {
    journal.end();
    memory.trim();
    output.release_above(BUFFER_KEPT_BYTES);
    return_data.release_above(BUFFER_KEPT_BYTES);
    encoded.release_above(BUFFER_KEPT_BYTES);
    accesses.release_above(BUFFER_KEPT_BYTES);
    // A frame uses up to 1024 words, so only many of them can have used much.
    constexpr int FRAMES_KEPT = static_cast<int>(STACK_KEPT_BYTES / (STACK_SIZE_MAX * sizeof(u256)));
    if (depth_max < FRAMES_KEPT) return;
    madvise(reinterpret_cast<uint8_t*>(stack) + STACK_KEPT_BYTES, STACK_BYTES - STACK_KEPT_BYTES, MADV_DONTNEED);
}

// ------------------------------------------------------------------------------ the loop

static bool creates(CallKind kind) noexcept { return kind == CallKind::Create || kind == CallKind::Create2; }

// EIP-8037: what a frame that fails has spilled goes back to its gas, which one that halts loses.
static void leave_state_gas(Machine& machine, int depth, ExecutionResult& result) noexcept {
    if (!result.succeeded) {
        const int64_t spilled = machine.state_gas.take_back();
        if (result.failure == Failure::Reverted) result.gas_left += spilled;
    }
    if (depth > 0) result.gas_left += machine.state_gas.leave(result.succeeded);
}

// How the topmost frame ended: its changes are kept or taken back, and it is gone. It can be looked at until
// another is pushed.
static bool leave(Machine& machine, Exit exit, ExecutionResult& result) noexcept {
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
static void resume(Machine& machine, const Asked& asked, const Address& callee,
                   const ExecutionResult& result) noexcept {
    Frame& caller = machine.frames.back();
    caller.gas += result.gas_left;
    if (asked.made_account && !result.succeeded && machine.meters_state()) {
        caller.gas = machine.state_gas.refill(amsterdam_gas::NEW_ACCOUNT, caller.gas);
    }
    if (creates(asked.kind)) return resume_after_creation(machine, callee, result);
    resume_after_call(machine, asked.output_offset, asked.output_size, result);
}

static Entry enter_first(Machine& machine, const Message& message, ExecutionResult& result) noexcept {
    const Entry entry = message.creates ? enter_first_creation(machine, message, result)
                                        : enter_first_call(machine, message, result);
    if (entry == Entry::Ended && !result.succeeded && machine.meters_state()) machine.state_gas.take_back();
    return entry;
}

// ------------------------------------------------------------------------------ what an inspector is told

static void tell_call(Machine& machine, const Message& message) noexcept {
    const Address target = message.creates ? Address{} : message.target;
    const CallKind kind = message.creates ? CallKind::Create : CallKind::Call;
    machine.inspector->call(machine, {kind, 0, false, message.caller, target, target, message.value, message.gas,
                                      message.input});
}

// Of `machine.request`, by the topmost frame.
static void tell_call(Machine& machine) noexcept {
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

static void tell_call_end(Machine& machine, CallKind kind, int depth, const ExecutionResult& result,
                          const Address& created) noexcept {
    const Span output{machine.output.data(), machine.output.size()};
    machine.inspector->call_end(machine, {kind, depth, result, created, output});
}

// ------------------------------------------------------------------------------ running

template <bool INSPECTED>
static bool run_frames(Machine& machine, ExecutionResult& result) noexcept {
    while (true) {
        const int64_t before = machine.frames.back().gas;
        const Exit exit = INSPECTED ? interpret_inspected(machine) : interpret(machine);
        if (exit == Exit::Over) return false;
        const int64_t given = exit == Exit::Call ? machine.request.gas : 0;  // still to be spent
        if (!machine.spend(Machine::CALL_WEIGHT + before - machine.frames.back().gas - given)) return false;
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
            if constexpr (INSPECTED) {
                const Address created = creates(frame.kind) ? frame.address : Address{};
                tell_call_end(machine, frame.kind, frame.depth, result, created);
            }
            if (machine.frames.empty()) return true;
            resume(machine, frame, frame.address, result);
        }
    }
}

static bool run_inspected(Machine& machine, const Message& message, ExecutionResult& result) noexcept {
    tell_call(machine, message);
    const Entry entry = enter_first(machine, message, result);
    if (entry != Entry::Ended) return entry == Entry::Running && run_frames<true>(machine, result);
    tell_call_end(machine, message.creates ? CallKind::Create : CallKind::Call, 0, result, {});
    return true;
}

bool run_message(Machine& machine, const Message& message, ExecutionResult& result) noexcept {
    if (machine.inspector != nullptr) [[unlikely]] return run_inspected(machine, message, result);
    const Entry entry = enter_first(machine, message, result);
    if (entry == Entry::Ended) return true;
    return entry == Entry::Running && run_frames<false>(machine, result);
}

}  // namespace blockstm::evm
