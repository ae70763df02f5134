// Computes the references of nodes that changed: they are gathered from the tops down, level by level, then
// hashed from the bottom up, a level's side by side. Used under the store's lock.
#pragma once

#include "trie/batch.hpp"
#include "trie/node.hpp"

namespace blockstm::trie {

class Refresher {
public:
    // Below each top, some of which may be null, nothing is left without its reference. False: out of memory;
    // what was computed is right, and the rest is still to be computed.
    bool refresh(Node* const* tops, uint64_t count) noexcept;

private:
    bool gather(Node* node) noexcept {
        return node == nullptr || node->reference.size != 0 || nodes_.push(node);
    }
    bool gather_below(Node* node) noexcept;
    bool compute(uint64_t first, uint64_t end) noexcept;

    Buffer<Node*> nodes_;      // without a reference, level by level
    Buffer<uint64_t> levels_;  // where each level starts among them
    ReferenceBatch batch_;
};

}  // namespace blockstm::trie
