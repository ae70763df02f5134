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
bool may_delegate(World& world, Account* authority, bool& may) noexcept {
    bool has_code = false;
    if (!world.has_code(authority, has_code)) return false;
    may = !has_code;
    if (!has_code) return true;
    const Code* code = nullptr;
    if (!world.code(authority, code)) return false;
    may = code->is_delegation;
    return true;
}

bool point_to(World& world, Account* authority, const Address& target) noexcept {
    if (target == NOBODY) return world.set_code(authority, {});
    uint8_t code[DELEGATION_SIZE];
    std::memcpy(code, DELEGATION_PREFIX, sizeof DELEGATION_PREFIX);
    std::memcpy(code + sizeof DELEGATION_PREFIX, target.bytes, sizeof target.bytes);
    return world.set_code(authority, {code, sizeof code});
}

// Until Amsterdam: what was paid for an account that is there already.
bool give_back_new_account(Machine& machine, Account* authority) noexcept {
    bool exists = false;
    if (!machine.world.exists(authority, exists)) return false;
    if (exists) machine.world.add_refund(static_cast<int64_t>(AUTHORIZATION_NEW_ACCOUNT - AUTHORIZATION_BASE));
    return true;
}

// From Amsterdam on, each once for an authority: its account if there was none, writing it, and its delegation
// if it had none.
bool charge(Machine& machine, Account* authority, bool clears, int64_t& gas) noexcept {
    World& world = machine.world;
    StateGas& state_gas = machine.state_gas;
    bool exists = false, has_to_pay = false;
    if (!world.exists(authority, exists)) return false;
    if (!exists) gas = state_gas.charge(amsterdam_gas::NEW_ACCOUNT, gas);
    if (gas < 0) return true;
    if (!world.pay_once(authority, WRITE_PAID, has_to_pay)) return false;
    if (has_to_pay) gas -= amsterdam_gas::ACCOUNT_WRITE;
    if (gas < 0 || clears || world.had_code(authority)) return true;
    if (!world.pay_once(authority, DELEGATION_PAID, has_to_pay)) return false;
    if (has_to_pay) gas = state_gas.charge(amsterdam_gas::NEW_DELEGATION, gas);
    return true;
}

bool apply(Machine& machine, const Authorization& authorization, int64_t& gas) noexcept {
    World& world = machine.world;
    if (!is_for_chain(authorization, *machine.block) || authorization.nonce == UINT64_MAX) return true;
    if (!authorization.is_signed) return true;
    Account* authority = nullptr;
    bool was_cold = false, may = false;
    if (!world.account(authorization.authority, authority) || !world.access(authority, was_cold)) return false;
    if (!may_delegate(world, authority, may)) return false;
    if (!may) return true;
    uint64_t nonce = 0;
    if (!world.nonce(authority, nonce)) return false;
    if (nonce != authorization.nonce) return true;
    if (machine.meters_state()) {
        if (!charge(machine, authority, authorization.address == NOBODY, gas)) return false;
        if (gas < 0) return true;
    } else if (!give_back_new_account(machine, authority)) {
        return false;
    }
    return point_to(world, authority, authorization.address) && world.set_nonce(authority, nonce + 1);
}

// Paid for already: the sender, and who is sent value.
bool mark_paid(Machine& machine, const Transaction& transaction) noexcept {
    World& world = machine.world;
    Account *sender = nullptr, *recipient = nullptr;
    bool had_to = false;
    if (!world.account(transaction.sender, sender) || !world.pay_once(sender, WRITE_PAID, had_to)) return false;
    if (transaction.value.is_zero()) return true;
    return world.account(transaction.to, recipient) && world.pay_once(recipient, WRITE_PAID, had_to);
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
    if (!machine.world.account(code->delegate, delegate) || !machine.world.access(delegate, was_cold)) return false;
    if (machine.meters_state()) {
        gas -= was_cold ? amsterdam_gas::COLD_ACCOUNT_ACCESS : amsterdam_gas::WARM_ACCESS;
        if (gas < 0) return true;
    }
    return machine.world.code(delegate, code);
}

}  // namespace blockstm::evm
