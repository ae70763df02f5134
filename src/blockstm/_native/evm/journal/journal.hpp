// The journal of one transaction: accounts and slots as it reads them through the engine's view, what it
// changed, and how to take changes back.
//
// One Journal belongs to one worker and is reused from transaction to transaction; no other thread
// touches it. It reads and writes the chain only through `blockstm_view`, each location at most once
// per run, at the granularity of balance, nonce, code hash, code and slot; what it writes goes out in
// `flush`, at the end of a run that succeeded in becoming a receipt.
//
// Every function that returns `bool` says false where the run is over and the machine must unwind at
// once without undoing anything: the view said so, or memory ran out. `fault()` has the status.
//
// Nothing may be decided from the chain except through these functions: each records its condition.
//
// Where the functions are: journal.cpp, accounts.cpp, codes.cpp, storage.cpp, existence.cpp, undo.cpp, flush.cpp.
#pragma once

#include "base/bytes.hpp"
#include "base/index.hpp"
#include "base/chunked_array.hpp"
#include "base/u256/u256.hpp"
#include "blockstm/vm_abi.h"
#include "evm/compile/code.hpp"
#include "evm/compile/code_cache.hpp"
#include "evm/forks/forks.hpp"
#include "evm/journal/records.hpp"
#include "evm/journal/shared_balance.hpp"
#include "evm/precompiles/added.hpp"

namespace blockstm::evm {

// A point that what is done from there on can be taken back to: `enter`, then either `commit` or `revert`, the
// innermost first. A frame has one, taken before its value moves; so has what comes before the first frame.
class Checkpoint {
    friend class Journal;
    uint64_t place_ = 0;  // in the undo log
};

// Faults besides those of vm_abi.h.
enum JournalFault : int32_t {
    MISSING_CODE = 100,         // an account has a code hash, the state has no code with it
    BAD_VALUE = 101,            // a value in the state is not of the size that it must have
    MISSING_BLOCK_HASH = 102,   // BLOCKHASH of a block that the block came without: `machine.missing_block`
    MISSING_LIBRARY = 103,      // what a precompile needs was not loaded
    WRONG_CODE = 104,           // the state gave a code for the hash of another one
    PRECOMPILE_RAISED = 105,    // an added precompile has failed with an error: `machine.error`
    EVMC_BROKEN = 106,          // an EVM by EVMC does what that does not allow: an EvmcFault in `machine.error`
};

class Journal {
public:
    Journal() noexcept;
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    // Forgets the last transaction and begins another, whose code runs in this variant.
    void begin(blockstm_view* view, Variant variant, const AddedPrecompiles* added) noexcept;
    // Hands what the transaction changed to the view: once, at its end.
    bool flush() noexcept;
    // Counts gas towards the outcome.
    bool charge(uint64_t gas) noexcept;
    // Asks whether the run still counts; false where it is over.
    bool poll() noexcept {
        const int32_t status = view_->api->poll(view_);
        return status == BLOCKSTM_OK || stop_by_view(status);
    }
    // Gives back what is borrowed from the code cache. The next `begin` does it, too.
    void end() noexcept;

    blockstm_view* view() const noexcept { return view_; }
    Fork fork() const noexcept { return variant_.fork; }
    Variant variant() const noexcept { return variant_; }
    // The number of the precompile at an address; 0 for none.
    int precompile_at(const Address& address) const noexcept { return evm::precompile_at(fork(), added_, address); }
    int32_t fault() const noexcept { return fault_; }
    // Whether the fault is the view's: the run does not count. Otherwise the machine itself has failed.
    bool is_stopped_by_view() const noexcept { return view_stopped_; }
    const Hash32& faulty_code() const noexcept { return faulty_code_; }  // that is missing or wrong
    bool stop(int32_t status) noexcept;  // the first fault stays; false

    // -- accounts. Looking one up reads nothing of the chain.
    bool account(const Address& address, Account*& found) noexcept;
    // Looks several fields up at once, which will be asked for; reads nothing of the chain either.
    bool locate_fields(Account* account, uint8_t fields) noexcept;
    // The balance of an account that the transactions of a block have in common: looked up once a block.
    bool locate_shared_balance(Account* account) noexcept;
    SharedBalance& shared_balance() noexcept { return shared_balance_; }
    const Address& address_of(const Account* account) const noexcept { return account->address; }

    // Marks it accessed (EIP-2929); whether it was cold. Undone by a revert.
    bool access(Account* account, bool& was_cold) noexcept {
        was_cold = !account->is(WARM);
        return was_cold ? set_flags(account, WARM) : true;
    }
    // What a transaction pays for once: WRITE_PAID or DELEGATION_PAID; whether it still had to.
    bool pay_once(Account* account, AccountFlag what, bool& had_to) noexcept {
        had_to = !account->is(what);
        return set_flags(account, what);
    }
    bool had_code(const Account* account) const noexcept { return account->had_code; }  // after `has_code`
    // It belongs into the block's access list (EIP-7928), as whatever is asked for anything does.
    void see(Account* account) noexcept { account->located |= SEEN; }

    bool balance(Account* account, u256& value) noexcept;                      // exact: conflicts
    // Before the transaction, to be shown and not used: conflicts with nothing. Where it is not final yet, the block is
    // told it with this tag when it is (`blockstm_vm.answer`).
    bool ask_balance(Account* account, uint64_t tag, u256& before, bool& is_final) noexcept;
    const Delta& balance_change(const Account* account) const noexcept { return account->delta; }
    bool can_pay(Account* account, const u256& amount, bool& holds) noexcept;  // only the answer
    bool credit(Account* account, const u256& amount) noexcept;                // a delta; touches
    bool debit(Account* account, const u256& amount) noexcept;                 // after can_pay said yes
    bool nonce(Account* account, uint64_t& value) noexcept;
    bool expect_nonce(Account* account, uint64_t expected) noexcept;  // before `nonce`
    bool set_nonce(Account* account, uint64_t value) noexcept;

    // Code and its hash come from one read. `Code` stays valid until the transaction ends.
    bool code_hash(Account* account, Hash32& hash) noexcept;  // keccak of nothing where it has no code
    bool has_code(Account* account, bool& holds) noexcept;
    bool code(Account* account, const Code*& code) noexcept;  // never null; a delegation is not followed
    bool set_code(Account* account, Span bytes) noexcept;

    // Existence: absent, empty (EIP-161) and present are three things.
    bool exists(Account* account, bool& holds) noexcept;    // there is a record, be it empty
    bool is_empty(Account* account, bool& holds) noexcept;  // absent, or nonce, balance and code all zero
    bool touch(Account* account) noexcept;                  // EIP-161: deleted at the end if empty then
    bool create(Account* account) noexcept;                 // a fresh record; its balance stays, storage goes
    bool has_storage(Account* account, bool& holds) noexcept;  // EIP-7610
    bool created_here(const Account* account) const noexcept { return account->is(CREATED); }
    bool self_destruct(Account* account) noexcept { return set_flags(account, DESTROYED); }
    bool is_self_destructed(const Account* account) const noexcept { return account->is(DESTROYED); }

    // -- storage
    bool slot(Account* account, const u256& key, Slot*& found) noexcept;  // reads nothing of the chain
    bool access(Slot* slot, bool& was_cold) noexcept {
        was_cold = !slot->is_warm;
        return was_cold ? warm_up(slot) : true;
    }
    bool load(Slot* slot, u256& value) noexcept {
        if (!slot->is_known && !read_slot(slot)) return false;
        value = slot->value;
        return true;
    }
    bool original(Slot* slot, u256& value) noexcept {  // at the start of the transaction
        if (!slot->is_known && !read_slot(slot)) return false;
        value = slot->before;
        return true;
    }
    bool store(Slot* slot, const u256& value) noexcept {
        if (!slot->is_known && !read_slot(slot)) return false;
        if (slot->logged_at <= checkpoint_ && !log_slot(slot)) return false;
        slot->value = value;
        return true;
    }
    bool load_transient(Account* account, const u256& key, u256& value) noexcept;
    bool store_transient(Account* account, const u256& key, const u256& value) noexcept;
    template <class Visit>
    bool each_transient(Visit visit) noexcept {
        return transients_.each(visit);
    }

    // -- logs and refunds; both undone by a revert. Logs lie one behind the other as the output has them:
    // address, count of topics (1 byte), topics, size of data (4 bytes, little-endian), data.
    bool log(const Address& address, const Hash32* topics, uint8_t topic_count, Span data) noexcept;
    Span logs() const noexcept { return {logs_.data(), logs_.size()}; }
    uint32_t log_count() const noexcept { return log_count_; }
    void add_refund(int64_t gas) noexcept { refund_ += gas; }
    int64_t refund() const noexcept { return refund_; }

    // -- what the transaction had to do with, in the order in which it met it; until one answers false
    template <class Visit>
    bool each_account(Visit visit) noexcept {
        return accounts_.each(visit);
    }
    template <class Visit>
    bool each_slot(Visit visit) noexcept {
        return slots_.each(visit);
    }
    bool has_changed_code(const Account& account) const noexcept;
    Span new_code(const Account& account) const noexcept;  // after a change

    // -- checkpoints
    bool enter(Checkpoint& checkpoint) noexcept;
    void revert(const Checkpoint& checkpoint) noexcept;
    // What was done since is kept, until an outer checkpoint is reverted to.
    void commit(const Checkpoint& checkpoint) noexcept {
        if (undo_.size() == checkpoint.place_ + 1) undo_.pop();  // nothing was
    }

private:
    void trim() noexcept;

    // What goes through the view.
    bool stop_by_view(int32_t status) noexcept;
    bool locate(Account* account, Field field) noexcept;
    bool locate(Slot* slot) noexcept;
    bool read_number(blockstm_location location, u256& value) noexcept;
    bool take_number(int32_t status, const blockstm_bytes& bytes, u256& value) noexcept;
    bool read_field(Account* account, Field field, u256& value) noexcept;
    bool expects_number(blockstm_location location, const u256& value, bool& holds) noexcept;
    bool holds_at_least(Account* account, const u256& bound, bool& holds) noexcept;
    bool put_number(blockstm_location location, const u256& value) noexcept;
    bool put_field(Account* account, Field field, const u256& value) noexcept;
    bool add_balance(Account* account, const Delta& delta) noexcept;

    bool set_flags(Account* account, uint8_t flags) noexcept;
    bool load_balance(Account* account) noexcept;
    bool log_balance(Account* account) noexcept;
    bool load_nonce(Account* account) noexcept;
    bool load_code_hash(Account* account) noexcept;
    bool load_epoch(Account* account) noexcept;
    bool load_recorded(Account* account) noexcept;
    bool load_stored(Account* account) noexcept;
    bool is_surely_present(const Account* account) const noexcept;

    bool find_code(Account* account) noexcept;
    bool read_code(const Hash32& hash, Span& bytes) noexcept;

    bool read_slot(Slot* slot) noexcept;
    bool log_slot(Slot* slot) noexcept;
    bool warm_up(Slot* slot) noexcept;
    TransientSlot* find_transient(Account* account, const u256& key, uint64_t hash) const noexcept;

    bool push(const Undo& undo) noexcept { return undo_.push(undo) || stop(BLOCKSTM_NO_MEMORY); }
    void undo(const Undo& step) noexcept;

    bool flush_slots() noexcept;
    bool flush_account(Account* account) noexcept;
    bool flush_balance(Account* account) noexcept;
    bool flush_nonce(Account* account) noexcept;
    bool flush_code(Account* account) noexcept;
    bool flush_record(Account* account) noexcept;
    bool flush_stored(Account* account) noexcept;
    void reset(Account* account) noexcept;
    bool delete_account(Account* account) noexcept;
    bool delete_empty_account(Account* account) noexcept;
    bool clear_storage(Account* account) noexcept;
    bool remove_field(Account* account, Field field) noexcept;

    uint64_t hash_of(const Address& address) const noexcept;
    uint64_t hash_of(const Account* account, const u256& key) const noexcept;

    blockstm_view* view_ = nullptr;
    int32_t fault_ = BLOCKSTM_OK;
    bool view_stopped_ = false;
    Hash32 faulty_code_{};
    Variant variant_;
    const AddedPrecompiles* added_ = nullptr;
    const TableSeed seed_;

    SharedBalance shared_balance_;

    ChunkedArray<Account> accounts_;
    ChunkedArray<Slot> slots_;
    ChunkedArray<TransientSlot> transients_;
    Index<Account> account_index_;
    Index<Slot> slot_index_;
    Index<TransientSlot> transient_index_;

    Array<Undo> undo_;
    uint64_t checkpoint_ = 0;  // no earlier than the newest that may still be reverted to
    Bytes logs_;
    uint32_t log_count_ = 0;
    int64_t refund_ = 0;

    // Codes set by this transaction.
    struct NewCode {
        uint64_t offset, size;  // in new_code_bytes_
    };
    Array<NewCode> new_codes_;
    Bytes new_code_bytes_;
    CodeFront codes_;
};

}  // namespace blockstm::evm
