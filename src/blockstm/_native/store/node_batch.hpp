// What a state's tries changed, as changes of the tables that store/disk_nodes.hpp reads: nodes that are kept, and
// accounts, which need the roots of their storage.
#pragma once

#include "store/batch.hpp"
#include "store/disk_nodes.hpp"

namespace blockstm::store {

class BatchOfNodes final : public trie::NodeSink, public ValueMaker {
public:
    BatchOfNodes(Batch& batch, NodeTables tables) noexcept : batch_(batch), tables_(tables) {}

    // Nodes are encoded when they are written. Pre: the tries that they are of are there until then, and this.
    bool put(trie::Owner owner, trie::Path path, const trie::Node* node) noexcept override {
        return batch_.put_made(table_of(owner), NodeKey(owner, path).view(), *this, node);
    }
    bool remove(trie::Owner owner, trie::Path path) noexcept override {
        return batch_.remove(table_of(owner), NodeKey(owner, path).view());
    }
    bool remove_all(trie::Owner owner) noexcept override {
        return batch_.remove_prefix(tables_.storages, {owner, HASH_SIZE});
    }

    bool put_account(const uint8_t* key, const trie::Node* leaf) noexcept override {
        return batch_.put_made(tables_.account_rows, {key, HASH_SIZE}, *this, leaf);
    }

    bool make(const void* what, Array<uint8_t>& value) const noexcept override;

private:
    uint32_t table_of(trie::Owner owner) const noexcept {
        return owner == nullptr ? tables_.accounts : tables_.storages;
    }

    Batch& batch_;
    NodeTables tables_;
};

}  // namespace blockstm::store
