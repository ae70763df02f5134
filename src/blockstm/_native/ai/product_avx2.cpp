// Products by AVX2, whose instruction adds up two products of 16-bit numbers, which bytes are widened to. See
// kernels.hpp.
#include "ai/kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <type_traits>
#include <utility>

// From here on the compiler may use the instructions that `has_kernel` asks for.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#include "ai/product_tiles.hpp"

namespace blockstm::ai {
namespace {

struct Avx2Lanes {
    using Vector = __m256i;
    static constexpr uint64_t COUNT = 8;
    static constexpr uint64_t GROUP = 2;
    static constexpr int ROWS = 6;
    static constexpr int PANELS = 2;

    static uint32_t right_group(const int8_t* numbers, uint64_t count) noexcept {
        const auto low = static_cast<uint16_t>(numbers[0]);
        const auto high = static_cast<uint16_t>(count > 1 ? numbers[1] : 0);
        return low | static_cast<uint32_t>(high) << 16;
    }
    static uint32_t left_group(const int8_t* numbers, uint64_t count) noexcept { return right_group(numbers, count); }
    static Vector zero() noexcept { return _mm256_setzero_si256(); }
    static Vector broadcast(uint32_t group) noexcept { return _mm256_set1_epi32(static_cast<int>(group)); }
    static Vector load(const uint32_t* from) noexcept {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    }
    static void store(uint32_t* to, Vector vector) noexcept {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), vector);
    }
    static Vector add_products(Vector sum, Vector left, Vector right) noexcept {
        return _mm256_add_epi32(sum, _mm256_madd_epi16(left, right));
    }
    static Vector correction(Vector sum, Vector) noexcept { return sum; }
    static void add_to(int32_t* sums, Vector tile, uint64_t columns) noexcept {
        if (columns >= COUNT) {
            auto* target = reinterpret_cast<__m256i*>(sums);
            _mm256_storeu_si256(target, _mm256_add_epi32(_mm256_loadu_si256(target), tile));
            return;
        }
        int32_t numbers[COUNT];
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(numbers), tile);
        for (uint64_t place = 0; place < columns; ++place) sums[place] += numbers[place];
    }
};

// Few rows against many, without packing: each of `few` times each of `many`.
constexpr uint64_t FEW = 3;
constexpr uint64_t STEP = 16;  // numbers at a time

__m256i widened(const int8_t* numbers) noexcept {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(numbers)));
}

int32_t total(__m256i vector) noexcept {
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(vector), _mm256_extracti128_si256(vector, 1));
    const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xB1)));
}

int32_t dot(const int8_t* left, const int8_t* right, uint64_t depth) noexcept {
    __m256i even = _mm256_setzero_si256(), odd = even;
    uint64_t at = 0;
    for (; at + 2 * STEP <= depth; at += 2 * STEP) {
        even = _mm256_add_epi32(even, _mm256_madd_epi16(widened(left + at), widened(right + at)));
        odd = _mm256_add_epi32(odd, _mm256_madd_epi16(widened(left + at + STEP), widened(right + at + STEP)));
    }
    int32_t sum = total(_mm256_add_epi32(even, odd));
    for (; at < depth; ++at) sum += left[at] * right[at];
    return sum;
}

}  // namespace

void multiply_avx2(const int8_t* left, const int8_t* right, int32_t* sums, ProductShape shape, uint32_t* left_block,
                   uint32_t* right_block) noexcept {
    if (shape.rows > FEW && shape.columns > FEW) {
        return Tiles<Avx2Lanes>::multiply(left, right, sums, shape, left_block, right_block);
    }
    for (uint64_t row = 0; row < shape.rows; ++row) {
        for (uint64_t column = 0; column < shape.columns; ++column) {
            sums[row * shape.columns + column] +=
                dot(left + row * shape.depth, right + column * shape.depth, shape.depth);
        }
    }
}

}  // namespace blockstm::ai

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
