"""See the ``.pxd``."""
from libc.stdint cimport uint64_t

cdef extern from "base/chunks.hpp" namespace "blockstm" nogil:
    cppclass ChunkShelf:
        void* take(uint64_t least, uint64_t wanted, uint64_t most, uint64_t* size) noexcept
        void give(void* chunk, uint64_t size) noexcept
        void clear() noexcept
        uint64_t bytes() noexcept

    struct c_ChunkStore "blockstm::ChunkStore":
        void* (*take)(uint64_t least, uint64_t wanted, uint64_t most, uint64_t* size) noexcept
        void (*give)(void* chunk, uint64_t size) noexcept

cdef ChunkShelf SHELF
cdef c_ChunkStore STORE


cdef void* take(uint64_t least, uint64_t wanted, uint64_t most, uint64_t* size) noexcept nogil:
    return SHELF.take(least, wanted, most, size)


cdef void give(void* chunk, uint64_t size) noexcept nogil:
    SHELF.give(chunk, size)


STORE.take, STORE.give = take, give


cdef const ChunkStore* chunk_store() noexcept nogil:
    return <const ChunkStore*>&STORE


def kept_bytes() -> int:
    """How many bytes are kept that nobody uses."""
    return SHELF.bytes()


def give_back() -> None:
    """Give the system what is kept that nobody uses."""
    SHELF.clear()
