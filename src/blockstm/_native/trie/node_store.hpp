// What the tries of one state share: encoded nodes by their hash (a witness), or a source of nodes (a
// database), the memory of decoded nodes, and the one lock that all of it is used under.
//
// Threads: any; everything but `lock` and `try_lock` needs the lock, the functions of Trie and Accounts too.
// The thread that has the lock may share work on nodes with helper threads, each with a space of its own.
#pragma once

#include <memory>
#include <mutex>
#include <span>

#include "base/fork_locks.hpp"
#include "base/threads.hpp"
#include "crypto/keccak.hpp"
#include "trie/node_source.hpp"
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

    // `node`, which is unresolved and stands at `path` of the owner's trie, becomes the node that has its hash.
    // Where that fails `blamed` says which.
    Status resolve(Node*& node, Path path, bool is_below_extension) noexcept;

    // A node that the source may have at `path` of the owner's trie is no more. False: out of memory.
    bool note_stale(Path path) noexcept;

    Pool pool;
    Refresher refresher;
    Owner owner = nullptr;  // whose trie the thread works on; matters to a source only
    Array<StalePlace> stale;
    uint8_t blamed[HASH_SIZE] = {};
    uint64_t met = 0;   // nodes that ways down have led through, so far
    uint64_t read = 0;  // of these, nodes that the source was asked for

private:
    Status find(Path path, Weight weight, Bytes& encoding) noexcept;

    const NodeStore& store_;
    NodeReading reading_;
};

// The trie that a thread works on, until the end of a scope.
class OwnerScope {
public:
    OwnerScope(Space& space, Owner owner) noexcept : space_(space), before_(space.owner) { space.owner = owner; }
    ~OwnerScope() { space_.owner = before_; }

private:
    Space& space_;
    Owner before_;
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

    // Whatever they are: only what is reached gets decoded. What `encodings` point to outlives the store; the list
    // itself is taken or copied. `others` are hashed by the way, in an order of their own. `threads` share what is
    // much. False: out of memory.
    bool add_all(Array<Bytes>& encodings, std::span<KeccakTask> others, uint32_t threads) noexcept;
    bool find(const uint8_t hash[HASH_SIZE], Bytes& encoding) const noexcept;
    uint64_t count() const noexcept { return encodings_.size(); }

    // Where nodes are read that were not added; none by default. Set before the first trie is opened, it outlives
    // the store.
    void set_source(NodeSource* source) noexcept { source_ = source; }
    NodeSource* source() const noexcept { return source_; }

    // Before the first trie is opened: the store that nodes take large chunks of memory from.
    void set_chunks(const ChunkStore* store) noexcept { space_.pool.set_store(store); }

    // What the nodes take, in bytes, those that were added apart.
    uint64_t memory() noexcept {
        uint64_t sum = 0;
        each_space([&](Space& each) noexcept { sum += each.pool.memory(); });
        return sum;
    }
    // Of that, what nodes are in now.
    uint64_t in_use() noexcept {
        uint64_t sum = 0;
        each_space([&](Space& each) noexcept { sum += each.pool.in_use(); });
        return sum;
    }

    // How many nodes ways down have led through so far, and how many of them the source was asked for.
    uint64_t met() noexcept { return sum_of(&Space::met); }
    uint64_t read() noexcept { return sum_of(&Space::read); }

    // Calls `act(space)` with each space there is.
    template <class Act>
    void each_space(Act act) noexcept {
        act(space_);
        for (auto& helper : helpers_) {
            if (helper != nullptr) act(*helper);
        }
    }

    // The space of the thread that has the lock (0), and of its helpers, as many as were prepared.
    Space& space(uint32_t thread = 0) noexcept { return thread == 0 ? space_ : *helpers_[thread - 1]; }
    bool prepare_spaces(uint32_t threads) noexcept;  // false: out of memory

    // See Refresher::refresh. `threads` share what is much.
    bool refresh(Node* const* tops, uint64_t count, uint32_t threads) noexcept;

private:
    struct Hash {
        uint8_t bytes[HASH_SIZE];
    };
    // The table of places in the lists of nodes: a free one is 0, else above 32 bits of the hash stands the place
    // and one. A witness has tens of thousands of nodes, and each page of fresh memory costs as much as hashing ten.
    using Slot = uint64_t;

    uint64_t sum_of(uint64_t Space::*count) noexcept {
        uint64_t sum = 0;
        each_space([&](Space& each) noexcept { sum += each.*count; });
        return sum;
    }

    Slot* slot_of(const uint8_t hash[HASH_SIZE]) const noexcept;
    bool reserve(uint64_t count) noexcept;
    void hash_all(uint64_t first, std::span<KeccakTask> others, uint32_t threads) noexcept;
    void hash_nodes(uint64_t begin, uint64_t end) noexcept;
    bool enter(uint64_t place) noexcept;

    Array<Bytes> encodings_;  // in the order in which they came, each once
    Array<Hash> hashes_;      // of each
    Slot* slots_ = nullptr;
    uint64_t capacity_ = 0;   // of it: a power of two, or none yet
    NodeSource* source_ = nullptr;
    Space space_;
    Refresher upper_;  // of what is above the parts
    std::unique_ptr<Space> helpers_[THREADS_MAX - 1];
    ForkMutex mutex_;
};

}  // namespace blockstm::trie
