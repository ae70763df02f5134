// What the tries of one state share: encoded nodes by their hash (a witness, or what a database gave), the
// memory of decoded nodes, and the one lock that all of it is used under.
//
// Threads: any; everything but `lock` and `try_lock` needs the lock, the functions of Trie and Accounts too.
#pragma once

#include <mutex>

#include "trie/refresher.hpp"

namespace blockstm::trie {

class NodeStore {
public:
    NodeStore() noexcept = default;
    NodeStore(const NodeStore&) = delete;
    NodeStore& operator=(const NodeStore&) = delete;
    ~NodeStore();

    void lock() noexcept { mutex_.lock(); }
    bool try_lock() noexcept { return mutex_.try_lock(); }
    void unlock() noexcept { mutex_.unlock(); }

    // Keeps a copy, whatever it is: only what is reached gets decoded. False: out of memory.
    bool add(Bytes encoding) noexcept;
    bool find(const uint8_t hash[HASH_SIZE], Bytes& encoding) const noexcept;
    uint64_t count() const noexcept { return count_; }

    // `node`, which is unresolved and stands at `depth`, becomes the node that has its hash. Where that fails
    // `blamed` says which.
    Status resolve(Node*& node, uint32_t depth, bool is_below_extension) noexcept;

    Pool pool;
    Refresher refresher;
    uint8_t blamed[HASH_SIZE] = {};

private:
    struct Entry {
        uint8_t hash[HASH_SIZE];
        const uint8_t* data;  // null where the entry is free
        uint64_t size;
    };

    Entry* place_of(const uint8_t hash[HASH_SIZE]) const noexcept;
    bool grow() noexcept;

    Entry* entries_ = nullptr;
    uint64_t capacity_ = 0;  // a power of two, or none yet
    uint64_t count_ = 0;
    std::mutex mutex_;
};

}  // namespace blockstm::trie
