// The root of a trie whose keys, of 32 bytes, come in ascending order: memory for one path, however many
// they are. What is left of a key is closed and hashed as soon as the key comes.
//
// Belongs to one thread.
#pragma once

#include "trie/encoding.hpp"
#include "trie/status.hpp"

namespace blockstm::trie {

class StackTrie {
public:
    // Copies both. BadInput: the key is not behind the last one, or there is no value.
    Status add(const uint8_t key[HASH_SIZE], Bytes value) noexcept;

    // Of all that was added; nothing may be added afterwards.
    Status root(uint8_t out[HASH_SIZE]) noexcept;

private:
    static constexpr int NIBBLES = 2 * HASH_SIZE;
    static constexpr int ABOVE = -1;  // the depth of what the topmost node hangs from

    // A branch on the way to the last key, whose children left of the way are closed.
    struct Branch {
        int depth;  // nibbles above it
        Reference children[BRANCH_WIDTH];
    };

    Path last(int from, int to) const noexcept {
        return {last_, static_cast<uint32_t>(from), static_cast<uint32_t>(to - from)};
    }
    int top() const noexcept { return size_ == 0 ? ABOVE : way_[size_ - 1].depth; }
    Branch& branch_at(int depth) noexcept;
    bool fold(int depth, Reference& below) noexcept;
    bool refer(bool is_encoded, Reference& out) noexcept;

    bool has_last_ = false;
    uint8_t last_[HASH_SIZE];
    Array<uint8_t> value_;
    Array<uint8_t> encoding_;
    uint32_t size_ = 0;
    Branch way_[NIBBLES];  // from the top down
};

}  // namespace blockstm::trie
