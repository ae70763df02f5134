// The root of a whole set of keys and values at once (Yellow Paper, appendix D): nodes are hashed from the
// leaves up, each once, and none is kept. For a trie that changes, see trie.hpp.
//
// A Builder belongs to one thread; its memory is used again from root to root.
#pragma once

#include "trie/encoding.hpp"
#include "trie/status.hpp"

namespace blockstm::trie {

class Builder {
public:
    void clear() noexcept { entries_.clear(); }

    bool reserve(uint64_t count) noexcept { return entries_.reserve(count); }

    // Borrows both until the next `clear`. An empty value is none. False: out of memory.
    // Pre: the key has at most KEY_SIZE_MAX bytes.
    bool add(Bytes key, Bytes value) noexcept;

    // Of what was added since `clear`, in any order; quickest in the order of the keys.
    // BadInput: a key was added twice.
    Status root(uint8_t out[HASH_SIZE]) noexcept;

private:
    struct Entry {
        uint64_t order;  // the key's first bytes, as a number that sorts as they do
        Bytes key;
        Bytes value;
    };

    static bool less(const Entry& left, const Entry& right) noexcept;
    static uint32_t shared(const Entry& left, const Entry& right, uint32_t depth) noexcept;
    static uint8_t nibble(const Entry& entry, uint32_t depth) noexcept;

    bool sort() noexcept;
    uint64_t key_size_max() const noexcept;
    bool node(const Entry* first, const Entry* end, uint32_t depth, Reference& out) noexcept;
    bool children(const Entry* first, const Entry* end, uint32_t depth) noexcept;
    bool leaf(const Entry& entry, uint32_t depth, Reference& out) noexcept;
    bool branch(Bytes value, Reference& out) noexcept;
    bool extension(Path path, Reference& out) noexcept;

    Buffer<Entry> entries_;
    Buffer<Reference> children_;  // sixteen for each branch that is being built; it has room for all there can be
    Buffer<uint8_t> encoding_;    // of the node that is being hashed
};

}  // namespace blockstm::trie
