#include "trie/stack_trie.hpp"

#include <algorithm>

namespace blockstm::trie {

Status StackTrie::add(const uint8_t key[HASH_SIZE], Bytes value) noexcept {
    if (value.empty() || (has_last_ && std::memcmp(last_, key, HASH_SIZE) >= 0)) return Status::BadInput;
    if (has_last_) {
        const Path next{key, 0, NIBBLES};
        const int shared = static_cast<int>(shared_nibbles(last(0, NIBBLES), next));
        Below below;
        if (!fold(shared, below)) return Status::OutOfMemory;
        Branch& branch = branch_at(shared);
        const uint8_t nibble = last(shared, NIBBLES)[0];
        branch.children[nibble] = below.reference;
        branch.entries[nibble] = below.entries;
    }
    std::memcpy(last_, key, HASH_SIZE);
    has_last_ = true;
    value_.clear();
    uint8_t* place = value_.extend(value.size());
    if (place == nullptr) return Status::OutOfMemory;
    put_bytes(place, value);
    return Status::Ok;
}

Status StackTrie::root(uint8_t out[HASH_SIZE]) noexcept {
    Below all;
    if (has_last_ && !fold(ABOVE, all)) return Status::OutOfMemory;
    root_of(all.reference, out);
    return Status::Ok;
}

// The branch at a depth at which the next key leaves the way of the last one: all deeper ones are closed.
StackTrie::Branch& StackTrie::branch_at(int depth) noexcept {
    if (top() == depth) return way_[size_ - 1];
    Branch& opened = way_[size_++];
    opened.depth = depth;
    for (Reference& child : opened.children) child = {};
    for (uint64_t& entries : opened.entries) entries = 0;
    return opened;
}

// Closes the last key's leaf and the branches on its way below a depth: what hangs from there.
bool StackTrie::fold(int depth, Below& below) noexcept {
    const int parent = std::max(top(), depth);
    const Bytes value{value_.data(), value_.size()};
    if (!refer(encode_leaf(encoding_, last(parent + 1, NIBBLES), value), below.reference)) return false;
    below.entries = 1;
    while (top() > depth) {
        Branch& branch = way_[--size_];
        if (!close(branch, below)) return false;
        const int above = std::max(top(), depth) + 1;
        if (branch.depth != above && !extend(above, branch.depth, below)) return false;
    }
    return true;
}

// The last child of a branch becomes the branch.
bool StackTrie::close(Branch& branch, Below& below) noexcept {
    const uint8_t nibble = last(branch.depth, NIBBLES)[0];
    branch.children[nibble] = below.reference;
    branch.entries[nibble] = below.entries;
    Weight weights[BRANCH_WIDTH];
    below.entries = 0;
    for (int index = 0; index < BRANCH_WIDTH; ++index) {
        weights[index] = weight_of(branch.entries[index]);
        below.entries += branch.entries[index];
    }
    const auto child = [&](int index) noexcept -> const Reference& { return branch.children[index]; };
    const bool is_encoded = encode_branch(encoding_, child, {});
    if (is_encoded && below.entries > DERIVED_MAX && !keep(branch.depth, weights)) return false;
    return refer(is_encoded, below.reference);
}

// A branch hangs from an extension, whose path is what the last key has there.
bool StackTrie::extend(int from, int to, Below& below) noexcept {
    const Weight weights[BRANCH_WIDTH] = {weight_of(below.entries)};
    const Reference node = below.reference;
    const bool is_encoded = encode_extension(encoding_, last(from, to), node);
    if (is_encoded && below.entries > DERIVED_MAX && !keep(from, weights)) return false;
    return refer(is_encoded, below.reference);
}

// Notes the node that is encoded, so many nibbles down the way of the last key.
bool StackTrie::keep(int depth, const Weight (&weights)[BRANCH_WIDTH]) noexcept {
    uint8_t head[1 + HASH_SIZE + 4] = {static_cast<uint8_t>(depth)};
    std::memcpy(head + 1, last_, static_cast<uint64_t>(depth + 1) / 2);
    if ((depth & 1) != 0) head[1 + depth / 2] &= 0xf0;
    const uint32_t size = static_cast<uint32_t>(encoding_.size() + sizeof weights);
    std::memcpy(head + 1 + HASH_SIZE, &size, sizeof size);
    return kept_.append(head, sizeof head) && kept_.append(encoding_.data(), encoding_.size()) &&
           kept_.append(weights, sizeof weights);
}

bool StackTrie::refer(bool is_encoded, Reference& out) noexcept {
    if (is_encoded) set_reference(out, {encoding_.data(), encoding_.size()});
    encoding_.clear();
    return is_encoded;
}

}  // namespace blockstm::trie
