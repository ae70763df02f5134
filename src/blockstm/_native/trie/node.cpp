#include "trie/node.hpp"

namespace blockstm::trie {
namespace {

constexpr Reference NO_REFERENCE{};

uint64_t size_of(const Node* node) noexcept {
    switch (node->kind) {
    case Kind::Leaf: return sizeof(Leaf) + packed_size(node->path_size) + node->value_size;
    case Kind::Extension: return sizeof(Extension) + packed_size(node->path_size);
    case Kind::Branch: return sizeof(Branch);
    case Kind::Unresolved: break;
    }
    return sizeof(Node);
}

template <class Any>
Any* new_node(Pool& pool, Kind kind, uint64_t extra) noexcept {
    auto* node = static_cast<Any*>(pool.take(sizeof(Any) + extra));
    if (node == nullptr) return nullptr;
    node->reference.size = 0;
    node->reference.is_stored = 0;
    node->kind = kind;
    node->weight = 0;
    node->path_size = 0;
    node->value_size = 0;
    node->owners = 1;
    return node;
}

}  // namespace

Leaf* new_leaf(Pool& pool, uint32_t path_size, uint64_t value_size) noexcept {
    if (value_size > UINT32_MAX) return nullptr;
    auto* leaf = new_node<Leaf>(pool, Kind::Leaf, packed_size(path_size) + value_size);
    if (leaf == nullptr) return nullptr;
    leaf->path_size = static_cast<uint16_t>(path_size);
    leaf->value_size = static_cast<uint32_t>(value_size);
    leaf->storage = {};
    return leaf;
}

Leaf* new_leaf(Pool& pool, Path path, Bytes value, Trie storage) noexcept {
    Leaf* leaf = new_leaf(pool, path.size, value.size());
    if (leaf == nullptr) return nullptr;
    pack(path, leaf->bytes());
    put_bytes(leaf->bytes() + packed_size(path.size), value);
    leaf->storage = storage;
    return leaf;
}

Extension* new_extension(Pool& pool, uint32_t path_size, Node* child) noexcept {
    auto* extension = new_node<Extension>(pool, Kind::Extension, packed_size(path_size));
    if (extension == nullptr) return nullptr;
    extension->path_size = static_cast<uint16_t>(path_size);
    extension->child = child;
    return extension;
}

Extension* new_extension(Pool& pool, Path path, Node* child) noexcept {
    Extension* extension = new_extension(pool, path.size, child);
    if (extension != nullptr) pack(path, extension->bytes());
    return extension;
}

Branch* new_branch(Pool& pool) noexcept {
    auto* branch = new_node<Branch>(pool, Kind::Branch, 0);
    if (branch == nullptr) return nullptr;
    branch->waiting = 0;
    std::memset(branch->children, 0, sizeof branch->children);
    return branch;
}

Node* new_unresolved(Pool& pool, Bytes hash, uint8_t weight) noexcept {
    auto* node = new_node<Node>(pool, Kind::Unresolved, 0);
    if (node == nullptr) return nullptr;
    node->weight = weight;
    node->reference.size = HASH_SIZE;
    put_bytes(node->reference.bytes, hash);
    return node;
}

Node** child_place(Pool& pool, Branch* branch, int index) noexcept {
    Node** const place = branch->children + index;
    if (!branch->waits(index)) return place;
    Node* const child = new_unresolved(pool, branch->waiting_hash(index), KEPT);
    if (child == nullptr) return nullptr;
    *place = child;
    branch->waiting &= static_cast<uint16_t>(~(1u << index));
    return place;
}

void free_node(Pool& pool, Node* node) noexcept {
    if (node != nullptr) pool.give(node, size_of(node));
}

Node* retain(Node* node) noexcept {
    if (node != nullptr) ++node->owners;
    return node;
}

namespace {

// Calls `act` with every node that stands directly below a node.
template <class Act>
void below(Node* node, Act act) noexcept {
    switch (node->kind) {
    case Kind::Leaf: return act(static_cast<Leaf*>(node)->storage.top);
    case Kind::Extension: return act(static_cast<Extension*>(node)->child);
    case Kind::Branch: {
        auto* const branch = static_cast<Branch*>(node);
        for (int index = 0; index < CHILD_COUNT; ++index) {
            if (!branch->waits(index)) act(branch->children[index]);
        }
        return;
    }
    case Kind::Unresolved: return;
    }
}

}  // namespace

void release(Pool& pool, Node* node) noexcept {
    if (node == nullptr || --node->owners != 0) return;
    below(node, [&](Node* child) noexcept { release(pool, child); });
    free_node(pool, node);
}

bool own(Pool& pool, Node*& place) noexcept {
    Node* const shared = place;
    if (shared->owners == 1) return true;
    void* copy = pool.take(size_of(shared));
    if (copy == nullptr) return false;
    std::memcpy(copy, shared, size_of(shared));
    place = static_cast<Node*>(copy);
    place->owners = 1;
    --shared->owners;
    below(place, [](Node* child) noexcept { retain(child); });
    return true;
}

// -- decoding

namespace {

// What stands in a parent: nothing, a hash, or a short node itself. Such nodes nest a few deep at most, each
// being shorter than the one it stands in.
Status decode_child(Pool& pool, const rlp::Item& item, uint32_t depth, bool is_below_extension,
                    Node*& out) noexcept {
    out = nullptr;
    if (!item.is_list) {
        if (item.payload.empty()) return Status::Ok;
        if (item.payload.size() != HASH_SIZE) return Status::Malformed;
        out = new_unresolved(pool, item.payload, KEPT);
        return out == nullptr ? Status::OutOfMemory : Status::Ok;
    }
    if (item.encoding.size() >= HASH_SIZE) return Status::Malformed;
    const Status status = decode_node(pool, item.encoding, false, depth, is_below_extension, out);
    if (status == Status::Ok) set_reference(out->reference, item.encoding);
    return status;
}

Status decode_leaf(Pool& pool, Path path, const rlp::Item& value, Node*& out) noexcept {
    if (value.is_list || value.payload.empty()) return Status::Malformed;
    out = new_leaf(pool, path, value.payload);
    return out == nullptr ? Status::OutOfMemory : Status::Ok;
}

Status decode_extension(Pool& pool, Path path, const rlp::Item& item, uint32_t depth, Node*& out) noexcept {
    if (path.size == 0) return Status::Malformed;
    Node* child = nullptr;
    const Status status = decode_child(pool, item, depth + path.size, true, child);
    if (status != Status::Ok) return status;
    if (child == nullptr) return Status::Malformed;
    out = new_extension(pool, path, child);
    if (out != nullptr) return Status::Ok;
    release(pool, child);
    return Status::OutOfMemory;
}

Status fill_branch(Pool& pool, const rlp::Item* items, bool stays, uint32_t depth, Branch* branch) noexcept {
    int count = 0;
    for (int index = 0; index < BRANCH_WIDTH; ++index) {
        const Bytes hash = items[index].payload;
        if (stays && !items[index].is_list && hash.size() == HASH_SIZE) {
            branch->waiting |= static_cast<uint16_t>(1u << index);
            branch->children[index] = reinterpret_cast<Node*>(const_cast<uint8_t*>(hash.data()));
            ++count;
            continue;
        }
        const Status status = decode_child(pool, items[index], depth + 1, false, branch->children[index]);
        if (status != Status::Ok) return status;
        count += branch->children[index] != nullptr;
    }
    const rlp::Item& value = items[VALUE_CHILD];
    if (value.is_list) return Status::Malformed;
    if (!value.payload.empty()) {
        const Status status = decode_leaf(pool, Path{}, value, branch->children[VALUE_CHILD]);
        if (status != Status::Ok) return status;
        ++count;
    }
    return count < 2 ? Status::Malformed : Status::Ok;
}

Status decode_branch(Pool& pool, const rlp::Item* items, bool stays, uint32_t depth, Node*& out) noexcept {
    if (depth >= DEPTH_MAX) return Status::Malformed;
    Branch* branch = new_branch(pool);
    if (branch == nullptr) return Status::OutOfMemory;
    const Status status = fill_branch(pool, items, stays, depth, branch);
    if (status == Status::Ok) {
        out = branch;
    } else {
        release(pool, branch);
    }
    return status;
}

// Whether it is a branch of hashes alone, as most are; then its children, and a bit for each that is one.
bool read_hashes(Bytes payload, Node** children, uint16_t& waiting) noexcept {
    constexpr uint8_t EMPTY = 0x80, HASH = 0x80 + HASH_SIZE;  // how an item begins
    const uint8_t* at = payload.data();
    const uint8_t* const end = at + payload.size();
    waiting = 0;
    for (int index = 0; index < BRANCH_WIDTH; ++index) {
        if (at == end) return false;
        const uint8_t head = *at++;
        children[index] = nullptr;
        if (head == EMPTY) continue;
        if (head != HASH || static_cast<uint64_t>(end - at) < HASH_SIZE) return false;
        waiting |= static_cast<uint16_t>(1u << index);
        children[index] = reinterpret_cast<Node*>(const_cast<uint8_t*>(at));
        at += HASH_SIZE;
    }
    children[VALUE_CHILD] = nullptr;
    return end - at == 1 && *at == EMPTY;
}

Status make_waiting_branch(Pool& pool, Node* const* children, uint16_t waiting, uint32_t depth, Node*& out) noexcept {
    if (depth >= DEPTH_MAX || std::popcount(waiting) < 2) return Status::Malformed;
    auto* const branch = new_node<Branch>(pool, Kind::Branch, 0);
    if (branch == nullptr) return Status::OutOfMemory;
    branch->waiting = waiting;
    std::memcpy(branch->children, children, sizeof branch->children);
    out = branch;
    return Status::Ok;
}

}  // namespace

Status decode_node(Pool& pool, Bytes encoding, bool stays, uint32_t depth, bool is_below_extension,
                   Node*& out) noexcept {
    out = nullptr;
    Bytes payload;
    if (!rlp::read_list(encoding, payload)) return Status::Malformed;
    Node* children[CHILD_COUNT];
    uint16_t waiting;
    if (stays && read_hashes(payload, children, waiting)) {
        return make_waiting_branch(pool, children, waiting, depth, out);
    }
    rlp::Item items[CHILD_COUNT];
    int count = 0;
    for (rlp::Reader reader(payload); !reader.at_end(); ++count) {
        if (count == CHILD_COUNT || !reader.next(items[count])) return Status::Malformed;
    }
    if (count == CHILD_COUNT) return decode_branch(pool, items, stays, depth, out);
    bool is_leaf;
    Path path;
    if (count != 2 || is_below_extension || items[0].is_list) return Status::Malformed;
    if (!read_hex_prefix(items[0].payload, is_leaf, path)) return Status::Malformed;
    if (depth + path.size > DEPTH_MAX) return Status::Malformed;
    if (is_leaf) return decode_leaf(pool, path, items[1], out);
    return decode_extension(pool, path, items[1], depth, out);
}

// -- encoding

bool encode_node(Array<uint8_t>& out, const Node* node) noexcept {
    switch (node->kind) {
    case Kind::Leaf: {
        auto* leaf = static_cast<const Leaf*>(node);
        return encode_leaf(out, leaf->path(), leaf->value());
    }
    case Kind::Extension: {
        auto* extension = static_cast<const Extension*>(node);
        return encode_extension(out, extension->path(), extension->child->reference);
    }
    case Kind::Branch: {
        auto* branch = static_cast<const Branch*>(node);
        Reference hashes[BRANCH_WIDTH];  // of those that wait
        for (int index = 0; index < BRANCH_WIDTH; ++index) {
            if (!branch->waits(index)) continue;
            hashes[index].size = HASH_SIZE;
            put_bytes(hashes[index].bytes, branch->waiting_hash(index));
        }
        const auto child = [&](int index) noexcept -> const Reference& {
            if (branch->waits(index)) return hashes[index];
            return branch->children[index] == nullptr ? NO_REFERENCE : branch->children[index]->reference;
        };
        const auto* value = static_cast<const Leaf*>(branch->children[VALUE_CHILD]);
        return encode_branch(out, child, value == nullptr ? Bytes{} : value->value());
    }
    case Kind::Unresolved: break;
    }
    return true;  // never asked: its reference is always there
}

}  // namespace blockstm::trie
