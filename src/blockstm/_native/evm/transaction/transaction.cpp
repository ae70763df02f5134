// A transaction from the first check to the last payment (Yellow Paper, section 6).
#include <algorithm>

#include "evm/run/create.hpp"
#include "evm/transaction/accesses.hpp"
#include "evm/transaction/delegation.hpp"
#include "evm/transaction/fees.hpp"
#include "evm/transaction/kept_transient.hpp"
#include "evm/transaction/own_rules.hpp"
#include "evm/transaction/result_encoding.hpp"
#include "evm/transaction/steps.hpp"
#include "evm/transaction/validity.hpp"

namespace blockstm::evm {

namespace {

// EIP-3529.
constexpr uint64_t refund_share(Fork fork) noexcept { return fork >= Fork::London ? 5 : 2; }

struct GasUse {
    uint64_t before_refund;
    uint64_t used;
    uint64_t state = 0;  // EIP-8037: the block counts it apart
};

// One run of one transaction; the machine's, put into words.
struct Run {
    Machine& machine;
    Journal& journal;
    const Transaction& transaction;
    const BlockEnv& block;
    IntrinsicGas gas;
    GasPrice price;
    uint64_t nonce;  // of the sender before it
    Account* sender = nullptr;
    int64_t given = 0;  // gas for the first frame
    bool is_static = false;

    bool check(ValidationError& error) noexcept;
    bool check_call(bool is_validated, ValidationError& error) noexcept;
    bool buy_gas() noexcept;
    bool warm_up(const Address& target) noexcept;
    void split_gas() noexcept;
    bool execute(ExecutionResult& result) noexcept;
    bool prepare(Message& message) noexcept;
    bool prepare_call(Message& message) noexcept;
    bool prepare_creation(Message& message) noexcept;
    bool charge_new_account(Account* account, int64_t& gas) noexcept;
    bool prepare_or_undo(Message& message, ExecutionResult& result) noexcept;
    GasUse gas_use(const ExecutionResult& result) const noexcept;
    GasUse both_gases(const ExecutionResult& result) const noexcept;
    bool refund_and_pay(const GasUse& gas) noexcept;
    bool show_code() noexcept;
    bool encode(const ExecutionResult& result, const GasUse& gas) noexcept;
    bool check_prepaid(ValidationError& error) noexcept;
    bool encode_nonce() noexcept;
};

bool Run::check(ValidationError& error) noexcept {
    error = check_form(transaction, block, gas);
    if (error.reason != Violation::None) return true;
    constexpr uint8_t asked_for = bit(NONCE) | bit(BALANCE) | bit(CODE_HASH);
    return journal.account(transaction.sender, sender) && journal.locate_fields(sender, asked_for) &&
           check_sender(machine, transaction, sender, error);
}

// Nobody signed it, and who it says that it is from may have code. What its sender pays is paid all the same.
bool Run::check_call(bool is_validated, ValidationError& error) noexcept {
    if (!journal.account(transaction.sender, sender) || !journal.nonce(sender, nonce)) return false;
    if (is_validated) error = check_nonce(transaction, nonce);
    if (error.reason == Violation::None) error = check_call_form(transaction, block, is_validated);
    if (error.reason != Violation::None) return true;
    if (!check_funds(journal, transaction, sender, error)) return false;
    if (error.reason == Violation::None) error = check_call_gas(transaction, block, gas);
    return true;
}

// The sender can pay: what it may cost at most was checked, and the effective price is below the cap.
bool Run::buy_gas() noexcept {
    u256 cost, blob_cost;
    multiply(price.effective, transaction.gas_limit, cost);
    multiply(block.blob_base_fee, blob_gas(transaction), blob_cost);
    return journal.debit(sender, cost + blob_cost) && journal.set_nonce(sender, nonce + 1);
}

// EIP-2929, EIP-2930, EIP-3651. Precompiles are warm by themselves.
bool Run::warm_up(const Address& target) noexcept {
    if (block.fork < Fork::Berlin) return true;
    bool was_cold = false;
    Account* account = nullptr;
    if (!journal.access(sender, was_cold)) return false;
    if (!journal.account(target, account) || !journal.access(account, was_cold)) return false;
    if (block.fork >= Fork::Shanghai) {
        if (!journal.account(block.coinbase, account) || !journal.access(account, was_cold)) return false;
    }
    for (uint64_t place = 0; place < transaction.access_count; ++place) {
        const AccessEntry& entry = transaction.access_list[place];
        if (!journal.account(entry.address, account) || !journal.access(account, was_cold)) return false;
        for (uint64_t slot_place = 0; slot_place < entry.slot_count; ++slot_place) {
            Slot* slot = nullptr;
            if (!journal.slot(account, entry.slots[slot_place], slot) || !journal.access(slot, was_cold)) return false;
        }
    }
    return true;
}

// ------------------------------------------------------------------------------ running

// EIP-8037: what is beyond the cap on gas to run with is for the state. The intrinsic gas of a prepaid transaction,
// which is in the block whatever it breaks, may be above that cap by itself.
void Run::split_gas() noexcept {
    given = static_cast<int64_t>(transaction.gas_limit - gas.execution);
    if (!machine.meters_state()) return;
    const int64_t most = gas.execution < GAS_CAP ? static_cast<int64_t>(GAS_CAP - gas.execution) : 0;
    const int64_t reservoir = std::max(given - most, int64_t{0});
    given -= reservoir;
    machine.state_gas.begin(reservoir);
}

bool Run::execute(ExecutionResult& result) noexcept {
    split_gas();
    machine.transaction = {transaction.sender, price.effective, transaction.blob_hashes, transaction.blob_count};
    Message message;
    message.creates = transaction.creates;
    message.is_static = is_static;
    message.gas = given;
    message.caller = transaction.sender;
    message.target = transaction.to;
    message.value = transaction.value;
    message.input = transaction.data;
    if (!machine.meters_state()) return prepare(message) && run_message(machine, message, result);
    return prepare_or_undo(message, result) && (message.gas < 0 || run_message(machine, message, result));
}

// EIP-2780: what comes before the first frame costs gas, too. Where that does not suffice, nothing happens but that
// it is paid for, all of it.
bool Run::prepare_or_undo(Message& message, ExecutionResult& result) noexcept {
    Checkpoint start;
    if (!journal.enter(start) || !prepare(message)) return false;
    if (message.gas >= 0) return true;
    journal.revert(start);
    machine.state_gas.forget();
    result = {false, 0, Failure::OutOfGas};
    return true;
}

// From Amsterdam on the message has less gas than none afterwards where it does not suffice.
bool Run::prepare(Message& message) noexcept {
    return transaction.creates ? prepare_creation(message) : prepare_call(message);
}

bool Run::prepare_call(Message& message) noexcept {
    if (!apply_authorizations(machine, transaction, message.gas)) return false;
    if (message.gas < 0) return true;
    Account* target = nullptr;
    const uint8_t asked_for = transaction.value.is_zero() ? bit(CODE_HASH) : bit(CODE_HASH) | bit(BALANCE);
    if (!journal.account(transaction.to, target) || !journal.locate_fields(target, asked_for)) return false;
    if (!journal.code(target, message.code)) return false;
    const bool sends = machine.meters_state() && !transaction.value.is_zero();
    if (sends && !charge_new_account(target, message.gas)) return false;
    // Without code nothing can ask what is warm.
    if (message.gas < 0 || message.code->bytes.size == 0) return true;
    return warm_up(transaction.to) && follow_delegation(machine, message.code, message.gas);
}

bool Run::prepare_creation(Message& message) noexcept {
    message.target = creation_address(transaction.sender, nonce);
    if (!warm_up(message.target)) return false;
    Account* created = nullptr;
    if (!machine.meters_state()) return true;
    return journal.account(message.target, created) && charge_new_account(created, message.gas);
}

// EIP-8037: of an account that is dead, and to be so no longer.
bool Run::charge_new_account(Account* account, int64_t& left) noexcept {
    bool is_dead = false;
    if (!journal.is_empty(account, is_dead)) return false;
    if (is_dead) left = machine.state_gas.charge(amsterdam_gas::NEW_ACCOUNT, left);
    return true;
}

// ------------------------------------------------------------------------------ paying

// The reservoir's rest was not spent; refunds are a part of all gas, and of neither kind as the block counts it
// (EIP-7778).
GasUse Run::both_gases(const ExecutionResult& result) const noexcept {
    const StateGas& state_gas = machine.state_gas;
    const auto left = static_cast<uint64_t>(result.gas_left + state_gas.reservoir());
    const uint64_t spent = transaction.gas_limit - left;
    const auto refund = static_cast<uint64_t>(std::max(journal.refund(), int64_t{0}));
    const uint64_t used = spent - std::min(spent / refund_share(block.fork), refund);
    const auto for_state = static_cast<uint64_t>(state_gas.used());
    return {std::max(spent - for_state, gas.floor), std::max(used, gas.floor), for_state};
}

GasUse Run::gas_use(const ExecutionResult& result) const noexcept {
    if (machine.meters_state()) return both_gases(result);
    const uint64_t spent = transaction.gas_limit - static_cast<uint64_t>(result.gas_left);
    const auto refund = static_cast<uint64_t>(std::max(journal.refund(), int64_t{0}));
    const uint64_t used = spent - std::min(spent / refund_share(block.fork), refund);
    return {std::max(spent, gas.floor), std::max(used, gas.floor)};
}

// The base fee is burnt. The coinbase is credited without reading it, so that all transactions may pay it at once.
bool Run::refund_and_pay(const GasUse& use) noexcept {
    u256 left, fee;
    multiply(price.effective, transaction.gas_limit - use.used, left);
    multiply(price.priority, use.used, fee);
    Account* coinbase = nullptr;
    if (!journal.credit(sender, left) || !journal.account(block.coinbase, coinbase)) return false;
    if (!fee.is_zero() && !journal.locate_shared_balance(coinbase)) return false;
    return journal.credit(coinbase, fee);
}

// The code of the contract that it made, as its output.
bool Run::show_code() noexcept {
    Account* created = nullptr;
    const Code* code = nullptr;
    if (!journal.account(creation_address(transaction.sender, nonce), created) || !journal.code(created, code)) {
        return false;
    }
    machine.output.clear();
    return machine.output.append(code->bytes.data, code->bytes.size) || journal.stop(BLOCKSTM_NO_MEMORY);
}

bool Run::encode(const ExecutionResult& result, const GasUse& use) noexcept {
    Bytes& out = machine.encoded;
    const Span logs = journal.logs();
    const Bytes &output = machine.output, &accesses = machine.accesses;
    uint8_t head[RESULT_HEAD_BYTES];
    encode_head({result.succeeded, static_cast<uint8_t>(result.failure), use.used, use.before_refund, use.state,
                 static_cast<uint32_t>(output.size()), static_cast<uint32_t>(accesses.size())}, head);
    const uint64_t size = sizeof head + output.size() + accesses.size() + sizeof(uint32_t) + logs.size;
    const bool written = out.reserve(size) && out.append(head, sizeof head) &&
                         out.append(output.data(), output.size()) && out.append(accesses.data(), accesses.size()) &&
                         write_number(out, journal.log_count()) && out.append(logs.data, logs.size);
    return written || journal.stop(BLOCKSTM_NO_MEMORY);
}

}  // namespace

bool run_transaction(Machine& machine, const Transaction& transaction, ValidationError& error) noexcept {
    const BlockEnv& block = *machine.block;
    Run run{machine, machine.journal, transaction, block, intrinsic_gas(transaction, block), {}, transaction.nonce};
    if (!run.check(error)) return false;
    if (error.reason != Violation::None) return true;
    run.price = gas_price(transaction, block);
    ExecutionResult result{};
    if (!run.buy_gas() || !run.execute(result)) return false;
    const GasUse use = run.gas_use(result);
    return run.refund_and_pay(use) && record_and_flush(machine) && run.encode(result, use) &&
           machine.journal.charge(use.used);
}

// ------------------------------------------------------------------------------ by a chain's own rules

bool run_charged(Machine& machine, const Step& step, ValidationError& error) noexcept {
    const BlockEnv& block = *machine.block;
    const Transaction& transaction = step.transaction;
    Run run{machine, machine.journal, transaction, block, intrinsic_gas(transaction, block), {}, transaction.nonce};
    if (!run.check(error)) return false;
    if (error.reason != Violation::None) return true;
    OwnFees fees;
    if (!price_own_fees(machine, step, run.sender, fees, error)) return false;
    if (error.reason != Violation::None) return true;
    run.price = gas_price(transaction, block);
    ExecutionResult result{};
    if (!run.buy_gas() || !machine.journal.debit(run.sender, fees.total) || !run.execute(result)) return false;
    const GasUse use = run.gas_use(result);
    return run.refund_and_pay(use) && pay_own_fees(machine, step, run.sender, fees, use.used) &&
           record_and_flush(machine) && run.encode(result, use) && machine.journal.charge(use.used);
}

namespace {

// Why it comes to nothing though it is in the block; its gas was bought elsewhere, whatever the cap on gas is.
bool Run::check_prepaid(ValidationError& error) noexcept {
    error = check_prepaid_form(transaction, block, gas);
    if (error.reason == Violation::None && nonce == UINT64_MAX) error.reason = Violation::NonceIsMax;
    if (error.reason != Violation::None) return true;
    bool can_pay = false;
    if (!journal.can_pay(sender, transaction.value, can_pay)) return false;
    if (!can_pay) error.reason = Violation::InsufficientFunds;
    return true;
}

// The nonce that its sender had: nothing else tells it.
bool Run::encode_nonce() noexcept {
    machine.encoded.data()[0] |= TELLS_NONCE;
    return write_number(machine.encoded, nonce) || journal.stop(BLOCKSTM_NO_MEMORY);
}

}  // namespace

bool run_prepaid(Machine& machine, const Step& step, ValidationError& error) noexcept {
    const BlockEnv& block = *machine.block;
    const Transaction& transaction = step.transaction;
    Journal& journal = machine.journal;
    error = check_block_gas(transaction, block);
    if (error.reason != Violation::None) return true;
    Run run{machine, journal, transaction, block, intrinsic_gas(transaction, block), {}, 0};
    if (!journal.account(transaction.sender, run.sender) || !journal.nonce(run.sender, run.nonce)) return false;
    if (!step.own->mint.is_zero() && !journal.credit(run.sender, step.own->mint)) return false;
    ValidationError broken{};
    if (!run.check_prepaid(broken)) return false;
    if (run.nonce != UINT64_MAX && !journal.set_nonce(run.sender, run.nonce + 1)) return false;
    ExecutionResult result{false, 0, Failure::OutOfGas};
    GasUse use{transaction.gas_limit, transaction.gas_limit};
    if (broken.reason == Violation::InsufficientFunds) result.failure = Failure::InsufficientBalance;
    if (broken.reason == Violation::NonceIsMax) result.failure = Failure::NonceOverflow;
    if (broken.reason == Violation::None) {
        if (!run.execute(result)) return false;
        use = run.gas_use(result);
    } else {
        machine.output.clear();
    }
    return record_and_flush(machine) && run.encode(result, use) && run.encode_nonce() && journal.charge(use.used);
}

// ------------------------------------------------------------------------------ of calls

bool run_call(Machine& machine, const Step& step, ValidationError& error) noexcept {
    const BlockEnv& block = *machine.block;
    const Transaction& transaction = step.transaction;
    Run run{machine, machine.journal, transaction, block, intrinsic_gas(transaction, block), {}, 0};
    run.is_static = step.is_static;
    if (!run.check_call(step.is_validated, error)) return false;
    if (error.reason != Violation::None) return true;
    if (step.is_validated || !is_free(transaction)) run.price = gas_price(transaction, block);
    ExecutionResult result{};
    if (!step.spares_sender && !run.buy_gas()) return false;
    if (step.transient != nullptr && !restore_transient(machine.journal, *step.transient)) return false;
    if (!run.execute(result)) return false;
    const GasUse use = run.gas_use(result);
    if (!step.spares_sender && !run.refund_and_pay(use)) return false;
    if (!record_accesses(machine)) return false;
    if (transaction.creates && result.succeeded && !run.show_code()) return false;
    if (step.keeps_changes && !machine.journal.flush()) return false;
    if (step.transient != nullptr && !keep_transient(machine.journal, *step.transient)) return false;
    return run.encode(result, use) && machine.journal.charge(use.used);
}

}  // namespace blockstm::evm
