// The roots of whole sets of keys and values (Yellow Paper, appendix D), of one trie or of many: all nodes
// are laid out from the top down, level by level, then hashed from the bottom up, a level's side by side.
// For a trie that changes, see trie.hpp.
//
// A Builder belongs to one thread, which may let others share what is much; its memory is used again from root
// to root: beside what is borrowed, about 120 bytes an entry.
#pragma once

#include "trie/batch.hpp"
#include "trie/status.hpp"

namespace blockstm::trie {

class Builder {
public:
    void clear() noexcept;

    bool reserve(uint64_t count) noexcept { return entries_.reserve(count); }

    // Borrows both until the next `clear`. An empty value is none. False: out of memory.
    // Pre: the key has at most KEY_SIZE_MAX bytes.
    bool add(Bytes key, Bytes value) noexcept;

    // In place of all entries whose keys begin with a path, the branch that they make there. Borrows both until the
    // next `clear`. False: out of memory.
    bool add_branch(Bytes path, const Reference& branch) noexcept {
        return entries_.push({order_of(path), path, {reinterpret_cast<const uint8_t*>(&branch), 0}});
    }

    // What was added since the last `end_trie` is one trie. False: out of memory.
    bool end_trie() noexcept { return ends_.push(entries_.size()); }

    // The roots of all tries, in order, 32 bytes each. The order of a trie's entries is any; in the order of
    // their keys is quickest. BadInput: a key was added to a trie twice.
    Status roots(uint8_t* out, uint32_t threads = 1) noexcept;

    // The one trie of all that was added since `clear`.
    Status root(uint8_t out[HASH_SIZE], uint32_t threads = 1) noexcept {
        return end_trie() ? roots(out, threads) : Status::OutOfMemory;
    }

    // The node that the entries since `clear`, of which there are some and which share their first `depth` nibbles,
    // make below these.
    Status node(uint32_t depth, Reference& out) noexcept;

    // The same, appended as its encoding, and how many entries stand below each of its children: of an extension
    // below the only one, which comes first.
    Status encoded_node(uint32_t depth, Array<uint8_t>& out, uint64_t below[BRANCH_WIDTH]) noexcept;

private:
    struct Entry {
        uint64_t order;  // the key's first bytes, as a number that sorts as they do
        Bytes key;
        Bytes value;  // empty: where the Reference of a branch is

        const Reference* branch() const noexcept {
            return value.empty() ? reinterpret_cast<const Reference*>(value.data()) : nullptr;
        }
    };

    // A node to be: a leaf if it has one entry, else a branch, below an extension if nibbles are shared.
    struct Part {
        uint32_t first;  // of its entries
        uint32_t end;
        uint32_t below = 0;  // the first of its children among the parts, which follow each other
        uint16_t depth;  // nibbles above it
        uint16_t shared = 0;
        uint8_t child_count = 0;
        Reference reference;
    };

    static uint64_t order_of(Bytes key) noexcept;
    static bool less(const Entry& left, const Entry& right) noexcept;
    static uint32_t shared(const Entry& left, const Entry& right, uint32_t depth) noexcept;
    static uint8_t nibble(const Entry& entry, uint32_t depth) noexcept;

    bool sort() noexcept;
    bool lay_out(uint32_t depth) noexcept;
    bool close_levels(uint32_t threads, uint64_t first = 0) noexcept;
    bool push_part(uint64_t first, uint64_t end, uint32_t depth) noexcept;
    bool open(uint64_t place) noexcept;
    bool close_level(uint64_t first, uint64_t end, uint32_t threads) noexcept;
    bool close(uint64_t first, uint64_t end, ReferenceBatch& batch) noexcept;
    bool encode(const Part& part, Array<uint8_t>& out) noexcept;
    bool encode_branch_of(const Part& part, Array<uint8_t>& out) noexcept;

    Array<Entry> entries_;
    Array<uint64_t> ends_;    // of tries among the entries
    Array<Part> parts_;       // level by level; the tops first, one for each trie that is not empty
    Array<uint64_t> levels_;  // where each level starts among the parts
    ReferenceBatch batch_;
};

}  // namespace blockstm::trie
