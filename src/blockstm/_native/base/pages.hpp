// Memory in large pieces: from a size on, in pages of 2 MiB, so that the processor finds more of it without walking its
// page tables, and the kernel is asked for it less often.
#pragma once

#include <cstdint>
#include <cstdlib>

#include <sys/mman.h>

namespace blockstm {

inline constexpr uint64_t HUGE_PAGE = uint64_t{1} << 21;

// A wish for large pages, for the part of the memory that is made of them. Where it is not granted, nothing is lost but
// time. The rest is in small pages: what is not touched of it is not taken from the system.
inline void pages_wish(void* taken, uint64_t size) noexcept {
#ifdef MADV_HUGEPAGE
    const uint64_t begin = (reinterpret_cast<uintptr_t>(taken) + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
    const uint64_t end = (reinterpret_cast<uintptr_t>(taken) + size) & ~(HUGE_PAGE - 1);
    if (taken != nullptr && begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

// Whole cache lines, aligned, and to a large page from that size on; not cleared. Null where memory ran out. Not
// inline: it is called seldom, and within functions that are.
[[gnu::noinline]] inline void* pages_take(uint64_t size) noexcept {
    void* taken = nullptr;
    const uint64_t lines = size / 64 + (size % 64 != 0);
    if (lines > UINT64_MAX / 64) return nullptr;
    if (posix_memalign(&taken, size >= HUGE_PAGE ? HUGE_PAGE : 64, 64 * lines) != 0) return nullptr;
    if (size >= HUGE_PAGE) pages_wish(taken, size);
    return taken;
}

// Asks for the cache line of an address that will be written soon, for this core alone. Said in full, as compilers that
// build for every x86-64 make a prefetch to read of it: then the write asks the other cores once more.
[[gnu::always_inline]] inline void prefetch_to_write(const void* address) noexcept {
#ifdef __x86_64__
    asm("prefetchw %0" : : "m"(*static_cast<const char*>(address)));
#else
    __builtin_prefetch(address, 1);
#endif
}

}  // namespace blockstm
