"""Memory in large pieces as Cython sees it; see ``pages.hpp``. Tables and locations are accessed in random order."""
from libc.stdint cimport uint64_t
from libc.stdlib cimport free

cdef extern from "base/pages.hpp" namespace "blockstm" nogil:
    void pages_wish(void* taken, uint64_t size) noexcept
    void* pages_take(uint64_t size) noexcept
    void prefetch_to_write(const void* address) noexcept

cdef extern from * nogil:
    # Ask for the cache line of an address that will be read soon.
    void prefetch "__builtin_prefetch"(const void* address) noexcept nogil


cdef inline void pages_free(void* pages) noexcept nogil:
    free(pages)
