"""The chunks of memory that the modules of the process share; see ``chunks.hpp``."""
from libc.stdint cimport uint64_t
from libcpp cimport bool as cbool

cdef extern from "base/chunks.hpp" namespace "blockstm" nogil:
    struct ChunkStore:
        pass

    # At least ``least`` bytes and at most ``most``, ``wanted`` where they are fresh; NULL where memory has run out.
    void* chunk_take(const ChunkStore* store, uint64_t least, uint64_t wanted, uint64_t most, uint64_t* size) noexcept
    # NULL is fine.
    void chunk_give(const ChunkStore* store, void* chunk, uint64_t size) noexcept

    # The store of this module's large arrays and vectors.
    void use_chunks(const ChunkStore* store) noexcept

    cppclass LargeArray[Element]:
        Element* data() noexcept
        uint64_t size() noexcept
        Element& operator[](uint64_t place) noexcept
        cbool reserve(uint64_t size) noexcept
        Element* extend(uint64_t count) noexcept
        cbool push(const Element& element) noexcept

    cppclass LargeVector[Element]:
        Element* data()
        size_t size()
        bint empty()
        Element& operator[](size_t place)
        void reserve(size_t size) except +
        void resize(size_t size) except +
        void push_back(const Element& element) except +
        void swap(LargeVector[Element]& other)

# The one of this process.
cdef const ChunkStore* chunk_store() noexcept nogil
