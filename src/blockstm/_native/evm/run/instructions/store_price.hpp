// What a store to storage costs (EIPs 1283, 2200, 2929, 3529). Pure functions of words.
#pragma once

#include "base/u256/u256.hpp"
#include "evm/forks/gas.hpp"

namespace blockstm::evm::instructions {

// What a store costs and gives back, by the slot's value at the start of the transaction, its value now,
// and the new one.
struct StorePrice {
    int64_t cost;
    int64_t refund;
};

// Until EIP-1283, and again in Petersburg.
constexpr StorePrice plain_price(const GasTable& gas, const u256& current, const u256& value) noexcept {
    if (current.is_zero() && !value.is_zero()) return {gas.store_set, 0};
    return {gas.store_reset, !current.is_zero() && value.is_zero() ? gas.store_clear_refund : 0};
}

// EIP-1283, EIP-2200 and what EIP-2929 and EIP-3529 made of it.
constexpr StorePrice net_price(const GasTable& gas, const u256& original, const u256& current,
                               const u256& value) noexcept {
    if (current == value) return {gas.store_again, 0};
    if (current == original) {
        if (original.is_zero()) return {gas.store_set, 0};
        return {gas.store_reset, value.is_zero() ? gas.store_clear_refund : 0};
    }
    StorePrice price{gas.store_again, 0};
    if (!original.is_zero()) {
        if (current.is_zero()) price.refund -= gas.store_clear_refund;  // given too early
        if (value.is_zero()) price.refund += gas.store_clear_refund;
    }
    if (value == original) {  // as if nothing had happened
        price.refund += (original.is_zero() ? gas.store_set : gas.store_reset) - gas.store_again;
    }
    return price;
}

}  // namespace blockstm::evm::instructions
