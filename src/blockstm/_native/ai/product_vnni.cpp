// Products by AVX-512 VNNI, whose instruction multiplies unsigned bytes by signed ones: the left side goes in as
// a + 128, and 128 times the sum of a column comes off again. See kernels.hpp.
#include "ai/kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <type_traits>
#include <utility>

// From here on the compiler may use the instructions that `has_kernel` asks for.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vnni"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC diagnostic ignored "-Wuninitialized"  // gcc 12 has its own vectors "of any value" in mind
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC target("avx512f,avx512bw,avx512vnni")
#endif

#include "ai/product_tiles.hpp"

namespace blockstm::ai {
namespace {

constexpr uint32_t SIGNS = 0x80808080;  // turned over, signed bytes are those by 128 larger

struct VnniLanes {
    using Vector = __m512i;
    static constexpr uint64_t COUNT = 16;
    static constexpr uint64_t GROUP = 4;
    static constexpr int ROWS = 6;
    static constexpr int PANELS = 4;

    static uint32_t right_group(const int8_t* numbers, uint64_t count) noexcept {
        uint32_t group = 0;
        std::memcpy(&group, numbers, count);
        return group;
    }
    static uint32_t left_group(const int8_t* numbers, uint64_t count) noexcept {
        return right_group(numbers, count) ^ SIGNS;
    }
    static Vector zero() noexcept { return _mm512_setzero_si512(); }
    static Vector broadcast(uint32_t group) noexcept { return _mm512_set1_epi32(static_cast<int>(group)); }
    static Vector load(const uint32_t* from) noexcept { return _mm512_loadu_si512(from); }
    static void store(uint32_t* to, Vector vector) noexcept { _mm512_storeu_si512(to, vector); }
    static Vector add_products(Vector sum, Vector left, Vector right) noexcept {
        return _mm512_dpbusd_epi32(sum, left, right);
    }
    static Vector correction(Vector sum, Vector right) noexcept {
        const Vector products = _mm512_dpbusd_epi32(zero(), broadcast(SIGNS), right);
        return _mm512_sub_epi32(sum, products);
    }
    static void add_to(int32_t* sums, Vector tile, uint64_t columns) noexcept {
        const auto mask = static_cast<__mmask16>(columns >= COUNT ? 0xFFFF : (1u << columns) - 1);
        const Vector before = _mm512_maskz_loadu_epi32(mask, sums);
        _mm512_mask_storeu_epi32(sums, mask, _mm512_add_epi32(before, tile));
    }
};

// Few rows against many, without packing: each of `few` times each of `many`.
constexpr uint64_t FEW = 3;
constexpr uint64_t TOGETHER = 4;

__m512i bytes_at(const int8_t* numbers, uint64_t count) noexcept {
    const __mmask64 mask = count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1;
    return _mm512_maskz_loadu_epi8(mask, numbers);
}

template <uint64_t together>
void add_dots(const int8_t* few, const int8_t* many, uint64_t depth, int32_t* sums, uint64_t apart) noexcept {
    const __m512i signs = _mm512_set1_epi32(static_cast<int>(SIGNS));
    __m512i sum[together], excess[together];
    for (uint64_t i = 0; i < together; ++i) sum[i] = excess[i] = _mm512_setzero_si512();
    for (uint64_t at = 0; at < depth; at += 64) {
        const __m512i left = _mm512_xor_si512(bytes_at(few + at, depth - at), signs);
        for (uint64_t i = 0; i < together; ++i) {
            const __m512i right = bytes_at(many + i * depth + at, depth - at);
            sum[i] = _mm512_dpbusd_epi32(sum[i], left, right);
            excess[i] = _mm512_dpbusd_epi32(excess[i], signs, right);
        }
    }
    for (uint64_t i = 0; i < together; ++i) {
        int32_t& target = sums[i * apart];
        const auto dot = static_cast<uint32_t>(_mm512_reduce_add_epi32(_mm512_sub_epi32(sum[i], excess[i])));
        target = static_cast<int32_t>(static_cast<uint32_t>(target) + dot);
    }
}

void add_few(const int8_t* few, uint64_t few_count, const int8_t* many, uint64_t many_count, uint64_t depth,
             int32_t* sums, uint64_t few_apart, uint64_t many_apart) noexcept {
    for (uint64_t at = 0; at < few_count; ++at) {
        const int8_t* row = few + at * depth;
        int32_t* target = sums + at * few_apart;
        uint64_t other = 0;
        for (; other + TOGETHER <= many_count; other += TOGETHER) {
            add_dots<TOGETHER>(row, many + other * depth, depth, target + other * many_apart, many_apart);
        }
        for (; other < many_count; ++other) {
            add_dots<1>(row, many + other * depth, depth, target + other * many_apart, many_apart);
        }
    }
}

}  // namespace

void multiply_vnni(const int8_t* left, const int8_t* right, int32_t* sums, ProductShape shape, uint32_t* left_block,
                   uint32_t* right_block) noexcept {
    if (shape.rows <= FEW) {
        add_few(left, shape.rows, right, shape.columns, shape.depth, sums, shape.columns, 1);
        return;
    }
    if (shape.columns <= FEW) {
        add_few(right, shape.columns, left, shape.rows, shape.depth, sums, 1, shape.columns);
        return;
    }
    Tiles<VnniLanes>::multiply(left, right, sums, shape, left_block, right_block);
}

}  // namespace blockstm::ai

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
