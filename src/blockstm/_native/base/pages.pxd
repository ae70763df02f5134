"""Memory in large pieces: from a size on, in pages of 2 MiB, so that the processor finds more of it
without walking its page tables. Tables and locations are accessed in random order."""
from libc.stdint cimport uint64_t
from libc.stdlib cimport free

cdef extern from *:
    """
    #ifndef BLOCKSTM_PAGES
    #define BLOCKSTM_PAGES
    #include <cstdint>
    #include <cstdlib>
    #include <sys/mman.h>
    #define BLOCKSTM_HUGE_PAGE ((size_t)1 << 21)
    /* Aligned to a cache line, and to a large page from that size on; not cleared. */
    static inline void* blockstm_pages_take(uint64_t size) {
        size_t alignment = size >= BLOCKSTM_HUGE_PAGE ? BLOCKSTM_HUGE_PAGE : 64;
        size_t rounded = (size + alignment - 1) & ~(alignment - 1);
        void* taken = aligned_alloc(alignment, rounded);
    #ifdef MADV_HUGEPAGE
        /* A wish: where it is not granted, nothing is lost but time. */
        if (taken != NULL && alignment == BLOCKSTM_HUGE_PAGE) madvise(taken, rounded, MADV_HUGEPAGE);
    #endif
        return taken;
    }
    /* The same wish for memory that has been taken already: the part of it that is made of large pages. */
    static inline void blockstm_pages_wish(void* taken, uint64_t size) {
    #ifdef MADV_HUGEPAGE
        uintptr_t begin = ((uintptr_t)taken + BLOCKSTM_HUGE_PAGE - 1) & ~(BLOCKSTM_HUGE_PAGE - 1);
        uintptr_t end = ((uintptr_t)taken + size) & ~(BLOCKSTM_HUGE_PAGE - 1);
        if (taken != NULL && begin < end) madvise((void*)begin, end - begin, MADV_HUGEPAGE);
    #endif
    }
    #endif
    """
    void pages_wish "blockstm_pages_wish"(void* taken, uint64_t size) noexcept nogil
    void* pages_take "blockstm_pages_take"(uint64_t size) noexcept nogil
    # Ask for the cache line of an address that will be written, or only read, soon.
    void prefetch_to_write "__builtin_prefetch"(const void* address, int writing) noexcept nogil
    void prefetch "__builtin_prefetch"(const void* address) noexcept nogil


cdef inline void pages_free(void* pages) noexcept nogil:
    free(pages)
