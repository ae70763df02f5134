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
    // removes, so that as few nodes as can be are needed beside the paths. BadInput: nothing was changed.
    // On any other failure some changes were made; the same records again, once what was missing is there,
    // make the rest.
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

    static Key key_of(Bytes bytes) noexcept;

    Status read(const Key& key, const Leaf* leaf, Account& account) noexcept;
    Status find_storage(const uint8_t* address, Leaf*& leaf) noexcept;
    Status change(const Record& record) noexcept;
    Status change_slots(const Record& record, Trie& storage) noexcept;

    NodeStore* store_ = nullptr;
    Trie accounts_;
    Buffer<Key> leaving_;  // accounts that `apply` removes at its end
};

}  // namespace blockstm::trie
