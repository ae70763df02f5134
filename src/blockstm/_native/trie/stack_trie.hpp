// The root of a trie whose keys, of 32 bytes, come in ascending order: memory for one path, however many
// they are. What is left of a key is closed and hashed as soon as the key comes.
//
// Belongs to one thread.
#pragma once

#include "trie/encoding.hpp"
#include "trie/node_source.hpp"
#include "trie/status.hpp"

namespace blockstm::trie {

class StackTrie {
public:
    // Copies both. BadInput: the key is not behind the last one, or there is no value.
    Status add(const uint8_t key[HASH_SIZE], Bytes value) noexcept;

    // Of all that was added; nothing may be added afterwards.
    Status root(uint8_t out[HASH_SIZE]) noexcept;

    // The nodes above more than DERIVED_MAX entries that were closed since `drop_kept`, as a source keeps them: the
    // length of the path, 1 byte; the path, 32; the length of the rest, 4, little-endian; the encoding, and the weights
    // of what is below it.
    const Array<uint8_t>& kept() const noexcept { return kept_; }
    void drop_kept() noexcept { kept_.clear(); }

private:
    static constexpr int NIBBLES = 2 * HASH_SIZE;
    static constexpr int ABOVE = -1;  // the depth of what the topmost node hangs from

    // A branch on the way to the last key, whose children left of the way are closed.
    struct Branch {
        int depth;  // nibbles above it
        Reference children[BRANCH_WIDTH];
        uint64_t entries[BRANCH_WIDTH];  // below each
    };

    // What hangs from somewhere.
    struct Below {
        Reference reference;
        uint64_t entries = 0;
    };

    Path last(int from, int to) const noexcept {
        return {last_, static_cast<uint32_t>(from), static_cast<uint32_t>(to - from)};
    }
    int top() const noexcept { return size_ == 0 ? ABOVE : way_[size_ - 1].depth; }
    Branch& branch_at(int depth) noexcept;
    bool fold(int depth, Below& below) noexcept;
    bool close(Branch& branch, Below& below) noexcept;
    bool extend(int from, int to, Below& below) noexcept;
    bool keep(int depth, const Weight (&weights)[BRANCH_WIDTH]) noexcept;
    bool refer(bool is_encoded, Reference& out) noexcept;

    bool has_last_ = false;
    uint8_t last_[HASH_SIZE];
    Array<uint8_t> value_;
    Array<uint8_t> encoding_;
    Array<uint8_t> kept_;
    uint32_t size_ = 0;
    Branch way_[NIBBLES];  // from the top down
};

}  // namespace blockstm::trie
