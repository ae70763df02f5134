// The functions of libmdbx that the store calls: one table of C pointers with the signatures of its manual. The
// package `libmdbx` brings the library; `blockstm.chain.mdbx_library` finds it and fills the table through
// environment.pyx before the first use. From then on it is read-only; any thread calls through it without the GIL.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

struct MDBX_env;
struct MDBX_txn;
struct MDBX_cursor;

namespace blockstm::store {

using Dbi = uint32_t;

struct Value {
    void* data;
    size_t size;
};

struct TableStat {
    uint32_t page_size, depth;
    uint64_t branch_pages, leaf_pages, overflow_pages, entries, changed_by;
};

// The start of what mdbx_env_info_ex tells: as much as its oldest versions have, which newer ones still take.
struct EnvironmentInfo {
    struct {
        uint64_t lower, upper, current, shrink, grow;
    } geometry;
    uint64_t map_size, last_page, last_transaction, oldest_reader, own_oldest_reader;
    uint64_t metas[6];
    uint32_t readers_max, readers, page_size, system_page_size;
};
static_assert(sizeof(EnvironmentInfo) == 144);

// Flags of an environment, of a transaction, of a table, of a put; operations of a cursor.
inline constexpr uint32_t ENV_VALIDATION = 0x2000;  // pages are checked before they are used
inline constexpr uint32_t ENV_READ_ONLY = 0x20000;
inline constexpr uint32_t ENV_NO_STICKY_THREADS = 0x200000;
inline constexpr uint32_t ENV_NO_READ_AHEAD = 0x800000;
inline constexpr uint32_t ENV_LIFO_RECLAIM = 0x4000000;
inline constexpr uint32_t TXN_READ_WRITE = 0;
inline constexpr uint32_t TXN_READ_ONLY = ENV_READ_ONLY;
inline constexpr uint32_t TXN_TRY = 0x10000000;
inline constexpr Dbi DBI_OF_FREE_PAGES = 0;
inline constexpr uint32_t TABLE_CREATE = 0x40000;
inline constexpr uint32_t PUT_UPSERT = 0;
inline constexpr int AT_CURRENT = 4, AT_LAST = 6, TO_NEXT = 8, TO_PREVIOUS = 12, TO_LOWER_BOUND = 19;
inline constexpr int OPTION_READERS_MAX = 1, OPTION_DIRTY_PAGES_MAX = 7;

// What its functions return: 0, one of these, or an errno of the system, which is positive.
enum Code : int {
    CODE_OK = 0,
    CODE_TRUE = -1,  // a lower bound that is not the key itself
    CODE_NOT_FOUND = -30798,
    CODE_PAGE_NOT_FOUND = -30797,
    CODE_CORRUPTED = -30796,
    CODE_PANIC = -30795,
    CODE_VERSION = -30794,
    CODE_INVALID = -30793,
    CODE_MAP_FULL = -30792,
    CODE_READERS_FULL = -30790,
    CODE_PAGE_FULL = -30786,
    CODE_CANNOT_EXTEND = -30785,
    CODE_BUSY = -30778,
    CODE_WANTS_RECOVERY = -30419,
    // Ours:
    CODE_BAD_CHECKSUM = 1'000'001,  // a value is not what was put
    CODE_BAD_ORDER = 1'000'002,     // keys stand where a search would not find them
    CODE_TRUNCATED = 1'000'003,     // the file ends before its last page
    CODE_CLOSED = 1'000'004,        // the snapshot was closed meanwhile
};

#define BLOCKSTM_MDBX_FUNCTIONS(FUNCTION)                                                                            \
    FUNCTION(env_create, int, (MDBX_env * *env))                                                                     \
    FUNCTION(env_set_geometry, int,                                                                                  \
             (MDBX_env * env, intptr_t lower, intptr_t now, intptr_t upper, intptr_t growth, intptr_t shrink,        \
              intptr_t page_size))                                                                                   \
    FUNCTION(env_set_option, int, (MDBX_env * env, int option, uint64_t value))                                      \
    FUNCTION(env_set_maxdbs, int, (MDBX_env * env, Dbi count))                                                       \
    FUNCTION(env_open, int, (MDBX_env * env, const char* path, uint32_t flags, mode_t mode))                         \
    FUNCTION(env_close_ex, int, (MDBX_env * env, bool without_sync))                                                 \
    FUNCTION(env_info_ex, int, (const MDBX_env* env, const MDBX_txn* txn, EnvironmentInfo* info, size_t size))        \
    FUNCTION(env_get_fd, int, (const MDBX_env* env, int* descriptor))                                                \
    FUNCTION(txn_begin_ex, int, (MDBX_env * env, MDBX_txn * parent, uint32_t flags, MDBX_txn * *txn, void* context)) \
    FUNCTION(txn_commit_ex, int, (MDBX_txn * txn, void* latency))                                                    \
    FUNCTION(txn_abort, int, (MDBX_txn * txn))                                                                       \
    FUNCTION(txn_id, uint64_t, (const MDBX_txn* txn))                                                                \
    FUNCTION(dbi_open, int, (MDBX_txn * txn, const char* name, uint32_t flags, Dbi* dbi))                            \
    FUNCTION(dbi_stat, int, (const MDBX_txn* txn, Dbi dbi, TableStat* stat, size_t size))                            \
    FUNCTION(cursor_open, int, (MDBX_txn * txn, Dbi dbi, MDBX_cursor * *cursor))                                     \
    FUNCTION(cursor_close, void, (MDBX_cursor * cursor))                                                             \
    FUNCTION(cursor_get, int, (MDBX_cursor * cursor, Value * key, Value * data, int operation))                      \
    FUNCTION(cursor_ignord, int, (MDBX_cursor * cursor))                                                             \
    FUNCTION(cursor_put, int, (MDBX_cursor * cursor, const Value* key, Value* data, uint32_t flags))                 \
    FUNCTION(cursor_del, int, (MDBX_cursor * cursor, uint32_t flags))                                                \
    FUNCTION(liberr2str, const char*, (int code))

#define BLOCKSTM_MEMBER(name, result, arguments) result(*name) arguments = nullptr;
struct Mdbx {
    BLOCKSTM_MDBX_FUNCTIONS(BLOCKSTM_MEMBER)
};
#undef BLOCKSTM_MEMBER

inline Mdbx library;

// Has this extension module's table be that of another one, before the first of its threads reads it.
inline void use_library(const Mdbx& installed) noexcept {
    [[maybe_unused]] static const bool once = (library = installed, true);
}

#define BLOCKSTM_NAME(name, result, arguments) "mdbx_" #name,
inline constexpr const char* FUNCTION_NAMES[] = {BLOCKSTM_MDBX_FUNCTIONS(BLOCKSTM_NAME)};
#undef BLOCKSTM_NAME
inline constexpr size_t FUNCTION_COUNT = sizeof FUNCTION_NAMES / sizeof *FUNCTION_NAMES;

// For filling the table, with the GIL held.
inline void set_function(size_t index, uintptr_t address) noexcept {
    reinterpret_cast<uintptr_t*>(&library)[index] = address;
}

}  // namespace blockstm::store
