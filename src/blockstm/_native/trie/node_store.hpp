// What the tries of one state share: encoded nodes by their hash (a witness, or what a database gave), the
// memory of decoded nodes, and the one lock that all of it is used under.
//
// Threads: any; everything but `lock` and `try_lock` needs the lock, the functions of Trie and Accounts too.
// The thread that has the lock may share work on nodes with helper threads, each with a space of its own.
#pragma once

#include <memory>
#include <mutex>

#include "base/fork_locks.hpp"
#include "base/threads.hpp"
#include "trie/refresher.hpp"

namespace blockstm::trie {

class NodeStore;

// What one thread needs to work on a store's nodes. A node that was made in one space may be changed and
// freed in another, as they end with the store, all of them.
class Space {
public:
    explicit Space(NodeStore& store) noexcept : store_(store) {}
    Space(const Space&) = delete;
    Space& operator=(const Space&) = delete;

    // `node`, which is unresolved and stands at `depth`, becomes the node that has its hash. Where that fails
    // `blamed` says which.
    Status resolve(Node*& node, uint32_t depth, bool is_below_extension) noexcept;

    Pool pool;
    Refresher refresher;
    uint8_t blamed[HASH_SIZE] = {};

private:
    const NodeStore& store_;
};

class NodeStore {
public:
    NodeStore() noexcept : space_(*this) {}
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

    // The space of the thread that has the lock (0), and of its helpers, as many as were prepared.
    Space& space(uint32_t thread = 0) noexcept { return thread == 0 ? space_ : *helpers_[thread - 1]; }
    bool prepare_spaces(uint32_t threads) noexcept;  // false: out of memory

    // See Refresher::refresh. `threads` share what is much.
    bool refresh(Node* const* tops, uint64_t count, uint32_t threads) noexcept;

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
    Space space_;
    Refresher upper_;  // of what is above the parts
    std::unique_ptr<Space> helpers_[THREADS_MAX - 1];
    ForkMutex mutex_;
};

}  // namespace blockstm::trie
