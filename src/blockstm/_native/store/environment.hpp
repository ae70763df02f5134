// A database of named, ordered tables in a folder, opened once by a process.
//
// Threads: any thread may begin snapshots (snapshot.hpp) while one writes (batch.hpp); `open` and `close` exclude
// everything else, which the caller sees to. A forked child must not touch what its parent opened.
#pragma once

#include <mutex>

#include "base/array.hpp"
#include "base/byte_view.hpp"
#include "store/mdbx.hpp"

namespace blockstm::store {

inline constexpr uint32_t TABLES_MAX = 24;
inline constexpr uint64_t KEY_SIZE_KEPT = 64;

// What went wrong, and where: enough for a message that names what is damaged.
struct Failure {
    int code = CODE_OK;
    uint32_t table = UINT32_MAX;  // where it is about one
    uint32_t key_size = 0;
    uint8_t key[KEY_SIZE_KEPT];  // its first bytes

    bool is_none() const noexcept { return code == CODE_OK; }
    int set(int failed, uint32_t which, ByteView at) noexcept {
        code = failed;
        table = which;
        key_size = static_cast<uint32_t>(at.size() < KEY_SIZE_KEPT ? at.size() : KEY_SIZE_KEPT);
        put_bytes(key, at.first(key_size));
        return code;
    }
    int set(int failed) noexcept { return set(failed, UINT32_MAX, {}); }
};

class Environment {
public:
    Environment() noexcept = default;
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

    // The tables by their names, made where they are not there yet, unless the environment is read-only: then
    // one that is not there stays empty. A Code.
    int open(const char* path, const char* const* names, uint32_t count, bool read_only, uint64_t size_max,
             uint32_t readers_max, Failure& failure) noexcept;
    int close() noexcept;
    // Of a forked child: nothing is given back, as all of it is the parent's.
    void forget() noexcept { env_ = nullptr; }

    bool is_open() const noexcept { return env_ != nullptr; }
    MDBX_env* handle() const noexcept { return env_; }
    uint32_t count() const noexcept { return count_; }
    bool has(uint32_t table) const noexcept { return has_[table]; }
    Dbi dbi(uint32_t table) const noexcept { return dbis_[table]; }

    // Has the system read a part of the file into memory, all of it at once, and waits for that; how many bytes there
    // are of it, 0 behind the end, or where it cannot be read.
    uint64_t read_ahead(uint64_t begin, uint64_t size) noexcept;

    // Held while snapshots of one moment are begun, and while a batch becomes visible.
    std::mutex& moment() noexcept { return moment_; }

private:
    int open_tables(const char* const* names, bool read_only) noexcept;
    int check_size() noexcept;

    MDBX_env* env_ = nullptr;
    uint32_t count_ = 0;
    Dbi dbis_[TABLES_MAX] = {};
    bool has_[TABLES_MAX] = {};
    std::mutex moment_;
};

}  // namespace blockstm::store
