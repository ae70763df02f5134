// Delegations; see delegation.hpp.
#include "evm/transaction/delegation.hpp"

#include "evm/transaction/fees.hpp"

namespace blockstm::evm {

namespace {

constexpr Address NOBODY{};

bool is_for_chain(const Authorization& authorization, const BlockEnv& block) noexcept {
    return authorization.chain_id.is_zero() || authorization.chain_id == block.chain_id;
}

// An account may be delegated while it has no code of its own.
bool may_delegate(Journal& journal, Account* authority, bool& may) noexcept {
    bool has_code = false;
    if (!journal.has_code(authority, has_code)) return false;
    may = !has_code;
    if (!has_code) return true;
    const Code* code = nullptr;
    if (!journal.code(authority, code)) return false;
    may = code->is_delegation;
    return true;
}

bool point_to(Journal& journal, Account* authority, const Address& target) noexcept {
    if (target == NOBODY) return journal.set_code(authority, {});
    uint8_t code[DELEGATION_SIZE];
    std::memcpy(code, DELEGATION_PREFIX, sizeof DELEGATION_PREFIX);
    std::memcpy(code + sizeof DELEGATION_PREFIX, target.bytes, sizeof target.bytes);
    return journal.set_code(authority, {code, sizeof code});
}

// Until Amsterdam: what was paid for an account that is there already.
bool give_back_new_account(Machine& machine, Account* authority) noexcept {
    bool exists = false;
    if (!machine.journal.exists(authority, exists)) return false;
    if (exists) machine.journal.add_refund(static_cast<int64_t>(AUTHORIZATION_NEW_ACCOUNT - AUTHORIZATION_BASE));
    return true;
}

// From Amsterdam on, each once for an authority: its account if there was none, writing it, and its delegation
// if it had none.
bool charge(Machine& machine, Account* authority, bool clears, int64_t& gas) noexcept {
    Journal& journal = machine.journal;
    StateGas& state_gas = machine.state_gas;
    bool exists = false, has_to_pay = false;
    if (!journal.exists(authority, exists)) return false;
    if (!exists) gas = state_gas.charge(amsterdam_gas::NEW_ACCOUNT, gas);
    if (gas < 0) return true;
    if (!journal.pay_once(authority, WRITE_PAID, has_to_pay)) return false;
    if (has_to_pay) gas -= amsterdam_gas::ACCOUNT_WRITE;
    if (gas < 0 || clears || journal.had_code(authority)) return true;
    if (!journal.pay_once(authority, DELEGATION_PAID, has_to_pay)) return false;
    if (has_to_pay) gas = state_gas.charge(amsterdam_gas::NEW_DELEGATION, gas);
    return true;
}

bool apply(Machine& machine, const Authorization& authorization, int64_t& gas) noexcept {
    Journal& journal = machine.journal;
    if (!is_for_chain(authorization, *machine.block) || authorization.nonce == UINT64_MAX) return true;
    if (!authorization.is_signed) return true;
    Account* authority = nullptr;
    bool was_cold = false, may = false;
    if (!journal.account(authorization.authority, authority) || !journal.access(authority, was_cold)) return false;
    if (!may_delegate(journal, authority, may)) return false;
    if (!may) return true;
    uint64_t nonce = 0;
    if (!journal.nonce(authority, nonce)) return false;
    if (nonce != authorization.nonce) return true;
    if (machine.meters_state()) {
        if (!charge(machine, authority, authorization.address == NOBODY, gas)) return false;
        if (gas < 0) return true;
    } else if (!give_back_new_account(machine, authority)) {
        return false;
    }
    return point_to(journal, authority, authorization.address) && journal.set_nonce(authority, nonce + 1);
}

// Paid for already: the sender, and who is sent value.
bool mark_paid(Machine& machine, const Transaction& transaction) noexcept {
    Journal& journal = machine.journal;
    Account *sender = nullptr, *recipient = nullptr;
    bool had_to = false;
    if (!journal.account(transaction.sender, sender) || !journal.pay_once(sender, WRITE_PAID, had_to)) return false;
    if (transaction.value.is_zero()) return true;
    return journal.account(transaction.to, recipient) && journal.pay_once(recipient, WRITE_PAID, had_to);
}

}  // namespace

bool apply_authorizations(Machine& machine, const Transaction& transaction, int64_t& gas) noexcept {
    if (transaction.authorization_count == 0) return true;
    if (machine.meters_state() && !mark_paid(machine, transaction)) return false;
    for (uint64_t place = 0; place < transaction.authorization_count; ++place) {
        if (!apply(machine, transaction.authorizations[place], gas)) return false;
        if (gas < 0) return true;
    }
    if (machine.meters_state()) machine.state_gas.commit();
    return true;
}

bool follow_delegation(Machine& machine, const Code*& code, int64_t& gas) noexcept {
    if (!code->is_delegation) return true;
    Account* delegate = nullptr;
    bool was_cold = false;
    if (!machine.journal.account(code->delegate, delegate) || !machine.journal.access(delegate, was_cold)) return false;
    if (machine.meters_state()) {
        gas -= was_cold ? amsterdam_gas::COLD_ACCOUNT_ACCESS : amsterdam_gas::WARM_ACCESS;
        if (gas < 0) return true;
    }
    return machine.journal.code(delegate, code);
}

}  // namespace blockstm::evm
