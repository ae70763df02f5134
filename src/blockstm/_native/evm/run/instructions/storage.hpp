// Storage (Yellow Paper, appendix H.2, 0x54 and 0x55; EIP-1153).
#pragma once

#include "evm/run/instructions/running.hpp"
#include "evm/run/instructions/store_price.hpp"

namespace blockstm::evm::instructions {

// SLOAD (0x54).
inline int64_t sload(Machine& machine, const u256& key, u256& value, int64_t gas) noexcept {
    const Frame& frame = running(machine);
    Slot* slot = nullptr;
    if (!machine.journal.slot(frame.self, key, slot)) return OVER;
    if (const int64_t cold = gas_of(frame).cold_slot; cold != 0) {
        bool was_cold = false;
        if (!machine.journal.access(slot, was_cold)) return OVER;
        if (was_cold) gas -= cold;
        if (gas < 0) return gas;
    }
    return machine.journal.load(slot, value) ? gas : OVER;
}

// EIP-8037, of a slot that was nothing when the transaction began: what it has cost comes back, if it becomes nothing
// again, before the store is paid for; if it is new, that is charged for behind it. Out of line: other forks'
// stores are not to pay for it.
[[gnu::noinline]] inline int64_t charge_metered(Machine& machine, bool was_nothing, bool becomes_nothing, int64_t cost,
                                                int64_t gas) noexcept {
    if (becomes_nothing && !was_nothing) gas = machine.state_gas.refill(amsterdam_gas::NEW_SLOT, gas);
    gas -= cost;
    if (gas < 0 || !was_nothing || becomes_nothing) return gas;
    return machine.state_gas.charge(amsterdam_gas::NEW_SLOT, gas);
}

// SSTORE (0x55).
inline int64_t sstore(Machine& machine, const u256& key, const u256& value, int64_t gas) noexcept {
    const Frame& frame = running(machine);
    const GasTable& table = gas_of(frame);
    Journal& journal = machine.journal;
    if (frame.is_static) return fail(machine, Failure::WriteProtection);
    if (gas <= table.store_left_min) {
        machine.out_of_sentry_gas = frame.depth;
        return fail(machine, Failure::OutOfGas);
    }
    Slot* slot = nullptr;
    if (!journal.slot(frame.self, key, slot)) return OVER;
    if (table.cold_store != 0) {
        bool was_cold = false;
        if (!journal.access(slot, was_cold)) return OVER;
        if (was_cold) gas -= table.cold_store;
        if (gas < 0) return gas;
    }
    u256 current;
    if (!journal.load(slot, current)) return OVER;
    StorePrice price;
    if (table.store_rule == StoreRule::Plain) {
        price = plain_price(table, current, value);
        gas -= price.cost;
    } else {
        u256 original;
        if (!journal.original(slot, original)) return OVER;
        price = net_price(table, original, current, value);
        if (table.store_rule == StoreRule::StateMetered && original.is_zero()) [[unlikely]] {
            gas = charge_metered(machine, current.is_zero(), value.is_zero(), price.cost, gas);
        } else {
            gas -= price.cost;
        }
    }
    if (gas < 0) return gas;
    journal.add_refund(price.refund);
    return journal.store(slot, value) ? gas : OVER;
}

// TLOAD (0x5c).
inline int64_t tload(Machine& machine, const u256& key, u256& value, int64_t gas) noexcept {
    return machine.journal.load_transient(running(machine).self, key, value) ? gas : OVER;
}

// TSTORE (0x5d).
inline int64_t tstore(Machine& machine, const u256& key, const u256& value, int64_t gas) noexcept {
    const Frame& frame = running(machine);
    if (frame.is_static) return fail(machine, Failure::WriteProtection);
    return machine.journal.store_transient(frame.self, key, value) ? gas : OVER;
}

}  // namespace blockstm::evm::instructions
