// The world as one transaction sees it: accounts and slots read through the engine's view, what it
// changed, and how to take changes back.
//
// One World belongs to one worker and is reused from transaction to transaction; no other thread
// touches it. It reads and writes the chain only through `blockstm_view`, each location at most once
// per run, at the granularity of balance, nonce, code hash, code and slot; what it writes goes out in
// `flush`, at the end of a run that succeeded in becoming a receipt.
//
// Every function that returns `bool` says false where the run is over and the machine must unwind at
// once without undoing anything: the view said so, or memory ran out. `fault()` has the status.
//
// Nothing may be decided from the chain except through these functions: each records its condition.
#pragma once

#include "blockstm/vm_abi.h"
#include "evm/bytes.hpp"
#include "evm/code.hpp"
#include "evm/forks.hpp"
#include "evm/u256.hpp"

namespace blockstm::evm {

struct Account;  // of this transaction; the pointer is stable until the transaction ends
struct Slot;     // likewise

using Checkpoint = uint64_t;  // a place in the undo log

// A log entry; its bytes lie in the world's log buffer.
struct Log {
    Address address;
    uint8_t topic_count;
    Hash32 topics[4];
    Span data;
};

class World {
public:
    World() noexcept;
    ~World();

    void begin(blockstm_view* view, Fork fork) noexcept;
    int32_t fault() const noexcept { return fault_; }

    // -- accounts. Looking one up reads nothing of the chain.
    bool account(const Address& address, Account*& found) noexcept;
    const Address& address_of(const Account* account) const noexcept;

    // Marks it accessed (EIP-2929); whether it was cold. Undone by a revert.
    bool access(Account* account, bool& was_cold) noexcept;
    bool is_cold(const Account* account) const noexcept;

    bool balance(Account* account, u256& value) noexcept;                         // exact: conflicts
    bool can_pay(Account* account, const u256& amount, bool& holds) noexcept;     // only the answer
    bool credit(Account* account, const u256& amount) noexcept;                   // a delta
    bool debit(Account* account, const u256& amount) noexcept;                    // after can_pay said yes
    bool nonce(Account* account, uint64_t& value) noexcept;
    bool set_nonce(Account* account, uint64_t value) noexcept;

    // Code and its hash come from one read. `Code` stays valid until the transaction ends.
    bool code_hash(Account* account, Hash32& hash) noexcept;  // keccak of nothing where it has no code
    bool code(Account* account, const Code*& code) noexcept;  // never null; the account's own (a delegation is not followed)
    bool set_code(Account* account, Span bytes) noexcept;

    // Existence: absent, empty (EIP-161) and present are three things.
    bool exists(Account* account, bool& holds) noexcept;    // there is a record, be it empty
    bool is_empty(Account* account, bool& holds) noexcept;  // absent, or nonce, balance and code all zero
    bool touch(Account* account) noexcept;                  // EIP-161: deleted at the end if empty then
    bool create(Account* account) noexcept;                 // a fresh record; its balance stays
    bool has_storage(Account* account, bool& holds) noexcept;  // EIP-7610
    bool created_here(const Account* account) const noexcept;  // in this transaction
    bool self_destruct(Account* account) noexcept;             // registers it (rules per fork: the caller)
    bool is_self_destructed(const Account* account) const noexcept;

    // -- storage
    bool slot(Account* account, const u256& key, Slot*& found) noexcept;  // reads nothing of the chain
    bool access(Slot* slot, bool& was_cold) noexcept;
    bool load(Slot* slot, u256& value) noexcept;
    bool original(Slot* slot, u256& value) noexcept;  // at the start of the transaction
    bool store(Slot* slot, const u256& value) noexcept;
    bool load_transient(Account* account, const u256& key, u256& value) noexcept;
    bool store_transient(Account* account, const u256& key, const u256& value) noexcept;

    // -- logs and refunds; both undone by a revert
    bool log(const Address& address, const Hash32* topics, uint8_t topic_count, Span data) noexcept;
    void add_refund(int64_t gas) noexcept;
    int64_t refund() const noexcept;

    Checkpoint checkpoint() noexcept;
    bool revert(Checkpoint checkpoint) noexcept;
};

}  // namespace blockstm::evm
