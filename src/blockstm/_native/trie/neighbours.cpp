// The keys of a trie in their order: which one stands next to a given key. A key that is a prefix of others
// stands before them, so in a branch the value comes before all children.
#include "trie/node_store.hpp"
#include "trie/trie.hpp"

namespace blockstm::trie {
namespace {

struct Search {
    Space& space;
    bool is_behind;              // which side of the key is asked for
    uint32_t depth = 0;          // of `nibbles`
    uint8_t nibbles[DEPTH_MAX];  // from the top to where the search is

    void push(Path path) noexcept {
        for (uint32_t index = 0; index < path.size; ++index) nibbles[depth++] = path[index];
    }
    void push_rank(int rank) noexcept {
        if (rank != 0) nibbles[depth++] = static_cast<uint8_t>(rank - 1);
    }
    int next_rank(int rank) const noexcept { return is_behind ? rank + 1 : rank - 1; }

    Status resolve(Node*& node, bool is_below_extension) noexcept {
        if (node->kind != Kind::Unresolved) return Status::Ok;
        uint8_t packed[KEY_SIZE_MAX];
        PathWriter writer(packed, depth);
        for (uint32_t place = 0; place < depth; ++place) writer.push(nibbles[place]);
        return space.resolve(node, packed_path(packed, depth), is_below_extension);
    }
};

// The child of this rank among its siblings in the order of keys: the value first.
int child_of_rank(int rank) noexcept { return rank == 0 ? VALUE_CHILD : rank - 1; }

bool has_child(const Branch* branch, int rank) noexcept { return branch->children[child_of_rank(rank)] != nullptr; }

// Null: out of memory.
Node** child_at(Search& search, Branch* branch, int rank) noexcept {
    return child_place(search.space.pool, branch, child_of_rank(rank));
}

bool is_rank(int rank) noexcept { return rank >= 0 && rank < CHILD_COUNT; }

// The leaf below `place` that is nearest to the key, all of them being on the wanted side of it.
Status nearest(Search& search, Node** place, bool is_below_extension, Leaf*& leaf) noexcept {
    for (;;) {
        const Status status = search.resolve(*place, is_below_extension);
        if (status != Status::Ok) return status;
        Node* const node = *place;
        is_below_extension = node->kind == Kind::Extension;
        if (node->kind != Kind::Branch) search.push(path_in(node));
        if (node->kind == Kind::Leaf) {
            leaf = static_cast<Leaf*>(node);
            return Status::Ok;
        }
        if (node->kind == Kind::Extension) {
            place = &static_cast<Extension*>(node)->child;
            continue;
        }
        int rank = search.is_behind ? 0 : CHILD_COUNT - 1;
        while (!has_child(static_cast<Branch*>(node), rank)) rank = search.next_rank(rank);
        search.push_rank(rank);
        place = child_at(search, static_cast<Branch*>(node), rank);
        if (place == nullptr) return Status::OutOfMemory;
    }
}

// A branch that the key passed, and where it went on.
struct Turn {
    Branch* branch;
    uint32_t depth;
    int rank;
};

// The way back: the last turn that had a child on the wanted side.
Status turn_back(Search& search, const Turn* turns, uint32_t count, Leaf*& leaf) noexcept {
    while (count-- > 0) {
        const Turn& turn = turns[count];
        for (int rank = search.next_rank(turn.rank); is_rank(rank); rank = search.next_rank(rank)) {
            if (!has_child(turn.branch, rank)) continue;
            search.depth = turn.depth;
            search.push_rank(rank);
            Node** const place = child_at(search, turn.branch, rank);
            return place == nullptr ? Status::OutOfMemory : nearest(search, place, false, leaf);
        }
    }
    return Status::Ok;
}

Status search_from(Search& search, Node** place, Path rest, Leaf*& leaf) noexcept {
    Turn turns[DEPTH_MAX + 1];
    uint32_t count = 0;
    for (bool is_below_extension = false; *place != nullptr;) {
        const Status status = search.resolve(*place, is_below_extension);
        if (status != Status::Ok) return status;
        Node* const node = *place;
        is_below_extension = node->kind == Kind::Extension;
        if (node->kind == Kind::Branch) {
            const int rank = rest.size == 0 ? 0 : rest[0] + 1;
            turns[count++] = {static_cast<Branch*>(node), search.depth, rank};
            search.push_rank(rank);
            place = child_at(search, static_cast<Branch*>(node), rank);
            if (place == nullptr) return Status::OutOfMemory;
            if (rank == 0) break;  // the value there has the key itself
            rest = rest.from(1);
            continue;
        }
        const Path path = path_in(node);
        const uint32_t shared = shared_nibbles(rest, path);
        if (is_below_extension && shared == path.size) {
            search.push(path);
            rest = rest.from(shared);
            place = &static_cast<Extension*>(node)->child;
            continue;
        }
        if (shared == path.size && shared == rest.size) break;
        const bool is_behind = shared == rest.size || (shared < path.size && path[shared] > rest[shared]);
        if (is_behind == search.is_behind) return nearest(search, place, false, leaf);
        break;
    }
    return turn_back(search, turns, count, leaf);
}

}  // namespace

Status Trie::neighbour(Space& space, Bytes key, bool is_behind, uint8_t* found, uint64_t& found_size,
                       Bytes& value) noexcept {
    Search search{space, is_behind, 0, {}};
    Leaf* leaf = nullptr;
    found_size = 0;
    value = {};
    const Status status = search_from(search, &top, path_of(key), leaf);
    if (status != Status::Ok || leaf == nullptr) return status;
    if ((search.depth & 1) != 0) return Status::Malformed;  // half a byte: no key
    found_size = search.depth / 2;
    for (uint64_t place = 0; place < found_size; ++place) {
        found[place] = static_cast<uint8_t>(search.nibbles[2 * place] << 4 | search.nibbles[2 * place + 1]);
    }
    value = leaf->value();
    return Status::Ok;
}

}  // namespace blockstm::trie
