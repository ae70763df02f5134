// What code asks the chain for besides storage: other accounts, hashes of blocks before (Yellow Paper, appendix H.2,
// 0x31 to 0x47).
#pragma once

#include "evm/run/instructions/running.hpp"

namespace blockstm::evm::instructions {

// --- other accounts -------------------------------------------------------------------------------

// The account, and the gas for touching it first (EIP-2929). Reads nothing of the chain.
inline int64_t touch(Machine& machine, const Address& address, Account*& account, int64_t gas) noexcept {
    const GasTable& table = gas_of(running(machine));
    if (!machine.journal.account(address, account)) return OVER;
    if (table.cold_account == 0) return gas;
    bool was_cold = false;
    if (!machine.journal.access(account, was_cold)) return OVER;
    return was_cold ? gas - table.cold_account : gas;
}

// BALANCE (0x31).
inline int64_t balance(Machine& machine, const u256& address, u256& amount, int64_t gas) noexcept {
    Account* account = nullptr;
    gas = touch(machine, to_address(address), account, gas);
    if (gas < 0) return gas;
    return machine.journal.balance(account, amount) ? gas : OVER;
}

// SELFBALANCE (0x47, EIP-1884).
inline int64_t selfbalance(Machine& machine, u256& amount, int64_t gas) noexcept {
    return machine.journal.balance(running(machine).self, amount) ? gas : OVER;
}

// EXTCODESIZE (0x3b). A delegation (EIP-7702) is 23 bytes of code like any other.
inline int64_t extcodesize(Machine& machine, const u256& address, u256& size, int64_t gas) noexcept {
    Account* account = nullptr;
    gas = touch(machine, to_address(address), account, gas);
    if (gas < 0) return gas;
    const Code* code = nullptr;
    if (!machine.journal.code(account, code)) return OVER;
    size = code->bytes.size;
    return gas;
}

// EXTCODECOPY (0x3c).
inline int64_t extcodecopy(Machine& machine, const u256& address, const u256& target, const u256& begin,
                           const u256& size, int64_t gas) noexcept {
    Account* account = nullptr;
    gas = touch(machine, to_address(address), account, gas);
    if (gas < 0) return gas;
    gas = reach_to_copy(machine, target, size, gas);
    if (gas < 0) return gas;
    const Code* code = nullptr;
    if (!machine.journal.code(account, code)) return OVER;
    if (!size.is_zero()) {
        copy_padded(memory_of(machine) + target.limb[0], code->bytes, saturate(begin), size.limb[0]);
    }
    return gas;
}

// EXTCODEHASH (0x3f, EIP-1052): zero of what is absent or empty.
inline int64_t extcodehash(Machine& machine, const u256& address, u256& hash, int64_t gas) noexcept {
    Account* account = nullptr;
    gas = touch(machine, to_address(address), account, gas);
    if (gas < 0) return gas;
    bool is_empty = false;
    if (!machine.journal.is_empty(account, is_empty)) return OVER;
    Hash32 code_hash{};
    if (!is_empty && !machine.journal.code_hash(account, code_hash)) return OVER;
    hash = from_hash(code_hash);
    return gas;
}

// --- the blocks before ----------------------------------------------------------------------------

// BLOCKHASH (0x40): of the 256 blocks before this one; zero of any other. The hashes that the block came
// with lie by ascending number.
inline int64_t blockhash(Machine& machine, const u256& number, u256& hash, int64_t gas) noexcept {
    const BlockEnv& block = *machine.block;
    const uint64_t wanted = number.limb[0];
    if (!number.fits_u64() || wanted >= block.number || block.number - wanted > 256) {
        hash = 0;
        return gas;
    }
    for (uint64_t place = block.hash_count; place-- > 0 && block.hashes[place].number >= wanted;) {
        if (block.hashes[place].number != wanted) continue;
        hash = from_hash(block.hashes[place].hash);
        return gas;
    }
    if (wanted + 1 == block.number) {
        hash = from_hash(block.parent_hash);
        return gas;
    }
    machine.missing_block = wanted;
    machine.journal.stop(MISSING_BLOCK_HASH);
    return OVER;
}

}  // namespace blockstm::evm::instructions
