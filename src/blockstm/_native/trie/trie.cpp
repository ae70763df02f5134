#include "trie/trie.hpp"

#include "trie/node_store.hpp"

namespace blockstm::trie {
namespace {

// The way of a key from the top down, and where it ends: at an empty place, at the key's leaf, or at a leaf
// or an extension that another key made.
struct Walk {
    Path rest;               // of the key, from `place` on
    Node** place;            // where it ends
    uint32_t shared = 0;     // nibbles of `rest` that the node at `place` has too
    uint32_t count = 0;      // of the nodes above
    Node** above[DEPTH_MAX + 2];  // their places; all but the last consume a nibble or more

    Walk(Node*& top, Path path) noexcept : rest(path), place(&top) {}

    bool is_below_extension() const noexcept {
        return count != 0 && (*above[count - 1])->kind == Kind::Extension;
    }

    // From the topmost node of all to `place`: what the key has before `rest`.
    Path way() const noexcept { return {rest.bytes, 0, rest.start}; }

    // The key's own leaf, or null.
    Leaf* leaf() const noexcept {
        Node* node = *place;
        if (node == nullptr || node->kind != Kind::Leaf || shared != rest.size || shared != node->path_size) {
            return nullptr;
        }
        return static_cast<Leaf*>(node);
    }

    void step(Node*& below, uint32_t nibbles) noexcept {
        above[count++] = place;
        place = &below;
        rest = rest.from(nibbles);
    }

    // Says of the first `number` nodes above that their hashes are no longer true.
    void outdate(uint32_t number) const noexcept {
        for (uint32_t index = 0; index < number; ++index) (*above[index])->reference.size = 0;
    }
};

int child_of(Path path) noexcept { return path.size == 0 ? VALUE_CHILD : path[0]; }

Path behind_child(Path path) noexcept { return path.size == 0 ? path : path.from(1); }

// To read, or to change what is on the way: then all of it becomes the trie's own.
Status descend(Space& space, Walk& walk, bool to_change) noexcept {
    for (;;) {
        Node*& node = *walk.place;
        if (node == nullptr) return Status::Ok;
        ++space.met;
        if (node->kind == Kind::Unresolved) {
            const Status status = space.resolve(node, walk.way(), walk.is_below_extension());
            if (status != Status::Ok) return status;
        }
        if (to_change && !own(space.pool, node)) return Status::OutOfMemory;
        if (node->kind == Kind::Branch) {
            const uint32_t nibbles = walk.rest.size == 0 ? 0 : 1;
            Node** const child = child_place(space.pool, static_cast<Branch*>(node), child_of(walk.rest));
            if (child == nullptr) return Status::OutOfMemory;
            walk.step(*child, nibbles);
            continue;
        }
        const bool is_leaf = node->kind == Kind::Leaf;
        const Path path = path_in(node);
        walk.shared = shared_nibbles(walk.rest, path);
        if (is_leaf || walk.shared < path.size) return Status::Ok;
        walk.step(static_cast<Extension*>(node)->child, path.size);
    }
}

// -- putting

Status put_at_empty(Space& space, const Walk& walk, Bytes value, Leaf*& leaf) noexcept {
    *walk.place = leaf = new_leaf(space.pool, walk.rest, value);
    return leaf == nullptr ? Status::OutOfMemory : Status::Ok;
}

Status replace_value(Space& space, const Walk& walk, Bytes value, Leaf*& leaf) noexcept {
    if (leaf->value_size == value.size()) {
        put_bytes(leaf->bytes() + packed_size(leaf->path_size), value);
        leaf->reference.size = 0;
        return Status::Ok;
    }
    Leaf* replaced = new_leaf(space.pool, walk.rest, value, leaf->storage);
    if (replaced == nullptr) return Status::OutOfMemory;
    free_node(space.pool, leaf);
    *walk.place = leaf = replaced;
    return Status::Ok;
}

// What is left of a leaf or an extension below a branch that takes the first nibble of `rest`; what hangs
// below is taken over, not shared.
Node* remainder(Pool& pool, Node* node, Path rest) noexcept {
    const Path path = behind_child(rest);
    if (node->kind == Kind::Leaf) {
        auto* leaf = static_cast<Leaf*>(node);
        return new_leaf(pool, path, leaf->value(), leaf->storage);
    }
    Node* child = static_cast<Extension*>(node)->child;
    return path.size == 0 ? child : new_extension(pool, path, child);
}

// The key leaves the path of the leaf or extension at its place: a branch is put there.
Status split(Space& space, const Walk& walk, Bytes value, Leaf*& leaf) noexcept {
    Node* const node = *walk.place;
    const bool is_leaf = node->kind == Kind::Leaf;
    const Path path = path_in(node);
    const Path theirs = path.from(walk.shared);
    const Path ours = walk.rest.from(walk.shared);
    Branch* branch = new_branch(space.pool);
    leaf = new_leaf(space.pool, behind_child(ours), value);
    Extension* top = nullptr;
    if (walk.shared != 0) top = new_extension(space.pool, walk.rest.first(walk.shared), branch);
    Node* rest = remainder(space.pool, node, theirs);
    if (branch == nullptr || leaf == nullptr || rest == nullptr || (walk.shared != 0 && top == nullptr)) {
        free_node(space.pool, branch);
        free_node(space.pool, leaf);
        free_node(space.pool, top);
        if (is_leaf || rest != static_cast<Extension*>(node)->child) free_node(space.pool, rest);
        leaf = nullptr;
        return Status::OutOfMemory;
    }
    branch->children[child_of(theirs)] = rest;
    branch->children[child_of(ours)] = leaf;
    *walk.place = top != nullptr ? static_cast<Node*>(top) : branch;
    (*walk.place)->weight = node->weight;  // a source may keep what was there
    free_node(space.pool, node);
    return Status::Ok;
}

// -- removing

// The only child of a branch but the one at `leaving`, or -1 where there are more. Pre: there is one.
int only_other(const Branch* branch, int leaving) noexcept {
    int only = -1;
    for (int index = 0; index < CHILD_COUNT; ++index) {
        if (index == leaving || branch->children[index] == nullptr) continue;
        if (only >= 0) return -1;
        only = index;
    }
    return only;
}

// `prefix`, the nibble of a child (or none for a value) and that child as one node, which shares what hangs
// below the child; null: out of memory.
Node* merged(Pool& pool, Path prefix, int index, Node* child) noexcept {
    const uint32_t nibble = index == VALUE_CHILD ? 0 : 1;
    const bool is_leaf = child->kind == Kind::Leaf;
    const bool is_branch = child->kind == Kind::Branch;
    const Path path = is_branch ? Path{} : path_in(child);
    const uint32_t size = prefix.size + nibble + path.size;
    Node* node;
    uint8_t* bytes;
    if (is_leaf) {
        const Bytes value = static_cast<Leaf*>(child)->value();
        Leaf* leaf = new_leaf(pool, size, value.size());
        if (leaf == nullptr) return nullptr;
        leaf->storage = static_cast<Leaf*>(child)->storage.copy();
        bytes = leaf->bytes();
        put_bytes(bytes + packed_size(size), value);
        node = leaf;
    } else {
        Node* below = is_branch ? child : static_cast<Extension*>(child)->child;
        Extension* extension = new_extension(pool, size, below);
        if (extension == nullptr) return nullptr;
        retain(below);
        bytes = extension->bytes();
        node = extension;
    }
    PathWriter writer(bytes, size);
    writer.push(prefix);
    if (nibble != 0) writer.push(static_cast<uint8_t>(index));
    writer.push(path);
    return node;
}

// The way to the branch that the walk passed last: to the place below it, without the nibble of that.
Path way_to_branch(const Walk& walk) noexcept {
    const Path way = walk.way();
    const auto* const branch = static_cast<const Branch*>(*walk.above[walk.count - 1]);
    return walk.place == &branch->children[VALUE_CHILD] ? way : way.first(way.size - 1);
}

// The way to a child of that branch, in `packed`, which has room for it.
Path way_to_child(Path branch, int index, uint8_t* packed) noexcept {
    PathWriter writer(packed, branch.size + 1);
    writer.push(branch);
    writer.push(static_cast<uint8_t>(index));
    return packed_path(packed, branch.size + 1);
}

// A branch, an extension above it and what is no branch below it are about to be no more at their places.
bool note_merged(Space& space, Path branch, const Extension* above, Path child, const Node* other) noexcept {
    if (!space.note_stale(branch)) return false;
    if (above != nullptr && !space.note_stale(branch.first(branch.size - above->path_size))) return false;
    return other->kind == Kind::Branch || space.note_stale(child);
}

// A branch is about to lose all children but the one at `index`: that one and an extension above the branch
// become one node in their place.
Status collapse(Space& space, const Walk& walk, int index) noexcept {
    auto* const branch = static_cast<Branch*>(*walk.above[walk.count - 1]);
    Node** const place = child_place(space.pool, branch, index);
    if (place == nullptr) return Status::OutOfMemory;
    Node*& other = *place;
    uint8_t packed[KEY_SIZE_MAX + 1];
    const Path way = way_to_branch(walk);
    const Path child = index == VALUE_CHILD ? way : way_to_child(way, index, packed);
    if (other->kind == Kind::Unresolved) {
        const Status status = space.resolve(other, child, false);
        if (status != Status::Ok) return status;
    }
    Node* const before = walk.count > 1 ? *walk.above[walk.count - 2] : nullptr;
    auto* const extension =
        before != nullptr && before->kind == Kind::Extension ? static_cast<Extension*>(before) : nullptr;
    const Path prefix = extension == nullptr ? Path{} : extension->path();
    if (!note_merged(space, way, extension, child, other)) return Status::OutOfMemory;
    Node* const node = merged(space.pool, prefix, index, other);
    if (node == nullptr) return Status::OutOfMemory;
    release(space.pool, other);
    release(space.pool, *walk.place);
    const uint32_t replaced = walk.count - (extension == nullptr ? 1 : 2);
    walk.outdate(replaced);
    *walk.above[replaced] = node;
    free_node(space.pool, branch);
    free_node(space.pool, extension);
    return Status::Ok;
}

// Takes out the leaf at the walk's end.
Status take_out(Space& space, const Walk& walk) noexcept {
    if (!space.note_stale(walk.way())) return Status::OutOfMemory;
    if (walk.count != 0) {
        // An extension has no leaf below it, so this is a branch.
        const auto* branch = static_cast<Branch*>(*walk.above[walk.count - 1]);
        const int index = only_other(branch, static_cast<int>(walk.place - branch->children));
        if (index >= 0) return collapse(space, walk, index);
    }
    release(space.pool, *walk.place);
    *walk.place = nullptr;
    walk.outdate(walk.count);
    return Status::Ok;
}

}  // namespace

Status Trie::open(Space& space, const uint8_t root[HASH_SIZE]) noexcept {
    if (std::memcmp(root, EMPTY_ROOT, HASH_SIZE) == 0) return Status::Ok;
    top = new_unresolved(space.pool, {root, HASH_SIZE}, KEPT);
    return top == nullptr ? Status::OutOfMemory : Status::Ok;
}

Trie Trie::copy() const noexcept { return {retain(top)}; }

void Trie::drop(Space& space) noexcept {
    release(space.pool, top);
    top = nullptr;
}

Status Trie::find(Space& space, Bytes key, Leaf*& leaf) noexcept {
    Walk walk(top, path_of(key));
    const Status status = descend(space, walk, false);
    leaf = status == Status::Ok ? walk.leaf() : nullptr;
    return status;
}

Status Trie::find_own(Space& space, Bytes key, Leaf*& leaf, uint32_t above) noexcept {
    Walk walk(top, path_of(key).from(above));
    const Status status = descend(space, walk, true);
    leaf = status == Status::Ok ? walk.leaf() : nullptr;
    return status;
}

Status Trie::put(Space& space, Bytes key, Bytes value, Leaf*& leaf, uint32_t above) noexcept {
    Walk walk(top, path_of(key).from(above));
    Status status = descend(space, walk, true);
    if (status != Status::Ok) return status;
    leaf = walk.leaf();
    if (leaf != nullptr && trie::equal(leaf->value(), value)) return Status::Ok;
    if (leaf != nullptr) {
        status = replace_value(space, walk, value, leaf);
    } else if (*walk.place == nullptr) {
        status = put_at_empty(space, walk, value, leaf);
    } else {
        status = split(space, walk, value, leaf);
    }
    if (status == Status::Ok) walk.outdate(walk.count);
    return status;
}

Status Trie::get(Space& space, Bytes key, Bytes& value) noexcept {
    Leaf* leaf;
    const Status status = find(space, key, leaf);
    value = leaf == nullptr ? Bytes{} : leaf->value();
    return status;
}

Status Trie::set(Space& space, Bytes key, Bytes value) noexcept {
    Leaf* leaf;
    return value.empty() ? remove(space, key) : put(space, key, value, leaf);
}

Status Trie::remove(Space& space, Bytes key) noexcept {
    Walk walk(top, path_of(key));
    const Status status = descend(space, walk, true);
    return status != Status::Ok || walk.leaf() == nullptr ? status : take_out(space, walk);
}

Status Trie::root(Space& space, uint8_t out[HASH_SIZE]) noexcept {
    if (top != nullptr && !space.refresher.refresh(&top, 1)) return Status::OutOfMemory;
    root_of(top == nullptr ? Reference{} : top->reference, out);
    return Status::Ok;
}

Status Trie::prove(Space& space, Bytes key, Array<uint8_t>& encodings,
                   Array<uint64_t>& sizes) noexcept {
    Walk walk(top, path_of(key));
    const Status status = descend(space, walk, false);
    if (status != Status::Ok || top == nullptr) return status;
    if (!space.refresher.refresh(&top, 1)) return Status::OutOfMemory;
    if (*walk.place != nullptr && (*walk.place)->reference.size != 0) walk.above[walk.count++] = walk.place;
    for (uint32_t index = 0; index < walk.count; ++index) {
        const Node* node = *walk.above[index];
        if (index != 0 && !node->reference.is_hash()) continue;
        const uint64_t before = encodings.size();
        if (!encode_node(encodings, node)) return Status::OutOfMemory;
        if (!sizes.push(encodings.size() - before)) return Status::OutOfMemory;
    }
    return Status::Ok;
}

}  // namespace blockstm::trie
