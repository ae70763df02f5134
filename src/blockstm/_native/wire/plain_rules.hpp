// Which transactions surely keep every rule that needs no state. Pure; any thread.
//
// A filter in front of `blockstm.ethereum.rules.transaction_rules`, which has the rules: a transaction that passes
// here breaks none of them, and all others are checked there. It knows transactions that hold no lists and
// create nothing, of the forks before Amsterdam.
#pragma once

#include "base/threads.hpp"
#include "wire/encoded.hpp"
#include "wire/intrinsic_gas.hpp"

namespace blockstm {

struct PlainRules {
    uint8_t newest_type;
    bool chains_in_v;  // EIP-155
    uint64_t gas_max;
    uint64_t nonzero_byte_gas;
    uint64_t floor_token_gas;  // EIP-7623; 0 before
    u256 chain;
    u256 base_fee;
    u256 s_max;
};

namespace plain_rules {

// The order of secp256k1, less 1.
constexpr u256 LAST_SCALAR{0xBFD25E8CD0364140, 0xBAAEDCE6AF48A03B, 0xFFFFFFFFFFFFFFFE, 0xFFFFFFFFFFFFFFFF};

inline bool is_signed_for(const PlainTransaction& plain, const PlainRules& rules) noexcept {
    if (plain.transaction.type != TransactionType::Legacy) {
        return plain.chain == rules.chain && plain.v.fits_u64() && plain.v.limb[0] <= 1;
    }
    if (!plain.v.fits_u64()) return false;
    const uint64_t v = plain.v.limb[0];
    if (v == 27 || v == 28) return true;
    return v >= 35 && rules.chains_in_v && u256{(v - 35) / 2} == rules.chain;
}

inline bool is_scalar(const u256& number, const u256& last) noexcept { return !number.is_zero() && number <= last; }

inline bool has_gas(const Transaction& transaction, const PlainRules& rules) noexcept {
    uint64_t zeros = 0;
    for (uint64_t place = 0; place < transaction.data.size; ++place) zeros += transaction.data.data[place] == 0;
    const uint64_t others = transaction.data.size - zeros;
    namespace table = intrinsic_gas_table;
    const uint64_t intrinsic = table::TRANSACTION + table::ZERO_BYTE * zeros + rules.nonzero_byte_gas * others;
    const uint64_t floor = table::TRANSACTION + rules.floor_token_gas * (zeros + table::TOKENS_OF_OTHER_BYTE * others);
    const uint64_t gas = transaction.gas_limit;
    return gas >= intrinsic && gas >= floor && gas <= rules.gas_max;
}

}  // namespace plain_rules

inline bool is_surely_sound(Span encoding, const PlainRules& rules) noexcept {
    PlainTransaction plain;
    if (!read_plain_transaction(encoding, plain)) return false;
    const Transaction& transaction = plain.transaction;
    if (static_cast<uint8_t>(transaction.type) > rules.newest_type || transaction.creates) return false;
    if (!plain_rules::is_signed_for(plain, rules)) return false;
    if (!plain_rules::is_scalar(plain.r, plain_rules::LAST_SCALAR)) return false;
    if (!plain_rules::is_scalar(plain.s, rules.s_max)) return false;
    if (transaction.nonce == UINT64_MAX) return false;
    const u256& cap = transaction.max_fee_per_gas;
    if (transaction.max_priority_fee_per_gas > cap || cap < rules.base_fee) return false;
    if (cap.limb[3] != 0) return false;  // times 64 bits of gas, others cannot overflow
    return plain_rules::has_gas(transaction, rules);
}

// 1 for each that surely keeps them, else 0; `threads` share what is much.
inline void find_sound(const Span* encodings, uint64_t count, uint32_t threads, const PlainRules& rules,
                       uint8_t* is_sound) noexcept {
    constexpr uint64_t PART_MIN = 1024;
    run_even_parts(threads, count, PART_MIN, [&](uint64_t first, uint64_t size) noexcept {
        for (uint64_t place = first; place < first + size; ++place) {
            is_sound[place] = is_surely_sound(encodings[place], rules);
        }
    });
}

}  // namespace blockstm
