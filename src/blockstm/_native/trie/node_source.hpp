// Nodes outside memory, by whose trie they are of and where in it they stand: a database under the tries of a
// state, whose keys are hashes.
#pragma once

#include "trie/paths.hpp"
#include "trie/status.hpp"

namespace blockstm::trie {

struct Node;

inline constexpr uint32_t STORED_PATH_MAX = 2 * HASH_SIZE;  // nibbles

// The trie of the accounts (null), or the storage trie of the account whose hashed address it is.
using Owner = const uint8_t*;

class NodeSource {
public:
    // Puts the encoding of the node at `path` into `encoding`. Missing where there is none; Unreadable. Called
    // by several threads at once.
    virtual Status read(Owner owner, Path path, Array<uint8_t>& encoding) noexcept = 0;

protected:
    ~NodeSource() = default;
};

// Takes what is to be done to a source so that it has the nodes of a state. False: out of memory.
class NodeSink {
public:
    // The node stays as it is for as long as the tries that it is of.
    virtual bool put(Owner owner, Path path, const Node* node) noexcept = 0;
    virtual bool remove(Owner owner, Path path) noexcept = 0;  // before what is put there
    virtual bool remove_all(Owner owner) noexcept = 0;         // before all else

protected:
    ~NodeSink() = default;
};

// Where nodes stood that are no more.
struct StalePlace {
    bool is_of_account = false;
    uint8_t owner[HASH_SIZE];
    uint8_t size = 0;  // nibbles
    uint8_t packed[HASH_SIZE];

    Path path() const noexcept { return packed_path(packed, size); }
    Owner whose() const noexcept { return is_of_account ? owner : nullptr; }
};

}  // namespace blockstm::trie
