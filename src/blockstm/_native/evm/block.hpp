// What a block and its steps tell the EVM: plain data, filled once, read by all workers.
//
// Everything borrowed here (spans, arrays) is owned by the prepared block and outlives every run.
#pragma once

#include "base/bytes.hpp"
#include "base/u256/u256.hpp"
#include "evm/forks/forks.hpp"
#include "wire/transaction.hpp"

namespace blockstm::evm {

class AddedPrecompiles;
class ResultMemo;
struct AddedOpcodes;
struct OwnRules;
struct OwnStep;

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
    const AddedPrecompiles* added_precompiles = nullptr;  // the embedder's own; null for none
    const AddedOpcodes* added_opcodes = nullptr;          // likewise
    const OwnRules* own_rules = nullptr;                  // likewise
    ResultMemo* results = nullptr;  // of precompiles, in a run of the block; null: none are remembered
};

// A payment from the beacon chain (EIP-4895), or a reward: to whom, and how much in wei.
struct Payment {
    Address address;
    u256 amount;
};

// A value that is put into the state as it is.
struct Write {
    Span key;    // of a location
    Span value;  // empty where there is none afterwards
};

// What the engine runs as one transaction: one of the block's, or what a block does around them; a call, which is a
// transaction that nobody signed; values that calls find in the state in place of those that are there. By a chain's
// own rules a transaction pays fees of its own beside its gas (Charged), or was paid for elsewhere (Prepaid).
enum class StepKind : uint8_t { Transaction, Charged, Prepaid, BlockStart, BlockEnd, Call, Overrides };

constexpr bool is_of_the_block(StepKind kind) noexcept { return kind <= StepKind::Prepaid; }

// What a step around the transactions does; each block has few of them, so it stands apart from what all steps have.
struct Around {
    // Overrides.
    const Write* writes = nullptr;
    uint64_t write_count = 0;
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

struct Step {
    StepKind kind = StepKind::Transaction;
    // Call: whether its nonce and its fees are a transaction's, and whether those after it see what it does.
    bool is_validated = false;
    bool keeps_changes = false;
    bool is_static = false;      // nothing that it runs may change the state (EIP-214)
    bool spares_sender = false;  // its sender's nonce stays, and pays nothing for gas, whatever the price is
    Transaction transaction{};
    Bytes* transient = nullptr;  // Call: transient storage (EIP-1153) that it finds, and leaves if it succeeds; or null
    const Around* around = nullptr;  // Overrides, BlockStart, BlockEnd; null for transactions and calls
    const OwnStep* own = nullptr;    // what a chain's own rules have it do besides; null for none
};
static_assert(sizeof(Step) <= 320);  // a block holds one for each transaction

}  // namespace blockstm::evm
