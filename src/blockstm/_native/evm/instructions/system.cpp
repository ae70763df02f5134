// Calls, creations, and how frames end: see system.hpp.

#include "evm/instructions/system.hpp"

#include "evm/instructions/environment.hpp"
#include "evm/precompiles/precompiles.hpp"
#include "evm/transfer_logs.hpp"

namespace blockstm::evm::instructions {
namespace {

// The operands of a call, which not all kinds have.
struct CallOperands {
    const u256* gas;
    const u256* address;
    u256 value;
    const u256 *input_offset, *input_size, *output_offset, *output_size;
};

CallOperands operands_of(CallKind kind, const u256* operands) noexcept {
    const bool has_value = kind == CallKind::Call || kind == CallKind::CallCode;
    const u256* ranges = operands - (has_value ? 3 : 2);
    return {operands - 1, operands - 2, has_value ? operands[-3] : u256{},
            ranges - 1,   ranges - 2,   ranges - 3,
            ranges - 4};
}

// EIP-7702: the code that runs in place of a delegation, and gas for touching its account.
int64_t follow(Machine& machine, const Code*& code, int64_t gas) noexcept {
    if (!code->is_delegation) return gas;
    Account* delegate = nullptr;
    gas = touch(machine, code->delegate, delegate, gas - gas_of(running(machine)).warm_access);
    if (gas < 0) return gas;
    return machine.world.code(delegate, code) ? gas : OVER;
}

// Gas for bringing an account into being. Until EIP-161 whoever calls what does not exist pays; since then
// who sends value to what is dead.
int64_t charge_new_account(Machine& machine, Account* account, bool has_value, int64_t gas) noexcept {
    const GasTable& table = gas_of(running(machine));
    if (table.new_only_with_value) {
        if (!has_value) return gas;
        bool is_empty = false;
        if (!machine.world.is_empty(account, is_empty)) return OVER;
        if (!is_empty) return gas;
        if (table.meters_state) return machine.state_gas.charge(NEW_ACCOUNT_BYTES, gas);
        return gas - table.new_account;
    }
    bool exists = false;
    if (!machine.world.exists(account, exists)) return OVER;
    return exists ? gas : gas - table.new_account;
}

// The gas that a callee gets of what is left (EIP-150); the caller fails where it asks for more before.
int64_t share(const GasTable& table, const u256& wanted, int64_t left) noexcept {
    const auto most = static_cast<uint64_t>(table.keeps_64th ? left - left / 64 : left);
    const uint64_t asked = saturate(wanted);
    if (asked <= most) return static_cast<int64_t>(asked);
    return table.keeps_64th ? static_cast<int64_t>(most) : FAILED;
}

}  // namespace

int64_t call(Machine& machine, CallKind kind, const u256* stack, int64_t gas) noexcept {
    const Frame& frame = running(machine);
    const GasTable& table = gas_of(frame);
    const CallOperands operands = operands_of(kind, stack);
    const bool has_value = !operands.value.is_zero();
    if (frame.is_static && kind == CallKind::Call && has_value) return fail(machine, Failure::WriteProtection);

    gas = reach(machine, *operands.input_offset, *operands.input_size, gas);
    if (gas < 0) return gas;
    gas = reach(machine, *operands.output_offset, *operands.output_size, gas);
    if (gas < 0) return gas;

    Request& request = machine.request;
    request.code_address = to_address(*operands.address);
    Account* account = nullptr;
    if (has_value) gas -= table.call_value;
    gas = touch(machine, request.code_address, account, gas);
    if (gas < 0) return gas;
    request.code = nullptr;
    if (precompile_at(machine.fork(), request.code_address) == 0) {
        if (!machine.world.code(account, request.code)) return OVER;
        gas = follow(machine, request.code, gas);
        if (gas < 0) return gas;
    } else {
        machine.world.see(account);
    }
    if (kind == CallKind::Call) gas = charge_new_account(machine, account, has_value, gas);
    if (gas < 0) return gas;

    request.gas = share(table, *operands.gas, gas);
    if (request.gas < 0) return fail(machine, Failure::OutOfGas);
    gas -= request.gas;
    if (has_value) request.gas += table.call_stipend;

    const bool is_elsewhere = kind == CallKind::Call || kind == CallKind::StaticCall;
    request.kind = kind;
    request.target = is_elsewhere ? request.code_address : frame.address;
    request.account = account;
    request.value = kind == CallKind::DelegateCall ? frame.value : operands.value;
    request.input_offset = operands.input_offset->limb[0];
    request.input_size = operands.input_size->limb[0];
    request.output_offset = operands.output_offset->limb[0];
    request.output_size = operands.output_size->limb[0];
    return gas;
}

int64_t create(Machine& machine, CallKind kind, const u256* stack, int64_t gas) noexcept {
    const Frame& frame = running(machine);
    const GasTable& table = gas_of(frame);
    const u256 &value = stack[-1], &offset = stack[-2], &size = stack[-3];
    if (frame.is_static) return fail(machine, Failure::WriteProtection);
    if (saturate(size) > table.initcode_size_max) return fail(machine, Failure::InitcodeTooLarge);

    gas = reach(machine, offset, size, gas);
    if (gas < 0) return gas;
    const auto words = static_cast<int64_t>(words_of(size.limb[0]));
    gas -= table.initcode_word * words;
    if (kind == CallKind::Create2) gas -= table.create2_word * words;
    if (gas < 0) return gas;
    if (table.meters_state) gas = machine.state_gas.charge(NEW_ACCOUNT_BYTES, gas);
    if (gas < 0) return gas;

    Request& request = machine.request;
    request.kind = kind;
    request.gas = table.keeps_64th ? gas - gas / 64 : gas;
    request.code = nullptr;
    request.value = value;
    if (kind == CallKind::Create2) request.salt = stack[-4];
    request.input_offset = offset.limb[0];
    request.input_size = size.limb[0];
    return gas - request.gas;
}

int64_t leave(Machine& machine, const u256& offset, const u256& size, int64_t gas) noexcept {
    gas = reach(machine, offset, size, gas);
    if (gas < 0) return gas;
    const uint64_t count = size.limb[0];
    if (!machine.output.resize(count)) return no_memory(machine);
    if (count != 0) std::memcpy(machine.output.data(), memory_of(machine) + offset.limb[0], count);
    return gas;
}

// EIP-7708.
static bool log_self_destruct(Machine& machine, Account* beneficiary, const u256& balance, bool goes) noexcept {
    const Frame& frame = running(machine);
    if (beneficiary != frame.self) {
        return log_transfer(machine.world, frame.address, beneficiary->address, balance);
    }
    return !goes || log_burn(machine.world, frame.address, balance);
}

// What is left goes to the beneficiary; whether the account goes, too, is the fork's: from Cancun on only
// one that was created in this transaction does (EIP-6780).
int64_t selfdestruct(Machine& machine, const u256& operand, int64_t gas) noexcept {
    const Frame& frame = running(machine);
    const GasTable& table = gas_of(frame);
    World& world = machine.world;
    const Fork fork = machine.fork();
    if (frame.is_static) return fail(machine, Failure::WriteProtection);

    Account* beneficiary = nullptr;
    if (!world.account(to_address(operand), beneficiary)) return OVER;
    if (table.cold_beneficiary != 0) {
        bool was_cold = false;
        if (!world.access(beneficiary, was_cold)) return OVER;
        if (was_cold) gas -= table.cold_beneficiary;
        if (gas < 0) return gas;
    }
    world.see(beneficiary);
    u256 balance;
    if (!world.balance(frame.self, balance)) return OVER;
    if (table.selfdestruct_charges_new_account) {
        gas = charge_new_account(machine, beneficiary, !balance.is_zero(), gas);
        if (gas < 0) return gas;
    }

    const bool goes = fork < Fork::Cancun || world.created_here(frame.self);
    if (beneficiary != frame.self) {
        if (!world.credit(beneficiary, balance) || !world.debit(frame.self, balance)) return OVER;
    } else if (goes && !world.debit(frame.self, balance)) {  // burnt
        return OVER;
    }
    if (fork >= Fork::Amsterdam && !log_self_destruct(machine, beneficiary, balance, goes)) return OVER;
    if (!goes) return gas;
    if (!world.is_self_destructed(frame.self)) world.add_refund(table.selfdestruct_refund);
    return world.self_destruct(frame.self) ? gas : OVER;
}

}  // namespace blockstm::evm::instructions
