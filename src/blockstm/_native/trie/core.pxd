"""The native tries as Cython sees them: a contents page of the headers here. What each does stands there."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libcpp cimport bool as cbool

from blockstm._native.base.array cimport Array
from blockstm._native.base.byte_view cimport ByteView as Bytes
from blockstm._native.base.chunks cimport ChunkStore

cdef enum:
    HASH_SIZE = 32
    KEY_SIZE_MAX = 255

cdef extern from "trie/status.hpp" namespace "blockstm::trie" nogil:
    enum class Status:
        Ok
        Missing
        Malformed
        OutOfMemory
        Unreadable
        BadInput

cdef extern from "trie/batch.hpp" namespace "blockstm::trie" nogil:
    cppclass HashBatch:
        HashBatch() noexcept
        void add(Bytes bytes, uint8_t* out) noexcept
        void finish() noexcept

cdef extern from "trie/builder.hpp" namespace "blockstm::trie" nogil:
    cppclass Builder:
        Builder() noexcept
        cbool reserve(uint64_t count) noexcept
        cbool add(Bytes key, Bytes value) noexcept
        Status root(uint8_t* out) noexcept

cdef extern from "trie/ordered_root.hpp" namespace "blockstm::trie" nogil:
    Status ordered_root(const Bytes* items, uint64_t count, uint32_t threads, uint8_t* out) noexcept

cdef extern from "trie/account.hpp" namespace "blockstm::trie" nogil:
    cppclass Account:
        Account() noexcept
        uint64_t nonce
        uint8_t* balance
        uint8_t* storage_root
        uint8_t* code_hash

cdef extern from "trie/state_root.hpp" namespace "blockstm::trie" nogil:
    Status state_root(Bytes records, uint8_t* out) noexcept

cdef extern from "trie/stack_trie.hpp" namespace "blockstm::trie" nogil:
    cppclass StackTrie:
        StackTrie() noexcept
        Status add(const uint8_t* key, Bytes value) noexcept
        Status root(uint8_t* out) noexcept
        const Array[uint8_t]& kept() noexcept
        void drop_kept() noexcept

cdef extern from "trie/node_source.hpp" namespace "blockstm::trie" nogil:
    cppclass NodeSource:
        pass

    cppclass NodeSink:
        pass

cdef extern from "<span>" namespace "std" nogil:
    cppclass span[T]:
        span() noexcept
        span(T* data, uint64_t size) noexcept

cdef extern from "crypto/keccak.hpp" namespace "blockstm" nogil:
    struct KeccakTask:
        const uint8_t* data
        uint64_t size
        uint8_t* out

cdef extern from "trie/node_store.hpp" namespace "blockstm::trie" nogil:
    cppclass Space:
        uint8_t* blamed

    cppclass NodeStore:
        NodeStore() except +
        void lock() noexcept
        cbool try_lock() noexcept
        void unlock() noexcept
        cbool add_all(Array[Bytes]& encodings, span[KeccakTask] others, uint32_t threads) noexcept
        cbool find(const uint8_t* hash, Bytes& encoding) noexcept
        uint64_t count() noexcept
        uint64_t memory() noexcept
        uint64_t in_use() noexcept
        uint64_t met() noexcept
        uint64_t read() noexcept
        void set_source(NodeSource* source) noexcept
        void set_chunks(const ChunkStore* store) noexcept
        Space& space() noexcept

cdef extern from "trie/trie.hpp" namespace "blockstm::trie" nogil:
    cppclass Trie:
        Trie() noexcept
        Status open(Space& space, const uint8_t* root) noexcept
        Trie copy() noexcept
        void drop(Space& space) noexcept
        Status get(Space& space, Bytes key, Bytes& value) noexcept
        Status set(Space& space, Bytes key, Bytes value) noexcept
        Status root(Space& space, uint8_t* out) noexcept
        Status prove(Space& space, Bytes key, Array[uint8_t]& encodings, Array[uint64_t]& sizes) noexcept
        Status neighbour(
            Space& space, Bytes key, cbool is_behind, uint8_t* found, uint64_t& found_size, Bytes& value
        ) noexcept

cdef extern from "trie/accounts.hpp" namespace "blockstm::trie" nogil:
    cppclass Accounts:
        Accounts() except +
        Status open(NodeStore& store, const uint8_t* root) noexcept
        cbool share(const Accounts& other) noexcept
        void drop() noexcept
        Status account(const uint8_t* address, Account& account, cbool& exists) noexcept
        Status slot(const uint8_t* address, const uint8_t* slot, uint8_t* value) noexcept
        Status apply(Bytes records, uint32_t threads) noexcept
        Status root(uint32_t threads, uint8_t* out) noexcept
        cbool collect(NodeSink& sink) noexcept
        void leave_notes() noexcept
        void swap_notes(Accounts& copy) noexcept
        cbool take_notes(const Accounts& copy) noexcept
        Status prove(const uint8_t* address, Array[uint8_t]& encodings, Array[uint64_t]& sizes) noexcept
        Status prove_slot(
            const uint8_t* address, const uint8_t* slot, Array[uint8_t]& encodings, Array[uint64_t]& sizes
        ) noexcept

cdef extern from "trie/written_tries.hpp" namespace "blockstm::trie" nogil:
    cppclass WrittenTries:
        WrittenTries() noexcept
        void take(Accounts& written) noexcept
        void mark(Accounts& now, NodeStore& store, uint64_t bytes_max) noexcept
        uint64_t in_use(NodeStore& store, uint64_t bytes_max) noexcept
        void forget() noexcept
