// What code asks the chain for besides storage, where a host answers by EVMC: found in the place of the file of this
// name in evm/run/instructions.
#pragma once

#include <algorithm>

#include "evm/run/instructions/running.hpp"

namespace blockstm::evm::instructions {

// The account, and the gas for touching it first (EIP-2929).
inline int64_t touch(Machine& machine, const Address& address, Account*& account, int64_t gas) noexcept {
    const GasTable& table = gas_of(running(machine));
    machine.journal.account(address, account);
    if (table.cold_account == 0) return gas;
    bool was_cold = false;
    machine.journal.access(account, was_cold);
    return was_cold ? gas - table.cold_account : gas;
}

// BALANCE (0x31).
inline int64_t balance(Machine& machine, const u256& address, u256& amount, int64_t gas) noexcept {
    Account* account = nullptr;
    gas = touch(machine, to_address(address), account, gas);
    if (gas >= 0) machine.journal.balance(account, amount);
    return gas;
}

// SELFBALANCE (0x47, EIP-1884).
inline int64_t selfbalance(Machine& machine, u256& amount, int64_t gas) noexcept {
    machine.journal.balance(running(machine).self, amount);
    return gas;
}

// EXTCODESIZE (0x3b).
inline int64_t extcodesize(Machine& machine, const u256& address, u256& size, int64_t gas) noexcept {
    Account* account = nullptr;
    gas = touch(machine, to_address(address), account, gas);
    if (gas < 0) return gas;
    const evmc_address same = to_evmc(account->address);
    size = machine.journal.host()->get_code_size(machine.journal.context(), &same);
    return gas;
}

// EXTCODECOPY (0x3c): behind the end there are zeros.
inline int64_t extcodecopy(Machine& machine, const u256& address, const u256& target, const u256& begin,
                           const u256& size, int64_t gas) noexcept {
    Account* account = nullptr;
    gas = touch(machine, to_address(address), account, gas);
    if (gas < 0) return gas;
    gas = reach_to_copy(machine, target, size, gas);
    if (gas < 0 || size.is_zero()) return gas;
    const evmc_address same = to_evmc(account->address);
    uint8_t* const room = memory_of(machine) + target.limb[0];
    const uint64_t wanted = size.limb[0];
    const uint64_t copied =
        machine.journal.host()->copy_code(machine.journal.context(), &same, saturate(begin), room, wanted);
    std::memset(room + std::min(copied, wanted), 0, wanted - std::min(copied, wanted));
    return gas;
}

// EXTCODEHASH (0x3f, EIP-1052).
inline int64_t extcodehash(Machine& machine, const u256& address, u256& hash, int64_t gas) noexcept {
    Account* account = nullptr;
    gas = touch(machine, to_address(address), account, gas);
    if (gas < 0) return gas;
    const evmc_address same = to_evmc(account->address);
    hash = from_evmc(machine.journal.host()->get_code_hash(machine.journal.context(), &same));
    return gas;
}

// BLOCKHASH (0x40): of the 256 blocks before this one; zero of any other.
inline int64_t blockhash(Machine& machine, const u256& number, u256& hash, int64_t gas) noexcept {
    const uint64_t now = machine.block->number;
    const bool is_known = number.fits_u64() && number.limb[0] < now && now - number.limb[0] <= 256;
    hash = is_known ? machine.journal.block_hash(number.limb[0]) : u256{};
    return gas;
}

}  // namespace blockstm::evm::instructions
