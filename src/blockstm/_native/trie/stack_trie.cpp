#include "trie/stack_trie.hpp"

#include <algorithm>

namespace blockstm::trie {

Status StackTrie::add(const uint8_t key[HASH_SIZE], Bytes value) noexcept {
    if (value.empty() || (has_last_ && std::memcmp(last_, key, HASH_SIZE) >= 0)) return Status::BadInput;
    if (has_last_) {
        const Path next{key, 0, NIBBLES};
        const int shared = static_cast<int>(shared_nibbles(last(0, NIBBLES), next));
        Reference below;
        if (!fold(shared, below)) return Status::OutOfMemory;
        branch_at(shared).children[last(shared, NIBBLES)[0]] = below;
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
    Reference all;
    if (has_last_ && !fold(ABOVE, all)) return Status::OutOfMemory;
    root_of(all, out);
    return Status::Ok;
}

// The branch at a depth at which the next key leaves the way of the last one: all deeper ones are closed.
StackTrie::Branch& StackTrie::branch_at(int depth) noexcept {
    if (top() == depth) return way_[size_ - 1];
    Branch& opened = way_[size_++];
    opened.depth = depth;
    for (Reference& child : opened.children) child = {};
    return opened;
}

// Closes the last key's leaf and the branches on its way below a depth: what hangs from there.
bool StackTrie::fold(int depth, Reference& below) noexcept {
    const int parent = std::max(top(), depth);
    const Bytes value{value_.data(), value_.size()};
    if (!refer(encode_leaf(encoding_, last(parent + 1, NIBBLES), value), below)) return false;
    while (top() > depth) {
        Branch& branch = way_[--size_];
        branch.children[last(branch.depth, NIBBLES)[0]] = below;
        const auto child = [&](int index) noexcept -> const Reference& { return branch.children[index]; };
        if (!refer(encode_branch(encoding_, child, {}), below)) return false;
        const int above = std::max(top(), depth) + 1;
        if (branch.depth == above) continue;
        const Reference node = below;
        if (!refer(encode_extension(encoding_, last(above, branch.depth), node), below)) return false;
    }
    return true;
}

bool StackTrie::refer(bool is_encoded, Reference& out) noexcept {
    if (is_encoded) set_reference(out, {encoding_.data(), encoding_.size()});
    encoding_.clear();
    return is_encoded;
}

}  // namespace blockstm::trie
