// A Merkle Patricia trie that changes (Yellow Paper, appendix D): nodes in memory with their hashes kept, so
// that after a change only the paths that lead to it are hashed again; nodes not yet looked at are hashes,
// found in the store when a key leads there. A full trie is one of which nothing is missing.
//
// A Trie is a pointer into the store's memory; `copy` shares its nodes, in no time, and what changes later is
// one's own; `drop` gives them back. Used under the store's lock. What fails leaves the trie as it was. Keys
// have at most KEY_SIZE_MAX bytes; that bounds all loops and recursion.
#pragma once

#include "base/array.hpp"
#include "base/byte_view.hpp"
#include "trie/status.hpp"

namespace blockstm::trie {

struct Leaf;
struct Node;
class Space;

struct Trie {
    Node* top = nullptr;

    // The trie with this root; nothing of it is looked at yet. Pre: it is empty.
    Status open(Space& space, const uint8_t root[HASH_SIZE]) noexcept;
    Trie copy() const noexcept;
    void drop(Space& space) noexcept;

    // Empty where there is none; valid until the next change.
    Status get(Space& space, Bytes key, Bytes& value) noexcept;
    Status set(Space& space, Bytes key, Bytes value) noexcept;  // an empty value removes
    Status remove(Space& space, Bytes key) noexcept;            // a key that is not there is fine
    Status root(Space& space, uint8_t out[HASH_SIZE]) noexcept;

    // The same, with the key's leaf, null where there is none: a storage trie hangs on it. The nodes
    // below a branch are a trie, too, of keys that lack the nibbles `above`.
    Status find(Space& space, Bytes key, Leaf*& leaf) noexcept;
    Status find_own(Space& space, Bytes key, Leaf*& leaf, uint32_t above = 0) noexcept;  // to be changed
    Status put(Space& space, Bytes key, Bytes value, Leaf*& leaf, uint32_t above = 0) noexcept;  // a value

    // The encodings of the nodes from the top towards `key`, but for those that stand in another, one behind
    // the other as `sizes` says: a proof of the key's value, or of there being none.
    Status prove(Space& space, Bytes key, Array<uint8_t>& encodings, Array<uint64_t>& sizes) noexcept;

    // The key nearest to `key` behind or before it, which need not be there, and its value; an empty value
    // where there is no such key. `found` has room for KEY_SIZE_MAX bytes. Defined in neighbours.cpp.
    Status neighbour(Space& space, Bytes key, bool is_behind, uint8_t* found, uint64_t& found_size,
                     Bytes& value) noexcept;
};

}  // namespace blockstm::trie
