// One moment of an environment, whatever is committed later.
//
// A Reader is one read transaction, which one thread at a time may use: it has a lock. A Snapshot has several of
// the same moment, so that as many threads can read at once, and gives a thread the next free one.
//
// Bytes that are found lie in the map of the file and stay as they are until the snapshot is closed.
#pragma once

#include <mutex>
#include <shared_mutex>

#include "base/atomics.hpp"
#include "store/environment.hpp"

namespace blockstm::store {

inline constexpr uint32_t SNAPSHOT_READERS_MAX = 16;

struct Pair {
    ByteView key, value;
};

struct PageCount {
    uint64_t page_size, used, free;
};

class Reader {
public:
    // CODE_OK and the value; CODE_NOT_FOUND; anything else: it cannot be said, see `failure`.
    int find(uint32_t table, ByteView key, ByteView& value, Failure& failure) noexcept;
    // The first pair at or behind `key`, the next one behind the last that was given, the last one of the table.
    int find_from(uint32_t table, ByteView key, Pair& pair, Failure& failure) noexcept;
    int next(uint32_t table, Pair& pair, Failure& failure) noexcept;
    int last(uint32_t table, Pair& pair, Failure& failure) noexcept;
    // Looks at the page where a key is, or would be; whether it is there as far as that tells, which is not checked.
    bool touch(uint32_t table, ByteView key) noexcept;
    int stat(uint32_t table, TableStat& stat) noexcept;
    // The pages of the file that were ever used, and those of them that nothing is in now.
    int count_pages(PageCount& count) noexcept;

    int begin(const Environment& environment) noexcept;
    void end() noexcept;
    // Goes on with another transaction, and takes over to end it. Pre: nobody reads.
    void go_on(MDBX_txn* txn) noexcept;
    uint64_t moment() const noexcept { return library.txn_id(txn_); }

    std::mutex lock;

private:
    int cursor_of(uint32_t table, MDBX_cursor*& cursor) noexcept;
    int move(uint32_t table, int operation, ByteView from, Pair& pair, Failure& failure) noexcept;
    int check_absent(uint32_t table, MDBX_cursor* cursor, ByteView key, int code, const Value& found_key,
                     const Value& found, Failure& failure) noexcept;
    int check_order(uint32_t table, MDBX_cursor* cursor, int operation, ByteView from, Failure& failure) noexcept;

    const Environment* environment_ = nullptr;
    MDBX_txn* txn_ = nullptr;
    MDBX_cursor* cursors_[TABLES_MAX] = {};
};

class Snapshot {
public:
    Snapshot() noexcept = default;
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;
    ~Snapshot() { close(); }

    // With up to `readers` readers, of which there may be fewer where the environment has no room for them, or
    // another process wrote meanwhile.
    int open(Environment& environment, uint32_t readers, Failure& failure) noexcept;
    void close() noexcept;
    // Sees what there is now, so that pages which only an earlier moment has can be used again. Where there is no
    // room for that, or it is closed, it stays as it is. Pre: nobody keeps bytes that were found without `closing`.
    bool renew(Environment& environment) noexcept;
    // In a forked child, see Environment::forget.
    void forget() noexcept { count_ = 0; }

    bool is_open() const noexcept { return count_ != 0; }
    uint64_t moment() const noexcept { return readers_[0].moment(); }

    // Shared by who reads, or keeps what he read; exclusively where it is closed.
    std::shared_mutex& closing() noexcept { return closing_; }

    // A free reader, locked; give it back by unlocking it. Pre: it is open.
    Reader& take() noexcept;

private:
    uint32_t count_ = 0;
    Atomic<uint32_t> turn_{0};  // which reader is tried first
    std::shared_mutex closing_;
    Reader readers_[SNAPSHOT_READERS_MAX];
};

}  // namespace blockstm::store
