// Code that was met before, shared by all workers and blocks: by hash and variant (code.hpp).
//
// Bounded in bytes. Sixty-four shards, each under a lock of its own; what has not been asked for lately goes first,
// but only for what is asked for more often: codes that are met once, or in turn with more others than there is room
// for, would else drive out all that is kept before any of it is met again. Entries are counted: the cache, and every
// worker that uses one, hold a reference, so that an entry that was dropped lives until the last transaction that runs
// it has ended.
//
// Hot code must not make sixteen workers write to one cache line, so each worker keeps a `CodeFront`: a
// small table of codes it holds references to across transactions. Only a miss there meets the cache.
//
// CodeCache: any thread. CodeFront: one thread. A code hash commits to the bytes, so that what is cached
// is right whatever becomes of the transaction that asked.
#pragma once

#include <mutex>

#include "base/atomics.hpp"
#include "base/bytes.hpp"
#include "base/fork_locks.hpp"
#include "evm/compile/code.hpp"
#include "evm/compile/frequencies.hpp"
#include "evm/forks/forks.hpp"

namespace blockstm::evm {

struct CodeKey {
    Hash32 hash;
    Variant variant;
};

struct CachedCode {
    Code* code;
    uint64_t key_hash;
    uint64_t counted;                    // bytes, as the shard last counted them; under its lock
    Atomic<bool> was_used;               // since the clock's hand came by
    bool is_cached;                      // not yet dropped; likewise
    Atomic<uint32_t> references;
};

// What a cached code takes.
struct CodeListing {
    CodeKey key;
    uint64_t size;  // of the code
    Footprint footprint;
};

class CodeCache {
public:
    static constexpr uint64_t LIMIT_BYTES = uint64_t{256} << 20;

    explicit CodeCache(uint64_t limit_bytes = LIMIT_BYTES) noexcept;
    ~CodeCache();
    CodeCache(const CodeCache&) = delete;
    CodeCache& operator=(const CodeCache&) = delete;

    // Each with a reference for the caller; null where there is none, or no memory.
    CachedCode* find(const CodeKey& key) noexcept;
    CachedCode* add(Code* code) noexcept;  // takes it over; what is there already wins
    // Counts again what an entry holds that the caller has a reference to: code grows when it is run.
    void count_again(CachedCode* entry) noexcept;

    void set_limit(uint64_t bytes) noexcept;
    uint64_t bytes() noexcept;  // as of now, what code has grown by included
    uint64_t count() noexcept;
    bool list(Array<CodeListing>& listed) noexcept;  // all codes, in no order; false where memory ran out

    static void release(CachedCode* entry) noexcept;

private:
    static constexpr int SHARD_BITS = 6;
    static constexpr int SHARDS = 1 << SHARD_BITS;

    // Open addressing; a removed entry is closed up behind, so that there are no tombstones.
    struct Shard {
        ForkMutex lock;
        CachedCode** entries = nullptr;
        uint64_t capacity = 0;
        uint64_t count = 0;
        uint64_t bytes = 0;
        uint64_t hand = 0;
        Frequencies frequencies;  // since half of its room is taken: before, nobody has to go for another
    };

    Shard& shard_of(uint64_t key_hash) noexcept { return shards_[key_hash >> (64 - SHARD_BITS)]; }
    static uint64_t place_of(const Shard& shard, uint64_t key_hash, const CodeKey& key) noexcept;
    static bool reserve(Shard& shard) noexcept;
    static void remove(Shard& shard, uint64_t place) noexcept;
    static void recount(Shard& shard, CachedCode* entry) noexcept;
    static void recount_all(Shard& shard) noexcept;
    void make_room(Shard& shard, const CachedCode* kept) noexcept;
    void admit(Shard& shard, CachedCode* entry, const CodeKey& key) noexcept;
    static CachedCode* next_victim(Shard& shard, const CachedCode* kept, uint64_t& steps) noexcept;

    Shard shards_[SHARDS];
    Atomic<uint64_t> shard_limit_;
};

// The cache of this process.
CodeCache& shared_codes() noexcept;

class CodeFront {
public:
    CodeFront() noexcept = default;
    CodeFront(const CodeFront&) = delete;
    CodeFront& operator=(const CodeFront&) = delete;
    ~CodeFront();

    // Null where neither the front nor the cache has it.
    const Code* find(const CodeKey& key) noexcept;
    // Takes the code over and puts it into the cache, too; null where memory ran out.
    const Code* add(Code* code) noexcept;
    // The transaction is over: what it used and the front has no room for may go.
    void end() noexcept;

private:
    static constexpr uint64_t PLACES = 256;
    static constexpr uint64_t KEPT_BYTES = uint64_t{32} << 20;

    CachedCode*& place_of(const CodeKey& key) noexcept;
    const Code* keep(CachedCode* entry, const CodeKey& key) noexcept;
    void empty_if_large() noexcept;

    CachedCode* places_[PLACES] = {};
    Array<CachedCode*> displaced_;  // still used by the transaction
    Array<CachedCode*> fresh_;      // first used by it
    uint64_t kept_since_check_ = 0;
};

}  // namespace blockstm::evm
