// A transaction in native memory: plain data, filled once, read by all workers.
//
// Everything borrowed here (spans, arrays) is owned by the decoder or the prepared block, and outlives every run.
#pragma once

#include "base/bytes.hpp"
#include "base/u256/u256.hpp"

namespace blockstm {

// One address and its slots, of an access list (EIP-2930).
struct AccessEntry {
    Address address;
    const u256* slots;
    uint64_t slot_count;
};

// A signed delegation to another account's code (EIP-7702). `authority` is its signer, recovered
// before the block runs; where the signature is invalid, `is_signed` is false.
struct Authorization {
    u256 chain_id;
    Address address;
    uint64_t nonce;
    Address authority;
    bool is_signed;
};

enum class TransactionType : uint8_t { Legacy, AccessList, DynamicFee, Blob, SetCode };

struct Transaction {
    TransactionType type = TransactionType::Legacy;
    bool creates = false;  // there is no `to`
    Address sender{};
    Address to{};
    bool names_chain = false;  // the signature holds for `chain_id` alone
    bool has_high_s = false;   // s is above half the order of the curve
    u256 chain_id{};
    uint64_t nonce = 0;
    uint64_t gas_limit = 0;
    u256 value{};
    // Types 0 and 1: both are the gas price.
    u256 max_fee_per_gas{};
    u256 max_priority_fee_per_gas{};
    u256 max_fee_per_blob_gas{};
    Span data{};
    const AccessEntry* access_list = nullptr;
    uint64_t access_count = 0;
    const Hash32* blob_hashes = nullptr;
    uint64_t blob_count = 0;
    const Authorization* authorizations = nullptr;
    uint64_t authorization_count = 0;
};

}  // namespace blockstm
