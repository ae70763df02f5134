"""The native store as Cython sees it: a contents page of the headers here. What each does stands there."""
from libc.stddef cimport size_t
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libcpp cimport bool as cbool

from blockstm._native.abi cimport blockstm_bytes
from blockstm._native.base.array cimport Array
from blockstm._native.base.byte_view cimport ByteView
from blockstm._native.trie.core cimport NodeSink, NodeSource

cdef enum:
    TABLES_MAX = 24

cdef extern from "store/mdbx.hpp" namespace "blockstm::store" nogil:
    const int CODE_OK
    const int CODE_NOT_FOUND
    const int CODE_CORRUPTED
    const int CODE_PAGE_NOT_FOUND
    const int CODE_PANIC
    const int CODE_VERSION
    const int CODE_INVALID
    const int CODE_MAP_FULL
    const int CODE_READERS_FULL
    const int CODE_PAGE_FULL
    const int CODE_CANNOT_EXTEND
    const int CODE_BUSY
    const int CODE_WANTS_RECOVERY
    const int CODE_BAD_CHECKSUM
    const int CODE_BAD_ORDER
    const int CODE_TRUNCATED
    const int CODE_CLOSED
    const size_t FUNCTION_COUNT
    const char* FUNCTION_NAMES[]
    void set_function(size_t index, uintptr_t address) noexcept

    cppclass Mdbx:
        const char* (*liberr2str)(int code) noexcept

    Mdbx library
    void use_library(const Mdbx& installed)

    cppclass TableStat:
        uint32_t page_size
        uint64_t branch_pages
        uint64_t leaf_pages
        uint64_t overflow_pages
        uint64_t entries

cdef extern from "store/environment.hpp" namespace "blockstm::store" nogil:
    cppclass Failure:
        Failure() noexcept
        int code
        uint32_t table
        uint32_t key_size
        uint8_t* key
        int set(int failed) noexcept

    cppclass Environment:
        Environment() noexcept
        int open(
            const char* path, const char* const* names, uint32_t count, cbool read_only, uint64_t size_max,
            uint32_t readers_max, Failure& failure,
        ) noexcept
        int close() noexcept
        void forget() noexcept
        cbool is_open() noexcept
        uint64_t read_ahead(uint64_t begin, uint64_t size) noexcept

cdef extern from "store/snapshot.hpp" namespace "blockstm::store" nogil:
    cppclass Pair:
        ByteView key
        ByteView value

    cppclass PageCount:
        uint64_t page_size
        uint64_t used
        uint64_t free

    cppclass ReaderLock:
        void unlock() noexcept

    cppclass Reader:
        int find(uint32_t table, ByteView key, ByteView& value, Failure& failure) noexcept
        int find_from(uint32_t table, ByteView key, Pair& pair, Failure& failure) noexcept
        int next(uint32_t table, Pair& pair, Failure& failure) noexcept
        int stat(uint32_t table, TableStat& stat) noexcept
        int count_pages(PageCount& count) noexcept
        ReaderLock lock

    cppclass SharedMutex "std::shared_mutex":
        void lock() noexcept
        void unlock() noexcept
        void lock_shared() noexcept
        void unlock_shared() noexcept

    cppclass Snapshot:
        Snapshot() noexcept
        SharedMutex& closing() noexcept
        int open(Environment& environment, uint32_t readers, Failure& failure) noexcept
        void close() noexcept
        cbool renew(Environment& environment) noexcept
        void forget() noexcept
        cbool is_open() noexcept
        uint64_t moment() noexcept
        Reader& take() noexcept

cdef extern from "store/batch.hpp" namespace "blockstm::store" nogil:
    cppclass Batch:
        Batch() noexcept
        cbool put(uint32_t table, ByteView key, ByteView value) noexcept
        cbool remove(uint32_t table, ByteView key) noexcept
        cbool remove_prefix(uint32_t table, ByteView prefix) noexcept
        uint64_t count() noexcept
        void clear() noexcept
        int commit(Environment& environment, Failure& failure) noexcept

cdef extern from "store/disk_nodes.hpp" namespace "blockstm::store" nogil:
    cppclass NodeTables:
        uint32_t accounts
        uint32_t storages
        uint32_t account_rows
        uint32_t slot_rows

    cppclass DiskNodes(NodeSource):
        DiskNodes(Snapshot& snapshot, NodeTables tables) except +
        void move_to(Snapshot& snapshot) noexcept
        uint64_t reads() noexcept
        Failure take_failure() noexcept

cdef extern from "store/node_batch.hpp" namespace "blockstm::store" nogil:
    cppclass BatchOfNodes(NodeSink):
        BatchOfNodes(Batch& batch, NodeTables tables) except +

cdef extern from "store/disk_accounts.hpp" namespace "blockstm::store" nogil:
    cppclass FlatTables:
        uint32_t accounts
        uint32_t slots
        uint32_t codes

    cppclass Count "blockstm::Atomic<uint64_t>":
        uint64_t peek() noexcept

    cppclass ReadCounts:
        Count account_hits
        Count account_misses
        Count slot_hits
        Count slot_misses
        Count code_hits
        Count code_misses

    cppclass DiskAccounts:
        cbool open(Snapshot& snapshot, FlatTables tables, uint64_t cache_bytes) noexcept
        int stage(ByteView records, Array[uint8_t]& undo, Failure& failure) noexcept
        void take_staged() noexcept
        cbool put_code(ByteView hash, ByteView code) noexcept
        int slot(const uint8_t* address_and_slot, uint8_t* value, Failure& failure) noexcept
        void prefetch(const uint8_t* address) noexcept
        void prefetch_changed(ByteView records) noexcept
        void freeze() noexcept
        cbool fill(Batch& batch) noexcept
        void rebase(Snapshot& snapshot) noexcept
        cbool thaw() noexcept
        uint64_t pending_memory() noexcept
        ReadCounts counts

cdef extern from "store/pages_ahead.hpp" namespace "blockstm::store" nogil:
    const uint32_t SNAPSHOT_READERS_MAX

    cppclass TouchedPages "blockstm::store::PagesAhead":
        TouchedPages(FlatTables flat, NodeTables nodes) except +
        uint64_t touch(Snapshot& snapshot, ByteView addresses, ByteView slots) noexcept
        uint64_t touch_changed(Snapshot& snapshot, ByteView records) noexcept

cdef extern from "store/disk_reading.hpp" namespace "blockstm::store" nogil:
    cppclass DiskReading:
        DiskReading() noexcept
        DiskAccounts accounts
        Failure take_failure() noexcept

    int32_t read_location(void* context, const uint8_t* key, uint64_t size, blockstm_bytes* value) noexcept
