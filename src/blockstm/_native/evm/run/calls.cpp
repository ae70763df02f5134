// Calls; see calls.hpp.
#include "evm/run/calls.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "evm/forks/gas.hpp"
#include "evm/forks/opcodes.hpp"
#include "evm/journal/transfer_logs.hpp"
#include "evm/precompiles/added.hpp"
#include "evm/run/inspector.hpp"

namespace blockstm::evm {

namespace {

// EIP-7708.
bool log_transfer(Machine& machine, const Account* payer, const Account* receiver, const u256& amount) noexcept {
    const TransferLog made = transfer_log(payer->address, receiver->address, amount);
    const Span data{made.data.bytes, sizeof made.data.bytes};
    if (machine.inspector != nullptr) machine.inspector->log(TransferLog::ADDRESS, made.topics, 3, data);
    return machine.journal.log(TransferLog::ADDRESS, made.topics, 3, data);
}

}  // namespace

bool transfer(Machine& machine, Account* payer, Account* receiver, const u256& amount) noexcept {
    machine.journal.see(receiver);
    if (!machine.journal.debit(payer, amount) || !machine.journal.credit(receiver, amount)) return false;
    return machine.fork() < Fork::Amsterdam || payer == receiver || amount.is_zero() ||
           log_transfer(machine, payer, receiver, amount);
}

bool leave_all(Machine& machine, Account* self, Account* beneficiary, const u256& amount, bool& is_first) noexcept {
    Journal& journal = machine.journal;
    const bool goes = machine.fork() < Fork::Cancun || journal.created_here(self);
    is_first = goes && !journal.is_self_destructed(self);
    if (beneficiary != self) {
        if (!transfer(machine, self, beneficiary, amount)) return false;
    } else if (goes && machine.fork() < Fork::Amsterdam && !journal.debit(self, amount)) {  // burnt, until EIP-8246
        return false;
    }
    return !goes || journal.self_destruct(self);
}

Entry refuse(Machine& machine, int64_t gas, Failure failure, ExecutionResult& result) noexcept {
    machine.output.clear();
    result = {false, gas, failure};
    return Entry::Ended;
}

Frame* next_frame(Machine& machine) noexcept {
    Array<Frame>& frames = machine.frames;
    if (!frames.reserve(frames.size() + 1)) {
        machine.journal.stop(BLOCKSTM_NO_MEMORY);
        return nullptr;
    }
    auto* frame = new (frames.end()) Frame{};
    frame->stack = machine.stack;
    if (!frames.empty()) {
        const Frame& caller = frames.back();
        frame->stack = caller.top;
        frame->memory_base = caller.memory_base + caller.memory_size;
        frame->depth = caller.depth + 1;
    }
    frame->top = frame->stack;
    return frame;
}

Frame* first_frame(Machine& machine, const Message& message, Account*& payer) noexcept {
    Frame* frame = next_frame(machine);
    if (frame == nullptr) return nullptr;
    if (!machine.journal.account(message.caller, payer)) return nullptr;
    if (!machine.journal.account(message.target, frame->self)) return nullptr;
    frame->gas = message.gas;
    frame->address = message.target;
    frame->caller = message.caller;
    frame->value = message.value;
    frame->is_static = message.is_static;
    frame->kind = message.creates ? CallKind::Create : CallKind::Call;
    return frame;
}

Entry push_frame(Machine& machine, const Frame& next) noexcept {
    machine.depth_max = std::max(machine.depth_max, next.depth);
    machine.frames.truncate(machine.frames.size() + 1);
    if (machine.meters_state() && next.depth > 0 && !machine.state_gas.enter()) {
        machine.journal.stop(BLOCKSTM_NO_MEMORY);
        return Entry::Over;
    }
    return Entry::Running;
}

// ------------------------------------------------------------------------------ beginning

namespace {

class JournaledCodes final : public CodeSource {
public:
    explicit JournaledCodes(Machine& machine) noexcept : machine_(machine) {}

    PrecompileStatus code(const Address& address, int64_t& gas, blockstm_precompile_code& found) noexcept override {
        const GasTable& table = gas_table(machine_.fork());
        Journal& journal = machine_.journal;
        Account* account = nullptr;
        bool was_cold = false;
        if (!journal.account(address, account)) return PrecompileStatus::Over;
        if (table.cold_account != 0 && !journal.access(account, was_cold)) return PrecompileStatus::Over;
        gas -= table.base[op::EXTCODECOPY] + (was_cold ? table.cold_account : 0);
        if (gas < 0) return PrecompileStatus::Failure;
        const Code* code = nullptr;
        if (!journal.code(account, code)) return PrecompileStatus::Over;
        found.data = code->bytes.data;
        found.size = code->bytes.size;
        std::memcpy(found.hash, code->hash.bytes, sizeof found.hash);
        if (machine_.inspector != nullptr) machine_.inspector->account_read(address);
        return PrecompileStatus::Success;
    }

private:
    Machine& machine_;
};

// What all workers have computed in this run of the block, as far as its views name one.
RunResults results_of(const Machine& machine) noexcept {
    const uint64_t run = BLOCKSTM_RUN_OF_BLOCK(machine.journal.view()->run);
    return run != 0 ? RunResults{machine.block->results, run} : RunResults{};
}

PrecompileStatus run(Machine& machine, int number, Span input, int64_t& gas) noexcept {
    if (number < ADDED_PRECOMPILES) {
        return run_precompile(machine.fork(), number, input, gas, machine.output, results_of(machine));
    }
    JournaledCodes codes(machine);
    return machine.block->added_precompiles->run(number, input, gas, machine.output, machine.error, codes);
}

Entry run_precompiled(Machine& machine, int number, Frame& callee, ExecutionResult& result) noexcept {
    switch (run(machine, number, callee.input, callee.gas)) {
        case PrecompileStatus::Success:
            machine.journal.commit(callee.checkpoint);
            result = {true, callee.gas, Failure::None};
            return Entry::Ended;
        case PrecompileStatus::Failure:
            machine.journal.revert(callee.checkpoint);
            return refuse(machine, 0, Failure::PrecompileFailure, result);
        case PrecompileStatus::Reverted:
            machine.journal.revert(callee.checkpoint);
            result = {false, callee.gas, Failure::Reverted};
            return Entry::Ended;
        case PrecompileStatus::Raised: machine.journal.stop(PRECOMPILE_RAISED); return Entry::Over;
        case PrecompileStatus::NoMemory: machine.journal.stop(BLOCKSTM_NO_MEMORY); return Entry::Over;
        case PrecompileStatus::Over: return Entry::Over;
        case PrecompileStatus::Unavailable: break;
    }
    machine.journal.stop(MISSING_LIBRARY);
    return Entry::Over;
}

// Until Paris a call that moves nothing touches its target (EIP-161): an empty account is deleted for it.
// From then on there are no empty accounts.
bool move_value(Machine& machine, const Frame& callee, Account* payer) noexcept {
    if (callee.kind == CallKind::Call && !callee.value.is_zero()) {
        return transfer(machine, payer, callee.self, callee.value);
    }
    return machine.fork() >= Fork::Paris || machine.journal.touch(callee.self);
}

// `code_address`: whose code runs, before following a delegation; a precompile is never delegated to.
Entry begin_call(Machine& machine, Frame& callee, Account* payer, const Address& code_address,
                 ExecutionResult& result) noexcept {
    if (!machine.journal.enter(callee.checkpoint)) return Entry::Over;
    if (!move_value(machine, callee, payer)) return Entry::Over;
    if (const int number = machine.journal.precompile_at(code_address); number != 0) {
        return run_precompiled(machine, number, callee, result);
    }
    if (callee.code->bytes.size == 0) {
        machine.journal.commit(callee.checkpoint);
        machine.output.clear();
        result = {true, callee.gas, Failure::None};
        return Entry::Ended;
    }
    return push_frame(machine, callee);
}

// Whose storage and balance the callee has.
bool find_self(Machine& machine, Account*& self) noexcept {
    Request& request = machine.request;
    Account* at_hand = std::exchange(request.account, nullptr);
    const bool is_elsewhere = request.kind == CallKind::Call || request.kind == CallKind::StaticCall;
    self = is_elsewhere ? at_hand : machine.frames.back().self;
    return self != nullptr || machine.journal.account(request.target, self);
}

}  // namespace

Entry enter_call(Machine& machine, ExecutionResult& result) noexcept {
    const Request& request = machine.request;
    machine.return_data.clear();
    if (machine.frames.back().depth >= CALL_DEPTH_MAX) {
        return refuse(machine, request.gas, Failure::DepthExceeded, result);
    }
    const bool pays = request.kind == CallKind::Call || request.kind == CallKind::CallCode;
    if (pays && !request.value.is_zero()) {
        bool holds = false;
        if (!machine.journal.can_pay(machine.frames.back().self, request.value, holds)) return Entry::Over;
        if (!holds) return refuse(machine, request.gas, Failure::InsufficientBalance, result);
    }
    Frame* next = next_frame(machine);
    if (next == nullptr || !find_self(machine, next->self)) return Entry::Over;
    const Frame& caller = machine.frames.back();
    Frame& callee = *next;
    callee.code = request.code;
    callee.gas = request.gas;
    callee.address = request.target;
    callee.caller = request.kind == CallKind::DelegateCall ? caller.caller : caller.address;
    callee.value = request.value;
    callee.input_offset = caller.memory_base + request.input_offset;
    callee.input.size = request.input_size;
    if (request.input_size != 0) callee.input.data = machine.memory.at(callee.input_offset);
    callee.kind = request.kind;
    callee.is_static = caller.is_static || request.kind == CallKind::StaticCall;
    callee.made_account = request.made_account;
    callee.output_offset = request.output_offset;
    callee.output_size = request.output_size;
    return begin_call(machine, callee, caller.self, request.code_address, result);
}

Entry enter_first_call(Machine& machine, const Message& message, ExecutionResult& result) noexcept {
    Account* payer = nullptr;
    Frame* callee = first_frame(machine, message, payer);
    if (callee == nullptr) return Entry::Over;
    callee->code = message.code;
    callee->input = message.input;
    return begin_call(machine, *callee, payer, message.target, result);
}

// ------------------------------------------------------------------------------ going on

void resume_after_call(Machine& machine, uint64_t output_offset, uint64_t output_size,
                       const ExecutionResult& result) noexcept {
    Frame& caller = machine.frames.back();
    const uint64_t size = std::min(output_size, machine.output.size());
    if (size != 0) std::memcpy(machine.memory.at(caller.memory_base + output_offset), machine.output.data(), size);
    machine.return_data.swap(machine.output);
    *caller.top++ = result.succeeded ? 1 : 0;
}

}  // namespace blockstm::evm
