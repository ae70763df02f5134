// What a transaction pays for (Yellow Paper, section 6.2; EIPs 1559, 2028, 2780, 2930, 3860, 4844, 7623, 7702,
// 7976, 7981).
// Pure functions of a transaction and its block; any thread may call them.
#pragma once

#include "evm/block.hpp"
#include "evm/forks/forks.hpp"
#include "wire/intrinsic_gas.hpp"

namespace blockstm::evm {

inline constexpr uint64_t AUTHORIZATION_NEW_ACCOUNT = intrinsic_gas_table::AUTHORIZATION;
inline constexpr uint64_t AUTHORIZATION_BASE = 12500;
using intrinsic_gas_table::GAS_CAP;

struct IntrinsicGas {
    uint64_t execution;  // taken before anything runs
    uint64_t floor;      // the least that data costs (EIP-7623); 0 before Prague
};

IntrinsicGas intrinsic_gas(const Transaction& transaction, const BlockEnv& block) noexcept;

// What a unit of gas costs the sender, and how much of it goes to the coinbase; the rest is burnt.
struct GasPrice {
    u256 effective;
    u256 priority;
};

// The fee cap is not below the base fee.
GasPrice gas_price(const Transaction& transaction, const BlockEnv& block) noexcept;

inline uint64_t blob_gas(const Transaction& transaction) noexcept {
    return transaction.type == TransactionType::Blob ? transaction.blob_count * intrinsic_gas_table::BLOB : 0;
}

// Whether it offers nothing for its gas.
inline bool is_free(const Transaction& transaction) noexcept {
    return transaction.max_fee_per_gas.is_zero() && transaction.max_priority_fee_per_gas.is_zero();
}

// value * factor; false where that has more than 256 bits.
bool multiply(const u256& value, uint64_t factor, u256& product) noexcept;

// The most a transaction can cost its sender, value included; false where that has more than 256 bits.
bool cost_max(const Transaction& transaction, u256& cost) noexcept;

}  // namespace blockstm::evm
