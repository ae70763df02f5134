// A node of a trie in memory, with what its parent says of it kept until it changes.
//
//   Leaf        the rest of a key, and its value
//   Extension   a path that several keys share, and the branch below it
//   Branch      a child for each nibble; the value of the key that ends here is a leaf with an empty path
//   Unresolved  a hash: its node lies encoded in the store, or is missing there
//
// Nodes are shared: a copy of a trie is one more owner of its topmost node. A trie that changes a node makes
// itself the node's only owner first (`own`), from the top down.
//
// What holds between operations: paths of extensions are not empty, below an extension stands a branch or a
// hash, a branch has two children or more, values are not empty. `decode_node` refuses anything else.
// All of a store's nodes are used under its lock.
#pragma once

#include "trie/encoding.hpp"
#include "trie/node_source.hpp"
#include "trie/pool.hpp"
#include "trie/status.hpp"
#include "trie/trie.hpp"

namespace blockstm::trie {

enum class Kind : uint8_t { Leaf, Extension, Branch, Unresolved };

struct Node {
    Reference reference;  // of size 0 where it is to be computed again
    Kind kind;
    uint8_t weight = 0;       // see Weight; true where a source has the node
    uint16_t path_size = 0;   // in nibbles
    uint32_t value_size = 0;  // in bytes
    uint32_t owners = 1;      // places that lead here
};

struct Leaf : Node {
    Trie storage;  // of an account, if it was opened

    uint8_t* bytes() noexcept { return reinterpret_cast<uint8_t*>(this + 1); }  // the path, then the value
    const uint8_t* bytes() const noexcept { return reinterpret_cast<const uint8_t*>(this + 1); }
    Path path() const noexcept { return packed_path(bytes(), path_size); }
    Bytes value() const noexcept { return {bytes() + packed_size(path_size), value_size}; }
};

struct Extension : Node {
    Node* child;

    uint8_t* bytes() noexcept { return reinterpret_cast<uint8_t*>(this + 1); }
    Path path() const noexcept { return packed_path(reinterpret_cast<const uint8_t*>(this + 1), path_size); }
};

// Of a leaf or an extension.
inline Path path_in(const Node* node) noexcept {
    if (node->kind == Kind::Leaf) return static_cast<const Leaf*>(node)->path();
    return static_cast<const Extension*>(node)->path();
}

inline constexpr int VALUE_CHILD = BRANCH_WIDTH;
inline constexpr int CHILD_COUNT = BRANCH_WIDTH + 1;

// Children of a branch from a witness wait as bytes until somebody looks at them, which most of sixteen never see.
struct Branch : Node {
    uint16_t waiting = 0;         // a bit for each place that leads to a hash in the encoding, which outlives it
    Node* children[CHILD_COUNT];  // not read where a child may wait: see `child_place`

    bool waits(int index) const noexcept { return (waiting >> index & 1) != 0; }
    Bytes waiting_hash(int index) const noexcept {
        return {reinterpret_cast<const uint8_t*>(children[index]), HASH_SIZE};
    }
};

// Each is null where memory ran out.
Leaf* new_leaf(Pool& pool, uint32_t path_size, uint64_t value_size) noexcept;  // to be filled
Leaf* new_leaf(Pool& pool, Path path, Bytes value, Trie storage = {}) noexcept;  // takes the storage over
Extension* new_extension(Pool& pool, uint32_t path_size, Node* child) noexcept;  // to be filled
Extension* new_extension(Pool& pool, Path path, Node* child) noexcept;
Branch* new_branch(Pool& pool) noexcept;
Node* new_unresolved(Pool& pool, Bytes hash, uint8_t weight) noexcept;

// Where a child of a branch stands, which waits no longer. Null: out of memory.
Node** child_place(Pool& pool, Branch* branch, int index) noexcept;

void free_node(Pool& pool, Node* node) noexcept;  // and nothing below it; null is fine

// One owner more, one less; null is fine. The last owner's leaving frees the node and leaves those below.
Node* retain(Node* node) noexcept;
void release(Pool& pool, Node* node) noexcept;

// Makes the node at `place`, which is not null, one that only `place` leads to. False: out of memory.
bool own(Pool& pool, Node*& place) noexcept;

// The node that `encoding` is of, at `depth` nibbles from the root; its reference is left to the caller. Children of
// an encoding that `stays` as long as the store may wait.
Status decode_node(Pool& pool, Bytes encoding, bool stays, uint32_t depth, bool is_below_extension,
                   Node*& out) noexcept;

// Appends the encoding; the references of what is below must be there. False: out of memory.
bool encode_node(Array<uint8_t>& out, const Node* node) noexcept;

}  // namespace blockstm::trie
