#include "trie/refresher.hpp"

namespace blockstm::trie {

bool Refresher::gather_levels(Node* const* tops, uint64_t count, uint64_t enough) noexcept {
    nodes_.clear();
    levels_.clear();
    for (uint64_t place = 0; place < count; ++place) {
        if (!gather(tops[place])) return false;
    }
    uint64_t start = 0;
    while (start != nodes_.size() && nodes_.size() - start < enough) {
        const uint64_t end = nodes_.size();
        if (!levels_.push(start)) return false;
        for (; start != end; ++start) {
            if (!gather_below(nodes_[start])) return false;
        }
    }
    return levels_.push(start);
}

bool Refresher::compute_levels() noexcept {
    for (uint64_t level = levels_.size() - 1; level-- > 0;) {
        if (!compute(levels_[level], levels_[level + 1])) return false;
    }
    return true;
}

bool Refresher::gather_below(Node* node) noexcept {
    if (node->kind == Kind::Extension) return gather(static_cast<Extension*>(node)->child);
    if (node->kind != Kind::Branch) return true;
    for (int index = 0; index < BRANCH_WIDTH; ++index) {  // a value has no reference
        auto* const branch = static_cast<Branch*>(node);
        if (!branch->waits(index) && !gather(branch->children[index])) return false;
    }
    return true;
}

bool Refresher::compute(uint64_t first, uint64_t end) noexcept {
    batch_.clear();
    for (; first != end; ++first) {
        if (!encode_node(batch_.encodings, nodes_[first])) return false;
        batch_.add(nodes_[first]->reference);
    }
    batch_.finish();
    return true;
}

}  // namespace blockstm::trie
