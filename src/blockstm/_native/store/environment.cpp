#include "store/environment.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace blockstm::store {
namespace {

constexpr intptr_t SIZE_MIN = 1 << 20;
constexpr intptr_t GROWTH = 32 << 20;
constexpr intptr_t SHRINKING = 256 << 20;
constexpr intptr_t PAGE_SIZE = 4096;
constexpr mode_t MODE = 0640;
constexpr uint64_t DIRTY_PAGES_MAX = 16'384;  // 64 MiB in memory; a commit that changes more writes some ahead

// libmdbx makes its table of readers a sparse file and reaches it through a map: where the disk has no room for a page
// of it, touching that page ends the process. Takes the room first, without a change of the file's size; of a store
// that is yet to be made only tries whether it is there, as libmdbx begins with no such file. errno.
int reserve_readers(const char* path, bool read_only, uint32_t readers_max) noexcept {
#ifdef FALLOC_FL_KEEP_SIZE
    constexpr off_t HEADER_SIZE = 4096, READER_SIZE = 32;
    const int folder = ::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return 0;  // opening the environment tells
    struct stat data;
    const bool is_there = fstatat(folder, "mdbx.dat", &data, 0) == 0;
    const int making = is_there ? O_CREAT : O_CREAT | O_EXCL;
    const int table = is_there || !read_only ? openat(folder, "mdbx.lck", O_RDWR | O_CLOEXEC | making, MODE) : -1;
    int failed = 0;
    if (table >= 0) {
        const off_t size = HEADER_SIZE + READER_SIZE * static_cast<off_t>(readers_max);
        if (fallocate(table, FALLOC_FL_KEEP_SIZE, 0, size) != 0) failed = errno;
        ::close(table);
        if (!is_there) unlinkat(folder, "mdbx.lck", 0);
    }
    ::close(folder);
    return failed == ENOSPC || failed == EDQUOT ? failed : 0;
#else
    static_cast<void>(path), static_cast<void>(read_only), static_cast<void>(readers_max);
    return 0;
#endif
}

}  // namespace

int Environment::open(const char* path, const char* const* names, uint32_t count, bool read_only,
                      uint64_t size_max, uint32_t readers_max, Failure& failure) noexcept {
    count_ = count;
    int code = reserve_readers(path, read_only, readers_max);
    if (code == CODE_OK) code = library.env_create(&env_);
    if (code != CODE_OK) {
        env_ = nullptr;
        return failure.set(code);
    }
    code = library.env_set_maxdbs(env_, TABLES_MAX);
    if (code == CODE_OK) code = library.env_set_option(env_, OPTION_READERS_MAX, readers_max);
    if (code == CODE_OK && !read_only) code = library.env_set_option(env_, OPTION_DIRTY_PAGES_MAX, DIRTY_PAGES_MAX);
    if (code == CODE_OK && !read_only) {
        code = library.env_set_geometry(env_, SIZE_MIN, -1, static_cast<intptr_t>(size_max), GROWTH, SHRINKING,
                                        PAGE_SIZE);
    }
    const uint32_t flags = ENV_VALIDATION | ENV_NO_STICKY_THREADS | ENV_NO_READ_AHEAD |
                           (read_only ? ENV_READ_ONLY : ENV_LIFO_RECLAIM);
    if (code == CODE_OK) code = library.env_open(env_, path, flags, MODE);
    if (code == CODE_OK) code = check_size();
    if (code == CODE_OK) code = open_tables(names, read_only);
    if (code != CODE_OK) {
        library.env_close_ex(env_, true);
        env_ = nullptr;
    }
    return failure.set(code);
}

int Environment::close() noexcept {
    if (env_ == nullptr) return CODE_OK;
    MDBX_env* const env = env_;
    env_ = nullptr;
    return library.env_close_ex(env, false);
}

// A page behind the end of the file would end the process when it is read through the map.
int Environment::check_size() noexcept {
    EnvironmentInfo info{};
    int descriptor;
    struct stat file;
    int code = library.env_get_fd(env_, &descriptor);
    if (code != CODE_OK) return code;
    if (fstat(descriptor, &file) != 0) return errno;
    MDBX_txn* txn = nullptr;
    code = library.txn_begin_ex(env_, nullptr, TXN_READ_ONLY, &txn, nullptr);
    if (code != CODE_OK) return code;
    code = library.env_info_ex(env_, txn, &info, sizeof info);
    library.txn_abort(txn);
    if (code != CODE_OK) return code;
    const uint64_t needed = (info.last_page + 1) * info.page_size;
    return static_cast<uint64_t>(file.st_size) < needed ? CODE_TRUNCATED : CODE_OK;
}

uint64_t Environment::read_ahead(uint64_t begin, uint64_t size) noexcept {
    int descriptor;
    struct stat file;
    if (library.env_get_fd(env_, &descriptor) != CODE_OK || fstat(descriptor, &file) != 0) return 0;
    const auto end = static_cast<uint64_t>(file.st_size);
    if (begin >= end) return 0;
    size = std::min(size, end - begin);
#ifdef POSIX_FADV_WILLNEED
    if (posix_fadvise(descriptor, static_cast<off_t>(begin), static_cast<off_t>(size), POSIX_FADV_WILLNEED) != 0) {
        return 0;
    }
#endif
    uint8_t last;  // it is there when those before it are, about
    return pread(descriptor, &last, 1, static_cast<off_t>(begin + size - 1)) == 1 ? size : 0;
}

int Environment::open_tables(const char* const* names, bool read_only) noexcept {
    MDBX_txn* txn = nullptr;
    int code = library.txn_begin_ex(env_, nullptr, read_only ? TXN_READ_ONLY : TXN_READ_WRITE, &txn, nullptr);
    if (code != CODE_OK) return code;
    for (uint32_t table = 0; table < count_; ++table) {
        code = library.dbi_open(txn, names[table], read_only ? 0 : TABLE_CREATE, &dbis_[table]);
        has_[table] = code == CODE_OK;
        if (code == CODE_NOT_FOUND && read_only) code = CODE_OK;
        if (code != CODE_OK) {
            library.txn_abort(txn);
            return code;
        }
    }
    return library.txn_commit_ex(txn, nullptr);
}

}  // namespace blockstm::store
