// What a block and its transactions tell the EVM: plain data, filled once, read by all workers.
//
// Everything borrowed here (spans, arrays) is owned by the bound block and outlives every run.
#pragma once

#include "evm/bytes.hpp"
#include "evm/forks.hpp"
#include "evm/u256.hpp"

namespace blockstm::evm {

struct BlockHash {
    uint64_t number;
    Hash32 hash;
};

// The fields of a block that code and fees look at (Yellow Paper, section 4.4).
struct BlockEnv {
    Fork fork = Fork::Frontier;
    uint64_t number = 0;
    uint64_t timestamp = 0;  // s since 1970
    uint64_t gas_limit = 0;
    uint64_t slot_number = 0;  // of the beacon chain, from Amsterdam on (EIP-7843)
    uint64_t blobs_max = 0;    // of all its transactions, from Cancun on (EIP-7840)
    bool records_accesses = false;  // the block has an access list (EIP-7928): steps report their part of it
    Address coinbase{};
    u256 chain_id{};
    u256 difficulty{};     // before Paris
    u256 prev_randao{};    // from Paris on (EIP-4399)
    u256 base_fee{};       // wei per gas, from London on
    u256 blob_base_fee{};  // wei per blob gas, from Cancun on
    Hash32 parent_hash{};
    Hash32 parent_beacon_root{};
    const BlockHash* hashes = nullptr;  // those known, by ascending number
    uint64_t hash_count = 0;
};

// One address and its slots, of an access list (EIP-2930).
struct AccessEntry {
    Address address;
    const u256* slots;
    uint64_t slot_count;
};

// A signed wish to run another account's code (EIP-7702). `authority` is who signed it, recovered
// before the block runs; where the signature is no good, `is_signed` is false.
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

// A payment from the beacon chain (EIP-4895), or a reward: to whom, and how much in wei.
struct Payment {
    Address address;
    u256 amount;
};

// What the engine runs as one transaction: one of the block's, or what a block does around them.
enum class StepKind : uint8_t { Transaction, BlockStart, BlockEnd };

struct Step {
    StepKind kind = StepKind::Transaction;
    Transaction transaction{};
    // BlockStart: balances that move to `refund_contract` (the DAO fork, EIP-779).
    const Address* drained = nullptr;
    uint64_t drained_count = 0;
    Address refund_contract{};
    // BlockEnd: withdrawals in order, then rewards in order.
    const Payment* withdrawals = nullptr;
    uint64_t withdrawal_count = 0;
    const Payment* rewards = nullptr;
    uint64_t reward_count = 0;
    bool collects_requests = false;  // EIP-7002, 7251, 8282; without their contracts the block is invalid
};

}  // namespace blockstm::evm
