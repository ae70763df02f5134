// What a block does besides its transactions: before the first one, and after the last (EIPs 779, 2935,
// 4788, 4895, 7002, 7251, 8282; Yellow Paper, section 11.3).
#include "evm/transaction/accesses.hpp"
#include "evm/transaction/own_rules.hpp"
#include "evm/transaction/result_encoding.hpp"
#include "evm/transaction/steps.hpp"

namespace blockstm::evm {

namespace {

constexpr int64_t SYSTEM_CALL_GAS = 30'000'000;

constexpr Address SYSTEM = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe}};
constexpr Address BEACON_ROOTS = {{0x00, 0x0f, 0x3d, 0xf6, 0xd7, 0x32, 0x80, 0x7e, 0xf1, 0x31,
                                   0x9f, 0xb7, 0xb8, 0xbb, 0x85, 0x22, 0xd0, 0xbe, 0xac, 0x02}};
constexpr Address BLOCK_HASHES = {{0x00, 0x00, 0xf9, 0x08, 0x27, 0xf1, 0xc5, 0x3a, 0x10, 0xcb,
                                   0x7a, 0x02, 0x33, 0x5b, 0x17, 0x53, 0x20, 0x00, 0x29, 0x35}};
constexpr Address WITHDRAWAL_REQUESTS = {{0x00, 0x00, 0x09, 0x61, 0xef, 0x48, 0x0e, 0xb5, 0x5e, 0x80,
                                          0xd1, 0x9a, 0xd8, 0x35, 0x79, 0xa6, 0x4c, 0x00, 0x70, 0x02}};
constexpr Address BUILDER_DEPOSITS = {{0x00, 0x00, 0xbf, 0xf4, 0x69, 0x84, 0xe3, 0x72, 0x56, 0x91,
                                       0xfa, 0x54, 0x0a, 0x8c, 0x75, 0x89, 0x30, 0x0d, 0x82, 0x82}};
constexpr Address BUILDER_EXITS = {{0x00, 0x00, 0x64, 0xd6, 0x78, 0x50, 0x5a, 0xd4, 0x8f, 0x8c,
                                    0xcb, 0x09, 0x3b, 0xc6, 0x56, 0x13, 0x80, 0x0e, 0x82, 0x82}};
constexpr Address CONSOLIDATION_REQUESTS = {{0x00, 0x00, 0xbb, 0xdd, 0xc7, 0xce, 0x48, 0x86, 0x42, 0xfb,
                                             0x57, 0x9f, 0x8b, 0x00, 0xf3, 0xa5, 0x90, 0x00, 0x72, 0x51}};

enum class Called : uint8_t { Succeeded, Failed, NoCode };

// What comes next is a transaction of its own: nothing is warm, nothing was created or changed in it yet.
bool begin_anew(Machine& machine) noexcept {
    if (!record_and_flush(machine)) return false;
    machine.journal.begin(machine.journal.view(), machine.variant(), machine.block->added_precompiles);
    return true;
}

// EIP-8037: there is gas for the state apart. What is warm in a transaction is warm here.
bool begin_metered(Machine& machine, const Address& sender, Account* contract) noexcept {
    Journal& journal = machine.journal;
    Account *caller = nullptr, *coinbase = nullptr;
    bool was_cold = false;
    machine.state_gas.begin(amsterdam_gas::SYSTEM_CALL_RESERVOIR);
    return journal.account(sender, caller) && journal.account(machine.block->coinbase, coinbase) &&
           journal.access(caller, was_cold) && journal.access(coinbase, was_cold) && journal.access(contract, was_cold);
}

// A call by the system: it costs nobody anything. Its output is in `machine.output`.
bool call(Machine& machine, const SystemCall& made, Called& called) noexcept {
    Message message;
    Account* account = nullptr;
    if (!begin_anew(machine)) return false;
    if (!machine.journal.account(made.target, account) || !machine.journal.code(account, message.code)) return false;
    called = Called::NoCode;
    if (message.code->bytes.size == 0) return true;
    message.gas = made.gas;
    if (machine.meters_state() && !begin_metered(machine, made.sender, account)) return false;
    message.caller = made.sender;
    message.target = made.target;
    message.input = made.input;
    machine.transaction = {made.sender, machine.block->base_fee, nullptr, 0};
    ExecutionResult result{};
    if (!run_message(machine, message, result)) return false;
    called = result.succeeded ? Called::Succeeded : Called::Failed;
    return true;
}

bool call(Machine& machine, const Address& contract, Span input, Called& called) noexcept {
    return call(machine, {false, 0, false, SYSTEM, contract, input, SYSTEM_CALL_GAS}, called);
}

// EIP-7002, EIP-7251, EIP-8282: without the contract, or where it fails, the block is invalid.
void require(Called called, ValidationError& error) noexcept {
    if (called == Called::NoCode) error.reason = Violation::SystemContractMissing;
    if (called == Called::Failed) error.reason = Violation::SystemCallFailed;
}

bool run_own_calls(Machine& machine, const Step& step, ValidationError& error) noexcept {
    if (step.own == nullptr) return true;
    for (uint64_t place = 0; place < step.own->call_count && error.reason == Violation::None; ++place) {
        const SystemCall& made = step.own->calls[place];
        Called called = Called::Succeeded;
        if (made.is_function) {
            if (!begin_anew(machine) || !run_own_function(machine, made.function)) return false;
            continue;
        }
        if (!call(machine, made, called)) return false;
        if (made.must_succeed) require(called, error);
    }
    return true;
}

bool drain(Machine& machine, const Around& around) noexcept {
    Journal& journal = machine.journal;
    for (uint64_t place = 0; place < around.drained_count; ++place) {
        Account *drained = nullptr, *receiver = nullptr;
        u256 balance;
        if (!journal.account(around.drained[place], drained) || !journal.account(around.refund_contract, receiver)) {
            return false;
        }
        if (!journal.balance(drained, balance)) return false;
        if (balance.is_zero()) continue;
        if (!journal.debit(drained, balance) || !journal.credit(receiver, balance)) return false;
    }
    return true;
}

bool pay(Machine& machine, const Payment* payments, uint64_t count) noexcept {
    for (uint64_t place = 0; place < count; ++place) {
        Account* account = nullptr;
        if (!machine.journal.account(payments[place].address, account)) return false;
        if (!machine.journal.credit(account, payments[place].amount)) return false;
    }
    return true;
}

bool collect(Machine& machine, const Address& contract, ValidationError& error) noexcept {
    Called called{};
    if (!call(machine, contract, {}, called)) return false;
    require(called, error);
    if (called != Called::Succeeded) return true;
    const Span requests{machine.output.data(), machine.output.size()};
    return write_sized(machine.encoded, requests) || machine.journal.stop(BLOCKSTM_NO_MEMORY);
}

bool begin_encoding(Machine& machine, uint8_t list_count) noexcept {
    constexpr uint8_t SYSTEM_OUTPUTS_TAG = 2;
    const bool written = write_number(machine.encoded, SYSTEM_OUTPUTS_TAG) && write_number(machine.encoded, list_count);
    return written || machine.journal.stop(BLOCKSTM_NO_MEMORY);
}

bool encode_accesses(Machine& machine) noexcept {
    const bool written = machine.encoded.append(machine.accesses.data(), machine.accesses.size());
    return written || machine.journal.stop(BLOCKSTM_NO_MEMORY);
}

bool encode_start(Machine& machine) noexcept { return begin_encoding(machine, 0) && encode_accesses(machine); }

}  // namespace

bool run_block_start(Machine& machine, const Step& step, ValidationError& error) noexcept {
    const BlockEnv& block = *machine.block;
    Called called{};  // whatever comes of it
    if (!drain(machine, *step.around)) return false;
    if (block.fork >= Fork::Cancun) {
        const Span root{block.parent_beacon_root.bytes, sizeof block.parent_beacon_root.bytes};
        if (!call(machine, BEACON_ROOTS, root, called)) return false;
    }
    if (block.fork >= Fork::Prague) {
        const Span hash{block.parent_hash.bytes, sizeof block.parent_hash.bytes};
        if (!call(machine, BLOCK_HASHES, hash, called)) return false;
    }
    if (!run_own_calls(machine, step, error)) return false;
    if (error.reason != Violation::None) return true;
    return record_and_flush(machine) && (!block.records_accesses || encode_start(machine));
}

bool run_block_end(Machine& machine, const Step& step, ValidationError& error) noexcept {
    constexpr Address REQUEST_CONTRACTS[] = {WITHDRAWAL_REQUESTS, CONSOLIDATION_REQUESTS, BUILDER_DEPOSITS,
                                             BUILDER_EXITS};
    const Around& around = *step.around;
    if (!run_own_calls(machine, step, error)) return false;
    if (error.reason != Violation::None) return true;
    if (step.own != nullptr && !begin_anew(machine)) return false;
    uint8_t contract_count = 0;
    if (around.collects_requests) contract_count = machine.fork() >= Fork::Amsterdam ? 4 : 2;
    if (!begin_encoding(machine, contract_count)) return false;
    if (!pay(machine, around.withdrawals, around.withdrawal_count)) return false;
    for (uint8_t place = 0; place < contract_count; ++place) {
        if (!collect(machine, REQUEST_CONTRACTS[place], error)) return false;
        if (error.reason != Violation::None) return true;
    }
    return begin_anew(machine) && pay(machine, around.rewards, around.reward_count) && record_and_flush(machine) &&
           encode_accesses(machine);
}

}  // namespace blockstm::evm
