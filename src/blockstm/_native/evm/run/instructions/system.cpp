// Calls, creations, and how frames end: see system.hpp.

#include "evm/run/instructions/system.hpp"

#include "evm/forks/added_opcodes.hpp"

#include "evm/precompiles/precompiles.hpp"
#include "evm/run/create.hpp"
#include "evm/run/instructions/chain.hpp"

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
    return machine.journal.code(delegate, code) ? gas : OVER;
}

// Whether an account comes into being. Until EIP-161 by any call to what does not exist; since then where value
// is sent to what is dead.
bool is_made(Machine& machine, Account* account, bool has_value, bool& made) noexcept {
    made = false;
    if (gas_of(running(machine)).new_only_with_value) {
        return !has_value || machine.journal.is_empty(account, made);
    }
    bool exists = false;
    if (!machine.journal.exists(account, exists)) return false;
    made = !exists;
    return true;
}

// Gas for bringing an account into being, and behind it state gas (EIP-8037).
int64_t charge_new_account(Machine& machine, int64_t cost, int64_t gas) noexcept {
    gas -= cost;
    if (gas < 0 || !machine.meters_state()) return gas;
    return machine.state_gas.charge(amsterdam_gas::NEW_ACCOUNT, gas);
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
    if (machine.journal.precompile_at(request.code_address) == 0) {
        if (!machine.journal.code(account, request.code)) return OVER;
        gas = follow(machine, request.code, gas);
        if (gas < 0) return gas;
    } else {
        machine.journal.see(account);
    }
    bool makes_account = false;
    if (kind == CallKind::Call && !is_made(machine, account, has_value, makes_account)) return OVER;
    if (makes_account) gas = charge_new_account(machine, table.new_account, gas);
    if (gas < 0) return gas;

    request.gas = share(table, *operands.gas, gas);
    if (request.gas < 0) return fail(machine, Failure::OutOfGas);
    gas -= request.gas;
    if (has_value) request.gas += table.call_stipend;

    const bool is_elsewhere = kind == CallKind::Call || kind == CallKind::StaticCall;
    request.kind = kind;
    request.made_account = makes_account;
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

    Request& request = machine.request;
    request.kind = kind;
    request.account = nullptr;
    request.code = nullptr;
    request.value = value;
    if (kind == CallKind::Create2) request.salt = stack[-4];
    request.input_offset = offset.limb[0];
    request.input_size = size.limb[0];
    request.made_account = false;
    if (table.meters_state) {
        if (!is_made_by_creation(machine, request.made_account)) return OVER;
        if (request.made_account) gas = machine.state_gas.charge(amsterdam_gas::NEW_ACCOUNT, gas);
        if (gas < 0) return gas;
    }
    request.gas = table.keeps_64th ? gas - gas / 64 : gas;
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

int64_t selfdestruct(Machine& machine, const u256& operand, u256& balance, int64_t gas) noexcept {
    const Frame& frame = running(machine);
    const GasTable& table = gas_of(frame);
    Journal& journal = machine.journal;
    if (frame.is_static) return fail(machine, Failure::WriteProtection);

    Account* beneficiary = nullptr;
    if (!journal.account(to_address(operand), beneficiary)) return OVER;
    if (table.cold_beneficiary != 0) {
        bool was_cold = false;
        if (!journal.access(beneficiary, was_cold)) return OVER;
        if (was_cold) gas -= table.cold_beneficiary;
        if (gas < 0) return gas;
    }
    journal.see(beneficiary);
    if (!journal.balance(frame.self, balance)) return OVER;
    if (table.new_beneficiary != 0) {
        bool makes_account = false;
        if (!is_made(machine, beneficiary, !balance.is_zero(), makes_account)) return OVER;
        if (makes_account) gas = charge_new_account(machine, table.new_beneficiary, gas);
        if (gas < 0) return gas;
    }

    bool is_first = false;
    if (!leave_all(machine, frame.self, beneficiary, balance, is_first)) return OVER;
    if (is_first) journal.add_refund(table.selfdestruct_refund);
    return gas;
}

namespace {

struct AddedCall : blockstm_opcode_call {
    Machine* machine;
    int64_t failed;  // what `reach` returned where it failed; else 0
};

uint8_t* memory_of_added(blockstm_opcode_call* given, uint64_t offset, uint64_t size) noexcept {
    auto& call = *static_cast<AddedCall*>(given);
    if (call.failed != 0) return nullptr;
    const int64_t gas = reach(*call.machine, offset, size, call.gas);
    if (gas < 0) {
        call.failed = gas;
        return nullptr;
    }
    call.gas = gas;
    return size == 0 ? call.result : memory_of(*call.machine) + offset;
}

}  // namespace

int64_t added(Machine& machine, uint8_t opcode, const u256* operands, u256& result, int64_t gas) noexcept {
    const AddedOpcodes& own = *machine.block->added_opcodes;
    const AddedOpcode& traits = own.traits.opcodes[opcode];
    const blockstm_opcode& table = own.run[opcode];
    uint8_t words[BLOCKSTM_OPCODE_INPUTS_MAX][32];
    for (int index = 0; index < traits.inputs; ++index) store_be(operands[-1 - index], words[index]);
    AddedCall call{{words[0], gas, 0, {}, memory_of_added}, &machine, 0};
    const int32_t status = table.run(table.context, &call);
    if (call.failed != 0) return call.failed;
    switch (status) {
        case BLOCKSTM_OPCODE_SUCCESS: break;
        case BLOCKSTM_OPCODE_HALTED: return fail(machine, Failure::InvalidOpcode);
        case BLOCKSTM_OPCODE_RAISED:
            machine.error = call.error;
            machine.journal.stop(PRECOMPILE_RAISED);
            return OVER;
        case BLOCKSTM_OPCODE_NO_MEMORY:
        default: return no_memory(machine);
    }
    if (call.gas > gas) return fail(machine, Failure::InvalidOpcode);  // it has made gas
    if (call.gas >= 0 && traits.outputs != 0) result = load_be(call.result);
    return call.gas;
}

}  // namespace blockstm::evm::instructions
