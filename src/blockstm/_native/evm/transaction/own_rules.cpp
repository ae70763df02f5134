// A chain's own rules at work; see own_rules.hpp.
#include "evm/transaction/own_rules.hpp"

#include "evm/transaction/fees.hpp"

namespace blockstm::evm {

namespace {

Journal& journal_of(OwnCall& call) noexcept { return static_cast<Machine*>(call.machine)->journal; }

bool read_balance(OwnCall& call, const Address& address, u256& value) noexcept {
    Account* account = nullptr;
    return journal_of(call).account(address, account) && journal_of(call).balance(account, value);
}

bool read_nonce(OwnCall& call, const Address& address, uint64_t& value) noexcept {
    Account* account = nullptr;
    return journal_of(call).account(address, account) && journal_of(call).nonce(account, value);
}

bool read_code(OwnCall& call, const Address& address, Span& value) noexcept {
    Account* account = nullptr;
    const Code* code = nullptr;
    if (!journal_of(call).account(address, account) || !journal_of(call).code(account, code)) return false;
    value = {code->bytes.data, code->bytes.size};
    return true;
}

bool find_slot(OwnCall& call, const Address& address, const u256& key, Slot*& slot) noexcept {
    Account* account = nullptr;
    return journal_of(call).account(address, account) && journal_of(call).slot(account, key, slot);
}

bool load_slot(OwnCall& call, const Address& address, const u256& key, u256& value) noexcept {
    Slot* slot = nullptr;
    return find_slot(call, address, key, slot) && journal_of(call).load(slot, value);
}

bool credit_account(OwnCall& call, const Address& address, const u256& amount) noexcept {
    Account* account = nullptr;
    return journal_of(call).account(address, account) && journal_of(call).credit(account, amount);
}

bool debit_account(OwnCall& call, const Address& address, const u256& amount, bool& can_pay) noexcept {
    Account* account = nullptr;
    if (!journal_of(call).account(address, account) || !journal_of(call).can_pay(account, amount, can_pay)) {
        return false;
    }
    return !can_pay || journal_of(call).debit(account, amount);
}

bool write_nonce(OwnCall& call, const Address& address, uint64_t value) noexcept {
    Account* account = nullptr;
    uint64_t before = 0;
    Journal& journal = journal_of(call);
    return journal.account(address, account) && journal.nonce(account, before) && journal.set_nonce(account, value);
}

bool write_code(OwnCall& call, const Address& address, Span value) noexcept {
    Account* account = nullptr;
    return journal_of(call).account(address, account) && journal_of(call).set_code(account, value);
}

bool store_slot(OwnCall& call, const Address& address, const u256& key, const u256& value) noexcept {
    Slot* slot = nullptr;
    return find_slot(call, address, key, slot) && journal_of(call).store(slot, value);
}

constexpr StateAccess ACCESS{read_balance, read_nonce,    read_code,   load_slot,  credit_account,
                             debit_account, write_nonce, write_code, store_slot};

// Whatever a function returns once the run is over does not count.
bool call_function(Machine& machine, uint64_t function, OwnCall& call) noexcept {
    const OwnFunctions& functions = machine.block->own_rules->functions;
    const OwnStatus status = functions.run(functions.context, function, call);
    if (machine.journal.fault() != BLOCKSTM_OK || machine.journal.is_stopped_by_view()) return false;
    if (status == OwnStatus::Done) return true;
    machine.error = call.error;
    return machine.journal.stop(PRECOMPILE_RAISED);
}

bool pay(Journal& journal, const Address& recipient, const u256& amount) noexcept {
    Account* account = nullptr;
    return amount.is_zero() || (journal.account(recipient, account) && journal.credit(account, amount));
}

bool refuse_funds(Machine& machine, Account* sender, const u256& cost, ValidationError& error) noexcept {
    u256 balance;
    if (!machine.journal.balance(sender, balance)) return false;
    error = {Violation::InsufficientFunds, balance, cost};
    return true;
}

bool check_own_funds(Machine& machine, const Transaction& transaction, Account* sender, const u256& fees,
                     ValidationError& error) noexcept {
    u256 cost;
    const bool fits = cost_max(transaction, cost) && add(cost, fees, cost) == 0;
    bool holds = false;
    if (fits && !machine.journal.can_pay(sender, cost, holds)) return false;
    if (holds) return true;
    return refuse_funds(machine, sender, fits ? cost : ~u256{}, error);
}

}  // namespace

bool run_own_function(Machine& machine, uint64_t function) noexcept {
    OwnCall call{&ACCESS, &machine, 0, machine.block->number, machine.block->timestamp, true};
    return call_function(machine, function, call);
}

bool price_own_fees(Machine& machine, const Step& step, Account* sender, OwnFees& fees,
                    ValidationError& error) noexcept {
    const OwnRules& rules = *machine.block->own_rules;
    bool fits = true;
    fees.total = u256{};
    for (uint64_t place = 0; place < rules.fee_count; ++place) {
        OwnCall call{&ACCESS, &machine, step.own->transaction, machine.block->number, machine.block->timestamp,
                     false};
        if (!call_function(machine, rules.fees[place].function, call)) return false;
        fees.amounts[place] = call.amount;
        fits = add(fees.total, call.amount, fees.total) == 0 && fits;
    }
    if (!fits) return refuse_funds(machine, sender, ~u256{}, error);
    return check_own_funds(machine, step.transaction, sender, fees.total, error);
}

bool pay_own_fees(Machine& machine, const Step& step, Account* sender, const OwnFees& fees,
                  uint64_t gas_used) noexcept {
    const OwnRules& rules = *machine.block->own_rules;
    u256 base_fees;
    multiply(machine.block->base_fee, gas_used, base_fees);
    if (rules.keeps_base_fee && !pay(machine.journal, rules.base_fee_recipient, base_fees)) return false;
    for (uint64_t place = 0; place < rules.fee_count; ++place) {
        const OwnFee& fee = rules.fees[place];
        u256 amount = fees.amounts[place];
        if (fee.has_refund && !amount.is_zero()) {
            OwnCall call{&ACCESS, &machine, step.own->transaction, machine.block->number, machine.block->timestamp,
                         false, amount, 0, true, gas_used};
            if (!call_function(machine, fee.refund, call)) return false;
            if (!call.amount.is_zero() && !machine.journal.credit(sender, call.amount)) return false;
            amount = amount - call.amount;
        }
        if (!pay(machine.journal, fee.recipient, amount)) return false;
    }
    return true;
}

}  // namespace blockstm::evm
