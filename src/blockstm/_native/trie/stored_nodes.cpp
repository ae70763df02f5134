// The nodes of a state that its source does not have yet, and the places of those that it has in vain.
#include <utility>

#include "trie/accounts.hpp"
#include "trie/node.hpp"

namespace blockstm::trie {
namespace {

// A way down, one nibble more or less at a time, as packed bytes.
struct Way {
    uint8_t packed[HASH_SIZE] = {};
    uint32_t size = 0;

    Path path() const noexcept { return {packed, 0, size}; }
    void push(uint8_t nibble) noexcept {
        uint8_t& byte = packed[size >> 1];
        byte = size & 1 ? (byte & 0xf0) | nibble : static_cast<uint8_t>(nibble << 4);
        ++size;
    }
    void push(Path path) noexcept {
        for (uint32_t index = 0; index < path.size; ++index) push(path[index]);
    }
};

bool is_new(const Node* node) noexcept {
    return node != nullptr && node->kind != Kind::Unresolved && !node->reference.is_stored;
}

// Calls `act(owner, path, node)` with each node that is not stored and does not stand in its parent, from the top.
template <class Act>
bool each_new(Owner owner, const Way& way, Node* node, Act& act) noexcept {
    if (!is_new(node) || (!node->reference.is_hash() && way.size != 0)) return true;
    if (!act(owner, way.path(), node)) return false;
    Way below = way;
    if (node->kind == Kind::Branch) {
        for (uint8_t index = 0; index < BRANCH_WIDTH; ++index) {
            below.size = way.size;
            below.push(index);
            if (!each_new(owner, below, static_cast<Branch*>(node)->children[index], act)) return false;
        }
        return true;
    }
    below.push(path_in(node));
    if (node->kind == Kind::Extension) return each_new(owner, below, static_cast<Extension*>(node)->child, act);
    return owner != nullptr || each_new(below.packed, Way{}, static_cast<Leaf*>(node)->storage.top, act);
}

constexpr uint32_t KEPT_DEPTH = 4;  // nibbles: 4,369 branches at most

// Nodes that are stored become hashes again, from `kept` nibbles below the top on.
bool unload_below(Pool& pool, Node*& node, uint32_t depth, uint32_t kept) noexcept {
    if (node == nullptr || node->kind == Kind::Unresolved) return true;
    if (node->reference.is_stored && node->reference.is_hash() && depth >= kept) {
        Node* const hash = new_unresolved(pool, {node->reference.bytes, HASH_SIZE});
        if (hash == nullptr) return false;
        release(pool, std::exchange(node, hash));
        return true;
    }
    if (node->kind == Kind::Leaf && static_cast<Leaf*>(node)->storage.top == nullptr) return true;
    if (!own(pool, node)) return false;
    if (node->kind == Kind::Leaf) return unload_below(pool, static_cast<Leaf*>(node)->storage.top, 0, 0);
    if (node->kind == Kind::Extension) {
        return unload_below(pool, static_cast<Extension*>(node)->child, depth + node->path_size, kept);
    }
    for (int index = 0; index < BRANCH_WIDTH; ++index) {
        if (!unload_below(pool, static_cast<Branch*>(node)->children[index], depth + 1, kept)) return false;
    }
    return true;
}

}  // namespace

bool Accounts::collect(NodeSink& sink) const noexcept {
    for (const Key& key : wiped_) {
        if (!sink.remove_all(key.bytes)) return false;
    }
    for (const StalePlace& place : stale_) {
        if (!sink.remove(place.whose(), place.path())) return false;
    }
    auto put = [&](Owner owner, Path path, const Node* node) noexcept { return sink.put(owner, path, node); };
    return each_new(nullptr, Way{}, accounts_.top, put);
}

void Accounts::leave_notes() noexcept {
    stale_.clear();
    wiped_.clear();
}

bool Accounts::take_notes(const Accounts& copy) noexcept {
    return stale_.append(copy.stale_.data(), copy.stale_.size()) &&
           wiped_.append(copy.wiped_.data(), copy.wiped_.size());
}

bool Accounts::unload() noexcept { return unload_below(space().pool, accounts_.top, 0, KEPT_DEPTH); }

void Accounts::mark_stored() noexcept {
    leave_notes();
    auto mark = [](Owner, Path, Node* node) noexcept {
        node->reference.is_stored = 1;
        return true;
    };
    // From the top, so a node is marked before those below are looked at.
    each_new(nullptr, Way{}, accounts_.top, mark);
}

}  // namespace blockstm::trie
