// Frames for a host that speaks EVMC; see execution.hpp.
#include "guest/execution.hpp"

#include <algorithm>
#include <cstdlib>

#include "evm/evmc/call_kinds.hpp"
#include "evm/evmc/conversions.hpp"
#include "evm/run/calls.hpp"
#include "evm/run/create.hpp"

namespace blockstm::evm {

// What the interpreter leaves to files that are not compiled here.

bool leave_all(Machine& machine, Account* self, Account* beneficiary, const u256&, bool& is_first) noexcept {
    is_first = machine.journal.self_destruct(self, beneficiary);
    return true;
}

// Asked from Amsterdam on, of which EVMC knows nothing.
bool is_made_by_creation(Machine&, bool& made) noexcept {
    made = false;
    return true;
}

namespace {

bool creates(CallKind kind) noexcept { return kind == CallKind::Create || kind == CallKind::Create2; }

evmc_status_code status_of(Failure failure) noexcept {
    switch (failure) {
        case Failure::OutOfGas: return EVMC_OUT_OF_GAS;
        case Failure::StackUnderflow: return EVMC_STACK_UNDERFLOW;
        case Failure::StackOverflow: return EVMC_STACK_OVERFLOW;
        case Failure::InvalidJump: return EVMC_BAD_JUMP_DESTINATION;
        case Failure::InvalidOpcode: return EVMC_UNDEFINED_INSTRUCTION;
        case Failure::WriteProtection: return EVMC_STATIC_MODE_VIOLATION;
        case Failure::OutOfBounds: return EVMC_INVALID_MEMORY_ACCESS;
        default: return EVMC_FAILURE;
    }
}

evmc_result ended(evmc_status_code status, int64_t gas_left = 0) noexcept {
    evmc_result result{};
    result.status_code = status;
    result.gas_left = gas_left;
    return result;
}

void free_output(const evmc_result* result) { std::free(const_cast<uint8_t*>(result->output_data)); }

void release(const evmc_result& result) noexcept {
    if (result.release != nullptr) result.release(&result);
}

BlockEnv block_of(const evmc_tx_context& context, Fork fork) noexcept {
    BlockEnv block;
    block.fork = fork;
    block.number = static_cast<uint64_t>(context.block_number);
    block.timestamp = static_cast<uint64_t>(context.block_timestamp);
    block.gas_limit = static_cast<uint64_t>(context.block_gas_limit);
    block.coinbase = from_evmc(context.block_coinbase);
    block.chain_id = from_evmc(context.chain_id);
    block.difficulty = block.prev_randao = from_evmc(context.block_prev_randao);
    block.base_fee = from_evmc(context.block_base_fee);
    block.blob_base_fee = from_evmc(context.blob_base_fee);
    return block;
}

TransactionEnv transaction_of(const evmc_tx_context& context) noexcept {
    static_assert(sizeof(Hash32) == sizeof(evmc_bytes32));
    return {from_evmc(context.tx_origin), from_evmc(context.tx_gas_price),
            reinterpret_cast<const Hash32*>(context.blob_hashes), context.blob_hashes_count};
}

}  // namespace

// ------------------------------------------------------------------------------ frames

// A frame may be asked for while another one waits for the host; and by another host, or about another transaction.
evmc_result GuestMachine::execute(const evmc_host_interface* host, evmc_host_context* context, evmc_revision revision,
                                  const evmc_message& message, Span code) noexcept {
    if (revision < EVMC_FRONTIER || revision > EVMC_OSAKA || message.kind > EVMC_CREATE2) return ended(EVMC_REJECTED);
    Journal& journal = machine_.journal;
    const evmc_host_interface* const outer_host = journal.host();
    evmc_host_context* const outer_context = journal.context();
    const BlockEnv* const outer_block = machine_.block;
    const TransactionEnv outer_transaction = machine_.transaction;
    const int64_t outer_refund = journal.refund();
    const auto fork = static_cast<Fork>(revision);
    const bool is_within = !machine_.frames.empty();
    const bool is_known = is_within && outer_host == host && outer_context == context && outer_block->fork == fork;
    Surroundings own;
    journal.attach(host, context);
    if (!is_known) {
        const evmc_tx_context given = host->get_tx_context(context);
        own = {block_of(given, fork), transaction_of(given)};
        if (!is_within && !machine_.begin(own.block, nullptr)) return ended(EVMC_OUT_OF_MEMORY);
        machine_.block = &own.block;
        machine_.transaction = own.transaction;
    }
    const Variant variant{fork, Tier::Plain, 0};
    const Variant outer_variant = journal.variant();
    journal.set_variant(variant);
    evmc_result result = ended(EVMC_OUT_OF_MEMORY);
    if (CodesByContent::Entry* entry = codes_.take(code, variant); entry != nullptr) {
        Account self{from_evmc(message.recipient)};
        journal.set_refund(0);
        if (push(message, *entry->code, self)) {
            result = run(message);
            machine_.frames.pop();
        }
        codes_.give_back(entry);
    }
    journal.set_refund(outer_refund);
    journal.set_variant(outer_variant);
    journal.attach(outer_host, outer_context);
    machine_.block = outer_block;
    machine_.transaction = outer_transaction;
    if (!is_within) machine_.end();
    return result;
}

// On top of the frame that waits. Its call data stays where it is: it is the first as far as that is concerned.
bool GuestMachine::push(const evmc_message& message, const Code& code, Account& self) noexcept {
    Frame frame{};
    frame.stack = machine_.stack;
    if (!machine_.frames.empty()) {
        const Frame& below = machine_.frames.back();
        frame.stack = below.top;
        frame.memory_base = below.memory_base + below.memory_size;
    }
    frame.top = frame.stack;
    frame.code = &code;
    frame.gas = message.gas;
    frame.self = &self;
    frame.address = self.address;
    frame.caller = from_evmc(message.sender);
    frame.value = from_evmc(message.value);
    frame.input = {message.input_data, message.input_size};
    frame.is_static = (message.flags & EVMC_STATIC) != 0;
    machine_.return_data.clear();
    machine_.depth_max = std::max(machine_.depth_max, static_cast<int>(machine_.frames.size()));
    return machine_.frames.push(frame) || no_memory();
}

evmc_result GuestMachine::run(const evmc_message& message) noexcept {
    while (true) {
        const Exit exit = interpret(machine_);
        if (exit != Exit::Call) return result_of(exit);
        if (!carry_out(message)) return ended(EVMC_OUT_OF_MEMORY);
    }
}

evmc_result GuestMachine::result_of(Exit exit) noexcept {
    if (exit == Exit::Over) return ended(EVMC_OUT_OF_MEMORY);
    if (exit == Exit::Failed) return ended(status_of(machine_.failure));
    evmc_result result = ended(exit == Exit::Done ? EVMC_SUCCESS : EVMC_REVERT, machine_.frames.back().gas);
    if (exit == Exit::Done) result.gas_refund = machine_.journal.refund();
    const Bytes& output = machine_.output;
    if (output.empty()) return result;
    auto* copy = static_cast<uint8_t*>(std::malloc(output.size()));
    if (copy == nullptr) return ended(EVMC_OUT_OF_MEMORY);
    std::memcpy(copy, output.data(), output.size());
    result.output_data = copy;
    result.output_size = output.size();
    result.release = free_output;
    return result;
}

// ------------------------------------------------------------------------------ calls

// What the topmost frame asks for; false where memory ran out.
bool GuestMachine::carry_out(const evmc_message& message) noexcept {
    const Request request = machine_.request;
    if (may_ask(request, message)) return ask(request, message);
    return resume(request, ended(EVMC_FAILURE, request.gas));
}

bool GuestMachine::may_ask(const Request& request, const evmc_message& message) noexcept {
    if (message.depth >= CALL_DEPTH_MAX) return false;
    const bool pays = request.kind != CallKind::DelegateCall && request.kind != CallKind::StaticCall;
    if (!pays || request.value.is_zero()) return true;
    u256 balance;
    machine_.journal.balance(machine_.frames.back().self, balance);
    return request.value <= balance;
}

// The frame's memory moves while others run on top of it, so what the host is handed is a copy.
bool GuestMachine::ask(const Request& request, const evmc_message& message) noexcept {
    Bytes input;
    if (request.input_size != 0) {
        const uint64_t begin = machine_.frames.back().memory_base + request.input_offset;
        if (!input.append(machine_.memory.at(begin), request.input_size)) return no_memory();
    }
    evmc_message asked = message_for(request, message);
    asked.input_data = input.data();
    asked.input_size = input.size();
    const evmc_result result = machine_.journal.host()->call(machine_.journal.context(), &asked);
    const bool goes_on = machine_.journal.fault() == BLOCKSTM_OK && resume(request, result);
    release(result);
    return goes_on;
}

evmc_message GuestMachine::message_for(const Request& request, const evmc_message& message) noexcept {
    const Frame& frame = machine_.frames.back();
    evmc_message asked{};
    asked.kind = to_evmc(request.kind);
    asked.flags = frame.is_static || request.kind == CallKind::StaticCall ? EVMC_STATIC : 0;
    asked.depth = message.depth + 1;
    asked.gas = request.gas;
    asked.sender = to_evmc(request.kind == CallKind::DelegateCall ? frame.caller : frame.address);
    asked.value = to_evmc(request.value);
    if (creates(request.kind)) {
        if (request.kind == CallKind::Create2) asked.create2_salt = to_evmc(request.salt);
        return asked;
    }
    asked.recipient = to_evmc(request.target);
    asked.code_address = to_evmc(request.code_address);
    Address delegate;
    if (!machine_.journal.delegate_of(request.code_address, delegate)) return asked;
    asked.code_address = to_evmc(delegate);
    asked.flags |= EVMC_DELEGATED;
    return asked;
}

// The topmost frame goes on: output, return data, and one word on its stack.
bool GuestMachine::resume(const Request& request, const evmc_result& result) noexcept {
    Frame& frame = machine_.frames.back();
    const bool has_succeeded = result.status_code == EVMC_SUCCESS;
    const bool has_output = has_succeeded || result.status_code == EVMC_REVERT;
    frame.gas += result.gas_left;
    if (has_succeeded) machine_.journal.add_refund(result.gas_refund);
    machine_.return_data.clear();
    const Span output{result.output_data, has_output ? result.output_size : 0};
    if (creates(request.kind)) {
        *frame.top++ = has_succeeded ? from_address(from_evmc(result.create_address)) : u256{};
        return has_succeeded || machine_.return_data.append(output.data, output.size) || no_memory();
    }
    if (!machine_.return_data.append(output.data, output.size)) return no_memory();
    const uint64_t size = std::min(request.output_size, output.size);
    if (size != 0) std::memcpy(machine_.memory.at(frame.memory_base + request.output_offset), output.data, size);
    *frame.top++ = has_succeeded ? 1 : 0;
    return true;
}

}  // namespace blockstm::evm
