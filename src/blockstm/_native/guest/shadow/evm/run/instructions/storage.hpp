// Storage, where a host has it by EVMC: found in the place of the file of this name in evm/run/instructions.
#pragma once

#include "evm/run/instructions/running.hpp"
#include "evm/run/instructions/store_price.hpp"

namespace blockstm::evm::instructions {

// SLOAD (0x54).
inline int64_t sload(Machine& machine, const u256& key, u256& value, int64_t gas) noexcept {
    const Frame& frame = running(machine);
    if (const int64_t cold = gas_of(frame).cold_slot; cold != 0) {
        bool was_cold = false;
        machine.journal.access(frame.address, key, was_cold);
        if (was_cold) gas -= cold;
        if (gas < 0) return gas;
    }
    value = machine.journal.load(frame.address, key);
    return gas;
}

// Values that a store with this status may have had to do with: what it costs depends only on which of them are equal,
// and which are zero.
struct StoredValues {
    uint64_t original;  // at the start of the transaction
    uint64_t current;
    uint64_t value;
};

constexpr StoredValues values_of(evmc_storage_status status) noexcept {
    switch (status) {
        case EVMC_STORAGE_ADDED: return {0, 0, 1};
        case EVMC_STORAGE_DELETED: return {1, 1, 0};
        case EVMC_STORAGE_MODIFIED: return {1, 1, 2};
        case EVMC_STORAGE_DELETED_ADDED: return {1, 0, 2};
        case EVMC_STORAGE_MODIFIED_DELETED: return {1, 2, 0};
        case EVMC_STORAGE_DELETED_RESTORED: return {1, 0, 1};
        case EVMC_STORAGE_ADDED_DELETED: return {0, 1, 0};
        case EVMC_STORAGE_MODIFIED_RESTORED: return {1, 2, 1};
        case EVMC_STORAGE_ASSIGNED: break;
    }
    return {1, 1, 1};
}

// SSTORE (0x55). The host stores before the gas is charged, and takes it back where that does not suffice.
inline int64_t sstore(Machine& machine, const u256& key, const u256& value, int64_t gas) noexcept {
    const Frame& frame = running(machine);
    const GasTable& table = gas_of(frame);
    if (frame.is_static) return fail(machine, Failure::WriteProtection);
    if (gas <= table.store_left_min) return fail(machine, Failure::OutOfGas);
    if (table.cold_store != 0) {
        bool was_cold = false;
        machine.journal.access(frame.address, key, was_cold);
        if (was_cold) gas -= table.cold_store;
        if (gas < 0) return gas;
    }
    const StoredValues stored = values_of(machine.journal.store(frame.address, key, value));
    const StorePrice price = table.store_rule == StoreRule::Plain
                                 ? plain_price(table, stored.current, stored.value)
                                 : net_price(table, stored.original, stored.current, stored.value);
    gas -= price.cost;
    if (gas >= 0) machine.journal.add_refund(price.refund);
    return gas;
}

// TLOAD (0x5c).
inline int64_t tload(Machine& machine, const u256& key, u256& value, int64_t gas) noexcept {
    value = machine.journal.load_transient(running(machine).address, key);
    return gas;
}

// TSTORE (0x5d).
inline int64_t tstore(Machine& machine, const u256& key, const u256& value, int64_t gas) noexcept {
    const Frame& frame = running(machine);
    if (frame.is_static) return fail(machine, Failure::WriteProtection);
    machine.journal.store_transient(frame.address, key, value);
    return gas;
}

}  // namespace blockstm::evm::instructions
