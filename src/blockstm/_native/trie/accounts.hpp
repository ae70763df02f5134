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
    void share(const Accounts& other) noexcept;
    void drop() noexcept { accounts_.drop(*store_); }

    Status account(const uint8_t* address, Account& account, bool& exists) noexcept;
    Status slot(const uint8_t* address, const uint8_t slot[WORD_SIZE], uint8_t value[WORD_SIZE]) noexcept;

    // Takes the changes of a block, Records; an address stands there once. What adds comes before what
    // removes, so that as few nodes as can be are needed beside the paths. What fails leaves all as it was.
    Status apply(Bytes records) noexcept;

    Status root(uint8_t out[HASH_SIZE]) noexcept { return accounts_.root(*store_, out); }

    // Proofs of the account and of a slot of it (EIP-1186); see Trie::prove.
    Status prove(const uint8_t* address, Buffer<uint8_t>& encodings, Buffer<uint64_t>& sizes) noexcept;
    Status prove_slot(const uint8_t* address, const uint8_t slot[WORD_SIZE], Buffer<uint8_t>& encodings,
                      Buffer<uint64_t>& sizes) noexcept;

private:
    struct Key {
        uint8_t bytes[HASH_SIZE];
        operator Bytes() const noexcept { return {bytes, HASH_SIZE}; }
    };

    // An account whose storage changed and whose leaf does not say so yet.
    struct Waiting {
        Key key;
        Account account;
        Trie storage;  // a copy, to be dropped
    };

    static Key key_of(Bytes bytes) noexcept;

    Status read(const Key& key, const Leaf* leaf, Account& account) noexcept;
    Status find_storage(const uint8_t* address, Leaf*& leaf) noexcept;
    Status hash_keys(Bytes records) noexcept;
    Status change_all(Bytes records) noexcept;
    Status change(const Record& record, const Key* keys) noexcept;
    Status change_storage(const Record& record, const Key* slots, const Account& account,
                          Trie& storage) noexcept;
    Status put(const Key& key, const Account& account, Leaf*& leaf) noexcept;
    Status settle() noexcept;
    Status note_leaving(const Key& key) noexcept {
        return leaving_.push(key) ? Status::Ok : Status::OutOfMemory;
    }

    NodeStore* store_ = nullptr;
    Trie accounts_;

    // While `apply` runs:
    Buffer<Key> keys_;         // of each record the address's, then its slots'
    Buffer<Waiting> waiting_;  // with a storage to be hashed
    Buffer<Node*> tops_;       // of those
    Buffer<Key> leaving_;      // accounts that are removed last
};

}  // namespace blockstm::trie
