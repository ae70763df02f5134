// Where memory errors are looked for: memory that is there and that nobody may touch. Elsewhere nothing is done.
#pragma once

#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace blockstm {

inline void forbid_memory([[maybe_unused]] void* memory, [[maybe_unused]] uint64_t size) noexcept {
#if defined(__SANITIZE_ADDRESS__)
    ASAN_POISON_MEMORY_REGION(memory, size);
#endif
}

inline void allow_memory([[maybe_unused]] void* memory, [[maybe_unused]] uint64_t size) noexcept {
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
#endif
}

}  // namespace blockstm
