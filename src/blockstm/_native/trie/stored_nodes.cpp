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

// Of what is new, from the bottom up: weighs each node, and gives the sink what it is to keep or to forget. No child
// of a branch waits where nodes have a source.
class Collector {
public:
    Collector(NodeSink& sink, Array<StalePlace>& removed) noexcept : sink_(sink), removed_(removed) {}

    // False: out of memory.
    bool visit(Owner owner, const Way& way, Node* node) noexcept {
        if (!is_new(node)) return true;
        switch (node->kind) {
        case Kind::Leaf: return visit_leaf(owner, way, static_cast<Leaf*>(node));
        case Kind::Extension: return visit_extension(owner, way, static_cast<Extension*>(node));
        default: return visit_branch(owner, way, static_cast<Branch*>(node));
        }
    }

private:
    bool visit_leaf(Owner owner, const Way& way, Leaf* leaf) noexcept {
        leaf->weight = 1;
        if (owner != nullptr) return true;
        Way key = way;
        key.push(leaf->path());
        return sink_.put_account(key.packed, leaf) && visit(key.packed, Way{}, leaf->storage.top);
    }

    bool visit_extension(Owner owner, const Way& way, Extension* node) noexcept {
        Way below = way;
        below.push(node->path());
        return visit(owner, below, node->child) && weigh(owner, way, node, node->child->weight);
    }

    bool visit_branch(Owner owner, const Way& way, Branch* node) noexcept {
        uint32_t sum = 0;
        Way below = way;
        for (uint8_t index = 0; index < BRANCH_WIDTH; ++index) {
            Node* const child = node->children[index];
            if (child == nullptr) continue;
            below.size = way.size;
            below.push(index);
            if (!visit(owner, below, child)) return false;
            sum += child->weight;
        }
        return weigh(owner, way, node, sum);
    }

    // What a changed node weighed before says whether it was kept.
    bool weigh(Owner owner, const Way& way, Node* node, uint32_t entries) noexcept {
        const bool goes = node->weight == KEPT && entries <= DERIVED_MAX;
        if (goes && !removed_.push(StalePlace(owner, way.path()))) return false;  // the weight still says it
        node->weight = weight_of(entries);
        if (node->weight == KEPT) return sink_.put(owner, way.path(), node);
        return !goes || sink_.remove(owner, way.path());
    }

    NodeSink& sink_;
    Array<StalePlace>& removed_;  // which weights no longer tell, should all of it be collected again
};

// From the top, so a node is marked before those below are looked at.
void mark(Node* node) noexcept {
    if (!is_new(node)) return;
    node->reference.is_stored = 1;
    switch (node->kind) {
    case Kind::Leaf: return mark(static_cast<Leaf*>(node)->storage.top);
    case Kind::Extension: return mark(static_cast<Extension*>(node)->child);
    default:
        auto* const branch = static_cast<Branch*>(node);
        for (int index = 0; index < BRANCH_WIDTH; ++index) {
            if (!branch->waits(index)) mark(branch->children[index]);
        }
    }
}

constexpr uint32_t KEPT_DEPTH = 4;  // nibbles: 4,369 branches at most

// Nodes that are stored become hashes again, from `kept` nibbles below the top on; those that are made of entries
// anywhere.
bool unload_below(Pool& pool, Node*& node, uint32_t depth, uint32_t kept) noexcept {
    if (node == nullptr || node->kind == Kind::Unresolved) return true;
    const bool goes = depth >= kept || node->weight != KEPT;
    if (node->reference.is_stored && node->reference.is_hash() && goes) {
        Node* const hash = new_unresolved(pool, {node->reference.bytes, HASH_SIZE}, node->weight);
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
    auto* const branch = static_cast<Branch*>(node);
    for (int index = 0; index < BRANCH_WIDTH; ++index) {
        if (!branch->waits(index) && !unload_below(pool, branch->children[index], depth + 1, kept)) return false;
    }
    return true;
}

}  // namespace

bool Accounts::collect(NodeSink& sink) noexcept {
    for (const Key& key : wiped_) {
        if (!sink.remove_all(key.bytes)) return false;
    }
    for (const StalePlace& place : stale_) {
        if (!sink.remove(place.whose(), place.path())) return false;
    }
    return Collector(sink, stale_).visit(nullptr, Way{}, accounts_.top);
}

void Accounts::leave_notes() noexcept {
    stale_.clear();
    wiped_.clear();
}

void Accounts::swap_notes(Accounts& copy) noexcept {
    stale_.swap(copy.stale_);
    wiped_.swap(copy.wiped_);
}

bool Accounts::take_notes(const Accounts& copy) noexcept {
    return stale_.append(copy.stale_.data(), copy.stale_.size()) &&
           wiped_.append(copy.wiped_.data(), copy.wiped_.size());
}

bool Accounts::unload(uint64_t bytes_max) noexcept {
    if (!unload_below(space().pool, accounts_.top, 0, STORED_PATH_MAX)) return false;
    return store_->in_use() <= bytes_max || unload_below(space().pool, accounts_.top, 0, KEPT_DEPTH);
}

void Accounts::mark_stored() noexcept {
    leave_notes();
    mark(accounts_.top);
}

}  // namespace blockstm::trie
