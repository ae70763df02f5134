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
    bool refresh(Node* const* tops, uint64_t count) noexcept {
        return gather_levels(tops, count, UINT64_MAX) && compute_levels();
    }

    // The same in steps. The first ends early at a level of as many nodes as `enough`, the tops being one: all
    // of them, which `rest` says, are to be refreshed before the second.
    bool gather_levels(Node* const* tops, uint64_t count, uint64_t enough) noexcept;
    std::span<Node* const> rest() const noexcept {
        return {nodes_.data() + levels_.data()[levels_.size() - 1], nodes_.data() + nodes_.size()};
    }
    bool compute_levels() noexcept;

private:
    bool gather(Node* node) noexcept {
        return node == nullptr || node->reference.size != 0 || nodes_.push(node);
    }
    bool gather_below(Node* node) noexcept;
    bool compute(uint64_t first, uint64_t end) noexcept;

    Array<Node*> nodes_;      // without a reference, level by level
    Array<uint64_t> levels_;  // where each level starts among them, and where the last ends
    ReferenceBatch batch_;
};

}  // namespace blockstm::trie
