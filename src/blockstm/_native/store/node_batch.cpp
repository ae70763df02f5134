#include "store/node_batch.hpp"

#include "store/flat_values.hpp"
#include "trie/node.hpp"

namespace blockstm::store {

bool BatchOfNodes::make(const void* what, Array<uint8_t>& value) const noexcept {
    const auto* const node = static_cast<const trie::Node*>(what);
    if (node->kind == trie::Kind::Leaf) {
        trie::Account account;
        uint8_t row[ACCOUNT_ROW_MAX];
        return trie::read_account(static_cast<const trie::Leaf*>(node)->value(), account) &&
               value.append(row, put_account_row(row, account));
    }
    trie::Weight below[trie::BRANCH_WIDTH] = {};
    if (node->kind == trie::Kind::Extension) below[0] = static_cast<const trie::Extension*>(node)->child->weight;
    if (node->kind == trie::Kind::Branch) {
        for (int index = 0; index < trie::BRANCH_WIDTH; ++index) {
            const trie::Node* const child = static_cast<const trie::Branch*>(node)->children[index];
            if (child != nullptr) below[index] = child->weight;
        }
    }
    return trie::encode_node(value, node) && value.append(below, sizeof below);
}

}  // namespace blockstm::store
