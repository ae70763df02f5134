// Reading code block by block; see the header.
#include "evm/compile/strides.hpp"

#include <algorithm>

#include "evm/forks/opcodes.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace blockstm::evm {
namespace {

#if defined(__x86_64__)
constexpr uint64_t SIDE_BY_SIDE = 8;  // blocks that do not wait for one another

bool has_tables() noexcept {
    static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                            __builtin_cpu_supports("avx512vbmi");
    return has;
}

// For each place of a block, where one that begins there leaves it: from 64 on, counted from the block's beginning.
[[gnu::target("avx512f,avx512bw,avx512vbmi"), gnu::always_inline]] inline __m512i exits_of(
    const uint8_t* block) noexcept {
    alignas(64) static constexpr uint8_t NEXT[STRIDE_BLOCK] = {
        1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
        23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
        45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64};
    const __m512i bytes = _mm512_loadu_si512(block);
    const __m512i sizes = _mm512_sub_epi8(bytes, _mm512_set1_epi8(static_cast<char>(op::PUSH1 - 1)));
    // Of what is no PUSH it is 0 or more than any PUSH carries.
    const __mmask64 are_pushes = _mm512_cmple_epu8_mask(sizes, _mm512_set1_epi8(32));
    const __m512i next = _mm512_load_si512(NEXT);
    __m512i exits = _mm512_mask_add_epi8(next, are_pushes, next, sizes);
    for (uint64_t steps = 1; steps < STRIDE_BLOCK; steps *= 2) {
        const __mmask64 are_within = _mm512_cmplt_epu8_mask(exits, _mm512_set1_epi8(STRIDE_BLOCK));
        exits = _mm512_mask_permutexvar_epi8(exits, are_within, exits, exits);
    }
    return exits;
}

[[gnu::target("avx512f,avx512bw,avx512vbmi")]] void follow_by_tables(Span code, uint8_t* entries, uint64_t first,
                                                                     uint64_t last) noexcept {
    alignas(64) uint8_t exits[SIDE_BY_SIDE][STRIDE_BLOCK];
    while (first != last) {
        const uint64_t count = std::min(last - first, SIDE_BY_SIDE);
        for (uint64_t index = 0; index < count; ++index) {
            _mm512_store_si512(exits[index], exits_of(code.data + (first + index) * STRIDE_BLOCK));
        }
        for (uint64_t index = 0; index < count; ++index, ++first) {
            entries[first + 1] = static_cast<uint8_t>(exits[index][entries[first]] - STRIDE_BLOCK);
        }
    }
}
#endif

}  // namespace

void follow_instructions_plainly(Span code, uint8_t* entries, uint64_t first, uint64_t last) noexcept {
    uint64_t at = first * STRIDE_BLOCK + entries[first];
    for (; first != last; ++first) {
        const uint64_t end = (first + 1) * STRIDE_BLOCK;
        while (at < end) at += 1 + immediate_size(code.data[at]);
        entries[first + 1] = static_cast<uint8_t>(at - end);
    }
}

void follow_instructions(Span code, uint8_t* entries, uint64_t first, uint64_t last) noexcept {
#if defined(__x86_64__)
    if (has_tables()) return follow_by_tables(code, entries, first, last);
#endif
    follow_instructions_plainly(code, entries, first, last);
}

}  // namespace blockstm::evm
