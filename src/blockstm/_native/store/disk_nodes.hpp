// The nodes of a state's tries in two tables, by path: those of the accounts' trie, and those of storage tries
// behind the hash of the address. The length of a path comes first, so that short ones stand together.
#pragma once

#include <mutex>

#include "base/atomics.hpp"
#include "store/batch.hpp"
#include "store/snapshot.hpp"
#include "trie/node.hpp"
#include "trie/node_source.hpp"

namespace blockstm::store {

struct NodeTables {
    uint32_t accounts, storages;
};

// The key of a node.
class NodeKey {
public:
    NodeKey(trie::Owner owner, trie::Path path) noexcept;
    ByteView view() const noexcept { return {bytes_, size_}; }

private:
    uint8_t bytes_[HASH_SIZE + 1 + HASH_SIZE];
    uint64_t size_;
};

class DiskNodes final : public trie::NodeSource {
public:
    DiskNodes(Snapshot& snapshot, NodeTables tables) noexcept : snapshot_(&snapshot), tables_(tables) {}

    trie::Status read(trie::Owner owner, trie::Path path, Array<uint8_t>& encoding) noexcept override;

    // Under the lock of the store of nodes.
    void move_to(Snapshot& snapshot) noexcept { snapshot_ = &snapshot; }
    uint64_t reads() const noexcept { return reads_.peek(); }
    // What was unreadable first since the last call.
    Failure take_failure() noexcept;

private:
    Snapshot* snapshot_;
    NodeTables tables_;
    Atomic<uint64_t> reads_{0};
    std::mutex failing_;
    Failure failure_;
};

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

    bool make(const void* what, Array<uint8_t>& value) const noexcept override {
        return trie::encode_node(value, static_cast<const trie::Node*>(what));
    }

private:
    uint32_t table_of(trie::Owner owner) const noexcept {
        return owner == nullptr ? tables_.accounts : tables_.storages;
    }

    Batch& batch_;
    NodeTables tables_;
};

}  // namespace blockstm::store
