// The accounts of a state on disk: what was changed and is not in the store yet, a cache, a snapshot of the store.
//
// What was changed lies in two layers: one that is being written, which `freeze` makes of all there is, and what
// is changed since.
//
// Threads: any number may read while nothing is changed. What changes (`take_staged`, `freeze`, `thaw`, `rebase`)
// excludes everything else; `fill` reads the layer that is frozen, and may run beside `stage` and `take_staged`.
#pragma once

#include "base/atomics.hpp"
#include "store/batch.hpp"
#include "store/byte_map.hpp"
#include "store/code_cache.hpp"
#include "store/flat_cache.hpp"
#include "store/flat_values.hpp"
#include "store/snapshot.hpp"

namespace blockstm::store {

struct FlatTables {
    uint32_t accounts, slots, codes;
};

// How often something was found in the cache, and how often on the disk, whether it was there or not.
struct ReadCounts {
    Atomic<uint64_t> account_hits{0}, account_misses{0}, slot_hits{0}, slot_misses{0}, code_hits{0}, code_misses{0};
};

class DiskAccounts {
public:
    // False: out of memory.
    bool open(Snapshot& snapshot, FlatTables tables, uint64_t cache_bytes) noexcept;

    // CODE_OK; CODE_NOT_FOUND, and all is zero; anything else: it cannot be said, see `failure`.
    int account(const uint8_t* address, FlatAccount& account, Failure& failure) noexcept;
    int slot(const uint8_t* address_and_slot, uint8_t* value, Failure& failure) noexcept;  // 32 bytes, big-endian
    int code(const uint8_t* hash, ByteView& code, Failure& failure) noexcept;
    // Reads an account, and the code that it has, into the cache.
    void prefetch(const uint8_t* address) noexcept;
    // The same with the accounts and slots that changes, the records of trie/account.hpp, are of.
    void prefetch_changed(ByteView records) noexcept;
    // Whether an account has a slot that is not zero.
    int has_slots(const uint8_t* address, bool& has, Failure& failure) noexcept;

    // Prepares changes, the records of trie/account.hpp, which `take_staged` makes; `undo` gets the records that take
    // them back. Nothing has changed before that, and nothing can fail any more then.
    int stage(ByteView records, Array<uint8_t>& undo, Failure& failure) noexcept;
    void take_staged() noexcept;
    bool put_code(ByteView hash, ByteView code) noexcept { return codes_.put(hash, code); }

    // What was changed is now what is being written. Pre: nothing is.
    void freeze() noexcept;
    // What is frozen, as changes of the store, but for accounts that there are: these come from the tries, which know
    // the roots of their storage. False: out of memory.
    bool fill(Batch& batch) const noexcept;
    // It is in the store, and in this snapshot.
    void rebase(Snapshot& snapshot) noexcept;
    // It is not, and is to be written with what was changed since. False: out of memory.
    bool thaw() noexcept;

    uint64_t pending_memory() const noexcept {
        return pending_.memory() + codes_.memory() + frozen_.memory() + frozen_codes_.memory();
    }
    ReadCounts counts;

private:
    int find_account(ByteView address, uint8_t* value, uint32_t& size, Failure& failure) noexcept;
    int find_slot(ByteView key, uint8_t* value, uint32_t& size, Failure& failure) noexcept;
    void expect(const trie::Record& record) const noexcept;
    int apply_record(const trie::Record& record, Array<uint8_t>& undo, Failure& failure) noexcept;
    int list_slots(const uint8_t* address, ByteMap& slots, Failure& failure) noexcept;
    int old_slots(const trie::Record& record, bool goes, Array<uint8_t>& undo, uint32_t& count,
                  Failure& failure) noexcept;
    bool find_changed(ByteView key, ByteView& value) const noexcept {
        return pending_.find(key, value) || frozen_.find(key, value);
    }
    int stage_slot(ByteView key, const uint8_t* old, const uint8_t* value, Array<uint8_t>& undo) noexcept;
    bool fill_slot(Batch& batch, const uint8_t* address_and_slot, ByteView value) const noexcept;

    Snapshot* snapshot_ = nullptr;
    FlatTables tables_{};
    ByteMap pending_;  // of accounts and slots: an empty value is none
    ByteMap codes_;
    ByteMap frozen_;         // the same, being written
    ByteMap frozen_codes_;
    ByteMap staged_;   // what a call of `stage` changes, until nothing can fail any more
    CacheTable<ADDRESS_SIZE, ACCOUNT_VALUE_MAX> account_cache_;
    CacheTable<SLOT_KEY_SIZE, WORD_SIZE> slot_cache_;
    CodeCache code_cache_;
};

}  // namespace blockstm::store
