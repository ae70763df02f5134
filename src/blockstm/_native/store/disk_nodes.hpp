// The nodes of a state's tries. Those above many entries stand in two tables, by path: those of the accounts' trie,
// and those of storage tries behind the hash of the address; the length of a path comes first, so that short ones
// stand together, and the weights of what is below them last. All others are made of the accounts and slots, which
// stand in the order of the tries: see store/flat_values.hpp.
#pragma once

#include <mutex>

#include "base/atomics.hpp"
#include "store/snapshot.hpp"
#include "trie/node_source.hpp"

namespace blockstm::store {

struct NodeTables {
    uint32_t accounts, storages;        // of nodes
    uint32_t account_rows, slot_rows;  // of what they are made of
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

    trie::Status read(trie::Owner owner, trie::Path path, trie::NodeReading& reading) noexcept override;

    // Under the lock of the store of nodes.
    void move_to(Snapshot& snapshot) noexcept {
        snapshot_ = &snapshot;
        ++moves_;
    }
    uint64_t reads() const noexcept { return reads_.peek(); }
    // What was unreadable first since the last call.
    Failure take_failure() noexcept;

private:
    trie::Status read_by(Reader& reader, trie::Owner owner, trie::Path path, trie::NodeReading& reading,
                         Failure& failure) noexcept;
    trie::Status find(Reader& reader, trie::Owner owner, trie::Path path, trie::NodeReading& reading,
                      Failure& failure) noexcept;
    trie::Status derive(Reader& reader, trie::Owner owner, trie::Path path, trie::NodeReading& reading,
                        Failure& failure) noexcept;
    trie::Status unreadable(const Failure& failure) noexcept;

    Snapshot* snapshot_;
    uint64_t moves_ = 0;  // what was read before one is of another state
    NodeTables tables_;
    Atomic<uint64_t> reads_{0};
    std::mutex failing_;
    Failure failure_;
};

}  // namespace blockstm::store
