// What a chain's own rules tell the EVM: plain data, filled once, read by all workers; and the embedder's functions.
//
// Nothing of it is looked at where a chain has no rules of its own.
#pragma once

#include "base/bytes.hpp"
#include "base/u256/u256.hpp"
#include "evm/block.hpp"

namespace blockstm::evm {

struct OwnCall;

// What a function may do with the state, on the journal of the run. Each says false where the run is over: then the
// function returns at once, and what it returns is ignored.
struct StateAccess {
    bool (*balance)(OwnCall& call, const Address& address, u256& value) noexcept;
    bool (*nonce)(OwnCall& call, const Address& address, uint64_t& value) noexcept;
    bool (*code)(OwnCall& call, const Address& address, Span& value) noexcept;
    bool (*load)(OwnCall& call, const Address& address, const u256& slot, u256& value) noexcept;
    // Those below only where `may_write`.
    bool (*credit)(OwnCall& call, const Address& address, const u256& amount) noexcept;
    bool (*debit)(OwnCall& call, const Address& address, const u256& amount, bool& can_pay) noexcept;
    bool (*set_nonce)(OwnCall& call, const Address& address, uint64_t value) noexcept;
    bool (*set_code)(OwnCall& call, const Address& address, Span value) noexcept;
    bool (*store)(OwnCall& call, const Address& address, const u256& slot, const u256& value) noexcept;
};

enum class OwnStatus : int32_t { Done, Raised };

// One call of a function: what it gets and gives.
struct OwnCall {
    const StateAccess* access;
    void* machine;         // of the run
    uint64_t transaction;  // that pays a fee: its place among those that functions are told of
    uint64_t number;
    uint64_t timestamp;
    bool may_write;
    u256 amount{};       // out, of a fee: in wei; of a refund: in, what was paid, and out, what comes back of it
    uint64_t error = 0;  // out, with Raised: what it left
    bool is_refund = false;
    uint64_t gas_used = 0;  // in, of a refund
};

// The functions of one block, by their places. `run` may be called by any worker.
struct OwnFunctions {
    void* context;
    OwnStatus (*run)(void* context, uint64_t place, OwnCall& call);  // throws nothing
};

// A fee beside the gas: what a function says that it is goes to the recipient, whatever the transaction comes to; less
// what another function says, of the gas that was used, that comes back to the sender.
struct OwnFee {
    Address recipient;
    uint64_t function;
    bool has_refund;
    uint64_t refund;
};

inline constexpr uint64_t OWN_FEES_MAX = 8;

struct OwnRules {
    OwnFunctions functions;
    OwnFee fees[OWN_FEES_MAX];
    uint64_t fee_count;
    bool keeps_base_fee;  // it goes to the recipient; else it is burnt
    Address base_fee_recipient;
    bool contracts_may_send;  // EIP-3607 does not hold
};

// A call that a chain makes around its transactions, which costs nobody anything; or a function that changes the state.
struct SystemCall {
    bool is_function;
    uint64_t function;
    bool must_succeed;  // else the block is invalid
    Address sender;
    Address target;
    Span input;
    int64_t gas;
};

struct OwnStep {
    u256 mint;                // Prepaid: wei that its sender gets first, whatever it comes to
    uint64_t transaction;     // Charged: see OwnCall
    const SystemCall* calls;  // BlockStart: after those of the fork; BlockEnd: before all else
    uint64_t call_count;
};

}  // namespace blockstm::evm
