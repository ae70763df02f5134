// Nodes outside memory, by whose trie they are of and where in it they stand: a database under the tries of a
// state, whose keys are hashes.
#pragma once

#include <memory>

#include "trie/encoding.hpp"
#include "trie/status.hpp"

namespace blockstm::trie {

struct Node;

inline constexpr uint32_t STORED_PATH_MAX = 2 * HASH_SIZE;  // nibbles

// The trie of the accounts (null), or the storage trie of the account whose hashed address it is.
using Owner = const uint8_t*;

// How many entries stand at and below a node. Where they are few a source does not keep it, as it has the entries:
// then the node is made of them. 0 where it is not known.
using Weight = uint8_t;
inline constexpr Weight DERIVED_MAX = 16;
inline constexpr Weight KEPT = 255;  // more than that

inline Weight weight_of(uint64_t entries) noexcept {
    return entries > DERIVED_MAX ? KEPT : static_cast<Weight>(entries);
}

// A node that a thread reads: what a source says of it, and what it leaves there to read those below it sooner.
struct NodeReading {
    class Left {
    public:
        virtual ~Left() = default;
    };

    Array<uint8_t> encoding;
    Weight weight = KEPT;             // what was said of it before, which of a topmost node may be wrong; what it is
    Weight below[BRANCH_WIDTH] = {};  // that of each child of a branch; that of an extension's comes first
    std::unique_ptr<Left> left;
};

class NodeSource {
public:
    // Reads the node at `path`. Missing where there is none; Unreadable. Called by several threads at once, with a
    // reading each.
    virtual Status read(Owner owner, Path path, NodeReading& reading) noexcept = 0;

protected:
    ~NodeSource() = default;
};

// Takes what is to be done to a source so that it has the nodes of a state. False: out of memory.
class NodeSink {
public:
    // A node to be kept, whose weight and those below it are known. It stays as it is for as long as the tries that
    // it is of.
    virtual bool put(Owner owner, Path path, const Node* node) noexcept = 0;
    virtual bool remove(Owner owner, Path path) noexcept = 0;  // before what is put there
    virtual bool remove_all(Owner owner) noexcept = 0;         // before all else
    // An account that changed, or its storage did, by its hashed address: a leaf, which stays likewise.
    virtual bool put_account(const uint8_t* key, const Node* leaf) noexcept = 0;

protected:
    ~NodeSink() = default;
};

// Where nodes stood that are no more.
struct StalePlace {
    bool is_of_account = false;
    uint8_t owner[HASH_SIZE];
    uint8_t size = 0;  // nibbles
    uint8_t packed[HASH_SIZE];

    StalePlace() noexcept = default;
    StalePlace(Owner whose, Path path) noexcept
        : is_of_account(whose != nullptr), size(static_cast<uint8_t>(path.size)) {
        if (is_of_account) std::memcpy(owner, whose, HASH_SIZE);
        pack(path, packed);
    }

    Path path() const noexcept { return packed_path(packed, size); }
    Owner whose() const noexcept { return is_of_account ? owner : nullptr; }
};

}  // namespace blockstm::trie
