// Frames of an EVM from a shared library; see host.hpp.
#include "evm/evmc/host.hpp"

#include <cstdlib>

#include "evm/evmc/call_kinds.hpp"
#include "evm/evmc/conversions.hpp"
#include "evm/run/instructions/chain.hpp"
#include "evm/run/machine_loop.hpp"

namespace blockstm::evm {

namespace {

Failure failure_of(evmc_status_code status) noexcept {
    switch (status) {
        case EVMC_SUCCESS: return Failure::None;
        case EVMC_REVERT: return Failure::Reverted;
        case EVMC_OUT_OF_GAS: return Failure::OutOfGas;
        case EVMC_STACK_OVERFLOW: return Failure::StackOverflow;
        case EVMC_STACK_UNDERFLOW: return Failure::StackUnderflow;
        case EVMC_BAD_JUMP_DESTINATION: return Failure::InvalidJump;
        case EVMC_INVALID_MEMORY_ACCESS: return Failure::OutOfBounds;
        case EVMC_STATIC_MODE_VIOLATION: return Failure::WriteProtection;
        default: return Failure::InvalidOpcode;
    }
}

evmc_status_code status_of(const ExecutionResult& result) noexcept {
    if (result.succeeded) return EVMC_SUCCESS;
    switch (result.failure) {
        case Failure::Reverted: return EVMC_REVERT;
        case Failure::OutOfGas: return EVMC_OUT_OF_GAS;
        case Failure::DepthExceeded: return EVMC_CALL_DEPTH_EXCEEDED;
        case Failure::InsufficientBalance: return EVMC_INSUFFICIENT_BALANCE;
        case Failure::PrecompileFailure: return EVMC_PRECOMPILE_FAILURE;
        default: return EVMC_FAILURE;
    }
}

void release(evmc_result& result) noexcept {
    if (result.release != nullptr) result.release(&result);
}

void free_output(const evmc_result* result) { std::free(const_cast<uint8_t*>(result->output_data)); }

// A copy that the library releases; false where memory ran out.
bool give_output(const Bytes& output, evmc_result& result) noexcept {
    if (output.empty()) return true;
    auto* copy = static_cast<uint8_t*>(std::malloc(output.size()));
    if (copy == nullptr) return false;
    std::memcpy(copy, output.data(), output.size());
    result.output_data = copy;
    result.output_size = output.size();
    result.release = free_output;
    return true;
}

evmc_result failed_call() noexcept {
    evmc_result result{};
    result.status_code = EVMC_INTERNAL_ERROR;
    return result;
}

bool is_creation(evmc_call_kind kind) noexcept { return kind == EVMC_CREATE || kind == EVMC_CREATE2; }

CallKind kind_of(const evmc_message& asked) noexcept {
    switch (asked.kind) {
        case EVMC_CALLCODE: return CallKind::CallCode;
        case EVMC_DELEGATECALL: return CallKind::DelegateCall;
        case EVMC_CREATE: return CallKind::Create;
        case EVMC_CREATE2: return CallKind::Create2;
        default: return (asked.flags & EVMC_STATIC) != 0 ? CallKind::StaticCall : CallKind::Call;
    }
}

}  // namespace

EvmcHost::EvmcHost(Machine& machine, EvmcInstances& instances) noexcept
    : machine_(machine), journal_(machine.journal), instances_(instances), vm_(instances.take(fault_)) {
    machine.runner = this;
}

EvmcHost::~EvmcHost() {
    machine_.runner = nullptr;
    if (vm_ != nullptr) instances_.give_back(vm_);
}

bool EvmcHost::broken(EvmcFault fault) noexcept {
    machine_.error = static_cast<uint64_t>(fault);
    return journal_.stop(EVMC_BROKEN);
}

// ------------------------------------------------------------------------------ frames

bool EvmcHost::run(Machine& machine, const Message& message, ExecutionResult& result) noexcept {
    if (vm_ == nullptr) return broken(fault_);
    const Entry entry = enter_first(machine, message, result);
    if (entry == Entry::Ended) return true;
    if (entry == Entry::Over) return false;
    Asked asked{message.creates ? Span{} : message.input, message.target};
    return (message.creates || follow(message.target, asked)) && run_topmost(asked, result);
}

// Whose code runs where that of this address was called (EIP-7702).
bool EvmcHost::follow(const Address& address, Asked& asked) noexcept {
    Account* account = nullptr;
    const Code* code = nullptr;
    if (!journal_.account(address, account) || !journal_.code(account, code)) return false;
    asked.is_delegated = code->is_delegation;
    asked.code_address = code->is_delegation ? code->delegate : address;
    return true;
}

// To its end.
bool EvmcHost::run_topmost(const Asked& asked, ExecutionResult& result) noexcept {
    bool is_rejected = false;
    const Exit exit = execute(asked, is_rejected);
    if (is_rejected) return run_natively(result);
    return exit != Exit::Over && leave(machine_, exit, result);
}

// A frame that the library does not run. Its memory moves while others run on top of it, and call data with it.
bool EvmcHost::run_natively(ExecutionResult& result) noexcept {
    while (true) {
        const Exit exit = interpret(machine_);
        if (exit == Exit::Over || !machine_.spend(Machine::CALL_WEIGHT)) return false;
        if (exit != Exit::Call) return leave(machine_, exit, result);
        const Request request = machine_.request;
        const Entry entry = creates(request.kind) ? enter_creation(machine_, result) : enter_call(machine_, result);
        if (entry == Entry::Over) return false;
        Address callee = request.target;
        if (entry == Entry::Running) {
            const Frame& frame = machine_.frames.back();
            callee = frame.address;
            Bytes input;
            if (!input.append(frame.input.data, frame.input.size)) return journal_.stop(BLOCKSTM_NO_MEMORY);
            Asked asked{{input.data(), input.size()}, callee};
            if (!creates(request.kind) && !follow(request.code_address, asked)) return false;
            if (!run_topmost(asked, result)) return false;
        }
        resume(machine_, request, callee, result);
    }
}

Exit EvmcHost::execute(const Asked& asked, bool& is_rejected) noexcept {
    const int64_t refund_before = journal_.refund();
    const int64_t given = machine_.frames.back().gas;
    const evmc_message message = message_of(machine_.frames.back(), asked);
    evmc_result result{};
    if (!machine_.spend(Machine::CALL_WEIGHT) || !call_library(message, result)) return Exit::Over;
    is_rejected = !is_over() && result.status_code == EVMC_REJECTED;
    const Exit exit = is_rejected ? Exit::Failed : take(result, given, refund_before);
    release(result);
    return exit;
}

evmc_message EvmcHost::message_of(const Frame& frame, const Asked& asked) const noexcept {
    evmc_message message{};
    message.kind = to_evmc(frame.kind);
    message.flags = (frame.is_static ? EVMC_STATIC : 0) | (asked.is_delegated ? EVMC_DELEGATED : 0);
    message.depth = frame.depth;
    message.gas = frame.gas;
    message.recipient = to_evmc(frame.address);
    message.sender = to_evmc(frame.caller);
    message.input_data = asked.input.data;
    message.input_size = asked.input.size;
    message.value = to_evmc(frame.value);
    message.code_address = to_evmc(asked.code_address);
    message.code = frame.code->bytes.data;
    message.code_size = frame.code->bytes.size;
    return message;
}

bool EvmcHost::call_library(const evmc_message& message, evmc_result& result) noexcept {
    auto* context = reinterpret_cast<evmc_host_context*>(this);
    const auto revision = static_cast<evmc_revision>(machine_.fork());
    try {
        result = vm_->execute(vm_, &EVMC_HOST_INTERFACE, context, revision, &message, message.code, message.code_size);
    } catch (...) {
        return broken(EvmcFault::Exception);
    }
    return true;
}

EvmcFault EvmcHost::fault_of(const evmc_result& result, int64_t given) const noexcept {
    const bool has_output = result.status_code == EVMC_SUCCESS || result.status_code == EVMC_REVERT;
    if (result.status_code == EVMC_INTERNAL_ERROR) return EvmcFault::InternalError;
    if (result.status_code < 0) return EvmcFault::UnknownStatus;
    if (result.gas_left < 0 || result.gas_left > given) return EvmcFault::TooMuchGasLeft;
    if (!has_output && result.gas_left != 0) return EvmcFault::GasAfterHalt;
    if (has_output && result.output_size != 0 && result.output_data == nullptr) return EvmcFault::NoOutput;
    if (has_output && result.output_size > UINT32_MAX) return EvmcFault::NullPointer;
    // No refund is more than a few times what the instruction costs that gives it.
    constexpr int64_t REFUND_MAX = int64_t{1} << 56;
    if (result.gas_refund > REFUND_MAX || result.gas_refund < -REFUND_MAX) return EvmcFault::BadRefund;
    return EvmcFault::None;
}

// What the topmost frame came to. The library counts the refund of all that ran in the frame; calls within have added
// theirs to the journal's already.
Exit EvmcHost::take(const evmc_result& result, int64_t given, int64_t refund_before) noexcept {
    if (is_over()) return Exit::Over;
    if (result.status_code == EVMC_OUT_OF_MEMORY) {
        journal_.stop(BLOCKSTM_NO_MEMORY);
        return Exit::Over;
    }
    if (const EvmcFault fault = fault_of(result, given); fault != EvmcFault::None) {
        broken(fault);
        return Exit::Over;
    }
    machine_.frames.back().gas = result.gas_left;
    machine_.failure = failure_of(result.status_code);
    machine_.output.clear();
    const bool has_succeeded = result.status_code == EVMC_SUCCESS;
    if (!has_succeeded && result.status_code != EVMC_REVERT) return Exit::Failed;
    if (!machine_.output.append(result.output_data, result.output_size)) {
        journal_.stop(BLOCKSTM_NO_MEMORY);
        return Exit::Over;
    }
    if (!has_succeeded) return Exit::Reverted;
    journal_.add_refund(refund_before + result.gas_refund - journal_.refund());
    return Exit::Done;
}

// ------------------------------------------------------------------------------ calls

evmc_result EvmcHost::call(const evmc_message& asked) noexcept {
    if (is_over() || !request(asked)) return failed_call();
    const int64_t refund_before = journal_.refund();
    ExecutionResult result{};
    const bool creates = is_creation(asked.kind);
    const Entry entry = creates ? enter_creation(machine_, result) : enter_call(machine_, result);
    if (entry == Entry::Over) return failed_call();
    evmc_result answer{};
    if (entry == Entry::Running) {
        const Address callee = machine_.frames.back().address;
        if (creates) answer.create_address = to_evmc(callee);
        const bool is_delegated = (asked.flags & EVMC_DELEGATED) != 0;
        const Span input = creates ? Span{} : Span{asked.input_data, asked.input_size};
        const Asked same{input, creates ? callee : from_evmc(asked.code_address), is_delegated};
        if (!run_topmost(same, result)) return failed_call();
    }
    machine_.frames.back().memory_size = 0;
    answer.status_code = status_of(result);
    answer.gas_left = result.gas_left;
    if (result.succeeded) answer.gas_refund = journal_.refund() - refund_before;
    if (give_output(machine_.output, answer)) return answer;
    journal_.stop(BLOCKSTM_NO_MEMORY);
    return failed_call();
}

// What the topmost frame asks for, as the machine's request.
bool EvmcHost::request(const evmc_message& asked) noexcept {
    constexpr int64_t STIPEND = 2300;
    const Frame& frame = machine_.frames.back();
    if (asked.kind > EVMC_CREATE2) return broken(EvmcFault::BadCallKind);
    if (asked.gas < 0 || asked.gas - STIPEND > frame.gas) return broken(EvmcFault::TooMuchGasAsked);
    if (asked.input_size != 0 && asked.input_data == nullptr) return broken(EvmcFault::NullPointer);
    Request& request = machine_.request;
    request = Request{};
    request.kind = kind_of(asked);
    request.gas = asked.gas;
    request.value = from_evmc(asked.value);
    request.salt = from_evmc(asked.create2_salt);
    request.input_size = asked.input_size;
    const bool moves_value = asked.kind == EVMC_CALL && !request.value.is_zero();
    if ((creates(request.kind) || moves_value) && !may_write()) return false;
    if (!put_input(asked)) return false;
    if (creates(request.kind)) return true;
    const bool is_elsewhere = request.kind == CallKind::Call || request.kind == CallKind::StaticCall;
    request.target = is_elsewhere ? from_evmc(asked.recipient) : frame.address;
    return find_code(asked);
}

// To where a native caller would have it, its memory: there precompiles and native frames look for it.
bool EvmcHost::put_input(const evmc_message& asked) noexcept {
    Frame& frame = machine_.frames.back();
    constexpr uint64_t INPUT_MAX = uint64_t{1} << 40;
    if (asked.input_size > INPUT_MAX) return broken(EvmcFault::NullPointer);
    const uint64_t size = (asked.input_size + 31) / 32 * 32;
    if (!machine_.memory.grow(frame.memory_base, frame.memory_base + size)) return journal_.stop(BLOCKSTM_NO_MEMORY);
    frame.memory_size = size;
    if (size != 0) std::memcpy(machine_.memory.at(frame.memory_base), asked.input_data, asked.input_size);
    return true;
}

// A precompile has no code, and is never delegated to (EIP-7702).
bool EvmcHost::find_code(const evmc_message& asked) noexcept {
    Request& request = machine_.request;
    const Address address = from_evmc(asked.code_address);
    const bool is_delegated = (asked.flags & EVMC_DELEGATED) != 0;
    request.code_address = is_delegated ? request.target : address;
    Account* account = nullptr;
    if (!journal_.account(address, account)) return false;
    if (journal_.precompile_at(request.code_address) == 0) return journal_.code(account, request.code);
    journal_.see(account);
    return true;
}

bool EvmcHost::may_write() noexcept {
    return !machine_.frames.back().is_static || broken(EvmcFault::StaticWrite);
}

// ------------------------------------------------------------------------------ accounts

bool EvmcHost::find(const Address& address, Account*& account) noexcept {
    return !is_over() && machine_.spend(1) && journal_.account(address, account);
}

bool EvmcHost::find(const Address& address, const u256& key, Slot*& slot) noexcept {
    Account* account = nullptr;
    return find(address, account) && journal_.slot(account, key, slot);
}

bool EvmcHost::account_exists(const Address& address) noexcept {
    Account* account = nullptr;
    bool holds = false;
    if (!find(address, account)) return false;
    if (machine_.fork() < Fork::SpuriousDragon) return journal_.exists(account, holds) && holds;
    return journal_.is_empty(account, holds) && !holds;
}

u256 EvmcHost::balance(const Address& address) noexcept {
    Account* account = nullptr;
    u256 amount{};
    return find(address, account) && journal_.balance(account, amount) ? amount : u256{};
}

// Stays until the transaction ends.
Span EvmcHost::code(const Address& address) noexcept {
    Account* account = nullptr;
    const Code* code = nullptr;
    return find(address, account) && journal_.code(account, code) ? code->bytes : Span{};
}

Hash32 EvmcHost::code_hash(const Address& address) noexcept {
    Account* account = nullptr;
    Hash32 hash{};
    bool is_empty = false;
    if (!find(address, account) || !journal_.is_empty(account, is_empty) || is_empty) return hash;
    return journal_.code_hash(account, hash) ? hash : Hash32{};
}

bool EvmcHost::selfdestruct(const Address& address, const Address& beneficiary) noexcept {
    Account *self = nullptr, *receiver = nullptr;
    if (!find(address, self) || !find(beneficiary, receiver) || !may_write()) return false;
    u256 balance;
    bool is_first = false;
    journal_.see(receiver);
    return journal_.balance(self, balance) && leave_all(machine_, self, receiver, balance, is_first) && is_first;
}

bool EvmcHost::was_warm(const Address& address) noexcept {
    Account* account = nullptr;
    bool was_cold = true;
    return find(address, account) && journal_.access(account, was_cold) && !was_cold;
}

// ------------------------------------------------------------------------------ storage

u256 EvmcHost::storage(const Address& address, const u256& key) noexcept {
    Slot* slot = nullptr;
    u256 value{};
    return find(address, key, slot) && journal_.load(slot, value) ? value : u256{};
}

namespace {

evmc_storage_status status_of(const u256& original, const u256& current, const u256& value) noexcept {
    if (current == value) return EVMC_STORAGE_ASSIGNED;
    if (current == original) {
        if (original.is_zero()) return EVMC_STORAGE_ADDED;
        return value.is_zero() ? EVMC_STORAGE_DELETED : EVMC_STORAGE_MODIFIED;
    }
    if (original.is_zero()) return value.is_zero() ? EVMC_STORAGE_ADDED_DELETED : EVMC_STORAGE_ASSIGNED;
    if (current.is_zero()) return value == original ? EVMC_STORAGE_DELETED_RESTORED : EVMC_STORAGE_DELETED_ADDED;
    if (value.is_zero()) return EVMC_STORAGE_MODIFIED_DELETED;
    return value == original ? EVMC_STORAGE_MODIFIED_RESTORED : EVMC_STORAGE_ASSIGNED;
}

}  // namespace

evmc_storage_status EvmcHost::set_storage(const Address& address, const u256& key, const u256& value) noexcept {
    Slot* slot = nullptr;
    u256 original, current;
    if (!find(address, key, slot) || !may_write()) return EVMC_STORAGE_ASSIGNED;
    if (!journal_.original(slot, original) || !journal_.load(slot, current)) return EVMC_STORAGE_ASSIGNED;
    if (!journal_.store(slot, value)) return EVMC_STORAGE_ASSIGNED;
    return status_of(original, current, value);
}

bool EvmcHost::was_warm(const Address& address, const u256& key) noexcept {
    Slot* slot = nullptr;
    bool was_cold = true;
    return find(address, key, slot) && journal_.access(slot, was_cold) && !was_cold;
}

u256 EvmcHost::transient_storage(const Address& address, const u256& key) noexcept {
    Account* account = nullptr;
    u256 value{};
    return find(address, account) && journal_.load_transient(account, key, value) ? value : u256{};
}

void EvmcHost::set_transient_storage(const Address& address, const u256& key, const u256& value) noexcept {
    Account* account = nullptr;
    if (find(address, account) && may_write()) journal_.store_transient(account, key, value);
}

// ------------------------------------------------------------------------------ the block

u256 EvmcHost::block_hash(int64_t number) noexcept {
    u256 hash{};
    if (is_over() || number < 0) return hash;
    return instructions::blockhash(machine_, static_cast<uint64_t>(number), hash, 0) == 0 ? hash : u256{};
}

evmc_tx_context EvmcHost::transaction_context() const noexcept {
    const BlockEnv& block = *machine_.block;
    const TransactionEnv& transaction = machine_.transaction;
    evmc_tx_context context{};
    context.tx_gas_price = to_evmc(transaction.gas_price);
    context.tx_origin = to_evmc(transaction.origin);
    context.block_coinbase = to_evmc(block.coinbase);
    context.block_number = static_cast<int64_t>(block.number);
    context.block_timestamp = static_cast<int64_t>(block.timestamp);
    context.block_gas_limit = static_cast<int64_t>(block.gas_limit);
    context.block_prev_randao = to_evmc(block.fork >= Fork::Paris ? block.prev_randao : block.difficulty);
    context.chain_id = to_evmc(block.chain_id);
    context.block_base_fee = to_evmc(block.base_fee);
    context.blob_base_fee = to_evmc(block.blob_base_fee);
    static_assert(sizeof(evmc_bytes32) == sizeof(Hash32));
    context.blob_hashes = reinterpret_cast<const evmc_bytes32*>(transaction.blob_hashes);
    context.blob_hashes_count = transaction.blob_count;
    return context;
}

void EvmcHost::log(const Address& address, Span data, const evmc_bytes32* topics, uint64_t topic_count) noexcept {
    constexpr uint64_t TOPICS_MAX = 4;
    if (is_over() || !may_write()) return;
    if (topic_count > TOPICS_MAX) {
        broken(EvmcFault::TooManyTopics);
        return;
    }
    if (data.size > UINT32_MAX) {  // no gas pays for as much
        broken(EvmcFault::NullPointer);
        return;
    }
    Hash32 same[TOPICS_MAX];
    if (topic_count != 0) std::memcpy(same, topics, topic_count * sizeof(Hash32));
    journal_.log(address, same, static_cast<uint8_t>(topic_count), data);
}

}  // namespace blockstm::evm
