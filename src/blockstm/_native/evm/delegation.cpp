// Delegations; see delegation.hpp.
#include "evm/delegation.hpp"

#include "evm/fees.hpp"

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

// What was paid for an account that is there already.
void give_back_new_account(Machine& machine) noexcept {
    if (machine.meters_state()) {
        machine.state_gas.add_to_reservoir(machine.state_gas.cost_of(NEW_ACCOUNT_BYTES));
    } else {
        machine.world.add_refund(static_cast<int64_t>(AUTHORIZATION_NEW_ACCOUNT - AUTHORIZATION_BASE));
    }
}

bool apply(Machine& machine, const Authorization& authorization) noexcept {
    World& world = machine.world;
    if (!is_for_chain(authorization, *machine.block) || authorization.nonce == UINT64_MAX) return true;
    if (!authorization.is_signed) return true;
    Account* authority = nullptr;
    bool was_cold = false, may = false, exists = false;
    if (!world.account(authorization.authority, authority) || !world.access(authority, was_cold)) return false;
    if (!may_delegate(world, authority, may)) return false;
    if (!may) return true;
    uint64_t nonce = 0;
    if (!world.nonce(authority, nonce)) return false;
    if (nonce != authorization.nonce) return true;
    if (!world.exists(authority, exists)) return false;
    if (exists) give_back_new_account(machine);
    return point_to(world, authority, authorization.address) && world.set_nonce(authority, nonce + 1);
}

}  // namespace

bool apply_authorizations(Machine& machine, const Transaction& transaction) noexcept {
    for (uint64_t place = 0; place < transaction.authorization_count; ++place) {
        if (!apply(machine, transaction.authorizations[place])) return false;
    }
    return true;
}

bool follow_delegation(Machine& machine, const Code*& code) noexcept {
    if (!code->is_delegation) return true;
    Account* delegate = nullptr;
    bool was_cold = false;
    return machine.world.account(code->delegate, delegate) && machine.world.access(delegate, was_cold) &&
           machine.world.code(delegate, code);
}

}  // namespace blockstm::evm
