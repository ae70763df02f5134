// A state as tries: the accounts' and, on each account's leaf, its storage's, behind one root (Yellow Paper
// 4.1). Keys are hashed. A storage trie is opened when a slot is looked at or changed, and kept.
//
// Used under the store's lock. A copy shares everything, in no time; what changes later is one's own.
#pragma once

#include "trie/account.hpp"
#include "trie/node_store.hpp"

namespace blockstm::trie {

class Accounts {
public:
    Accounts() noexcept = default;
    Accounts(const Accounts&) = delete;
    Accounts& operator=(const Accounts&) = delete;

    // One of these comes first; `drop`, which gives the nodes back, last.
    Status open(NodeStore& store, const uint8_t root[HASH_SIZE]) noexcept;
    bool share(const Accounts& other) noexcept;  // false: out of memory
    void drop() noexcept { accounts_.drop(space()); }

    Status account(const uint8_t* address, Account& account, bool& exists) noexcept;
    Status slot(const uint8_t* address, const uint8_t slot[WORD_SIZE], uint8_t value[WORD_SIZE]) noexcept;

    // Takes the changes of a block, Records; an address stands there once. What adds comes before what
    // removes, so that as few nodes as can be are needed beside the paths. What fails leaves all as it was.
    // `threads` share what is much, unless nodes may have to be looked for among those that were added.
    Status apply(Bytes records, uint32_t threads) noexcept;

    Status root(uint32_t threads, uint8_t out[HASH_SIZE]) noexcept;

    // Over a source: what is to be done to it so that it has the nodes of this state, if it has those of the
    // state that was opened, or for which `mark_stored` was called last. Pre: `root` was asked. Defined in
    // stored_nodes.cpp. False: out of memory.
    bool collect(NodeSink& sink) noexcept;
    void mark_stored() noexcept;

    // A state is collected from a copy of it while it goes on: what the copy says is to be removed, this does not
    // say again; or it does, where the source did not take it. False: out of memory.
    void leave_notes() noexcept;
    void swap_notes(Accounts& copy) noexcept;  // where collecting the copy failed: it noted more
    bool take_notes(const Accounts& copy) noexcept;

    // Forgets nodes that the source has: all that it makes of entries and those of storages, and if that leaves more
    // than `bytes_max`, all but the topmost. False: out of memory; all is right.
    bool unload(uint64_t bytes_max) noexcept;

    // Proofs of the account and of a slot of it (EIP-1186); see Trie::prove.
    Status prove(const uint8_t* address, Array<uint8_t>& encodings, Array<uint64_t>& sizes) noexcept;
    Status prove_slot(const uint8_t* address, const uint8_t slot[WORD_SIZE], Array<uint8_t>& encodings,
                      Array<uint64_t>& sizes) noexcept;

private:
    struct Key {
        uint8_t bytes[HASH_SIZE];
        operator Bytes() const noexcept { return {bytes, HASH_SIZE}; }
    };

    // Where a record stands, and its keys: the address's, then its slots'.
    struct Change {
        const uint8_t* place;
        const Key* keys;
    };

    // An account whose storage changed and whose leaf does not say so yet.
    struct Waiting {
        Key key;
        Account account;
        Trie storage;  // a copy, to be dropped
    };

    Space& space() noexcept { return store_->space(); }

    static Key key_of(Bytes bytes) noexcept;

    static Status read(Space& space, const Key& key, const Leaf* leaf, Account& account) noexcept;
    Status find_storage(const uint8_t* address, Leaf*& leaf) noexcept;
    Status read_records(Bytes records) noexcept;
    void forget_records() noexcept;
    void hash_keys() noexcept;
    Status change_all() noexcept;
    Status change(Space& space, Trie& part, uint32_t above, const Change& change) noexcept;
    Status change_storage(Space& space, const Change& change, const Account& account, Trie& storage) noexcept;
    Status put_slots(Space& space, const Change& change, Trie& storage) noexcept;
    Status write_storage_roots() noexcept;
    static Status put(Space& space, Trie& part, uint32_t above, const Key& key, const Account& account,
                      Leaf*& leaf) noexcept;

    template <class Element>
    Status note(Array<Element>& buffer, const Element& element) noexcept {
        const std::lock_guard guard(noting_);
        return buffer.push(element) ? Status::Ok : Status::OutOfMemory;
    }

    bool keep_notes() noexcept;

    NodeStore* store_ = nullptr;
    Trie accounts_;
    Array<StalePlace> stale_;  // of this state, not yet collected: places where nodes were,
    Array<Key> wiped_;         // accounts whose storage was cleared

    // While `apply` runs; memory for much of it is given back then:
    uint32_t threads_ = 1;
    LargeArray<Change> changes_;
    LargeArray<Key> keys_;
    LargeArray<Bytes> hashed_;     // what each is the hash of, until they are hashed
    std::mutex noting_;        // what threads note is guarded by it:
    Array<Waiting> waiting_;  // with a storage to be hashed
    Array<Change> large_;     // with so many slots that they are shared, one account after the other
    Array<Key> leaving_;      // accounts that are removed last
    Array<Key> clearing_;     // accounts whose storage goes
};

}  // namespace blockstm::trie
