// Products in plain C++, as loops that compilers know the vector instructions of any processor for; see kernels.hpp.
#include "ai/kernels.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <algorithm>
#include <cstring>

namespace blockstm::ai {
namespace {

void widen(const int8_t* from, uint64_t count, int16_t* to) noexcept {
    for (uint64_t place = 0; place < count; ++place) to[place] = from[place];
}

// Rows of each side that are multiplied with each other at a time: their sums stay in registers, and each number that
// is loaded is used several times.
constexpr uint64_t ROWS = 4, COLUMNS = 2;
constexpr uint64_t BLOCK = 64;  // rows of the right side that are widened at a time

template <int rows, int columns>
void add_dots(const int16_t* left, const int16_t* right, uint64_t depth, int32_t* sums, uint64_t apart) noexcept {
    int32_t dots[rows * columns] = {};
    for (uint64_t place = 0; place < depth; ++place) {
#pragma GCC unroll 4
        for (int row = 0; row < rows; ++row) {
#pragma GCC unroll 4
            for (int column = 0; column < columns; ++column) {
                dots[row * columns + column] += left[row * depth + place] * right[column * depth + place];
            }
        }
    }
    for (int row = 0; row < rows; ++row) {
        for (int column = 0; column < columns; ++column) sums[row * apart + column] += dots[row * columns + column];
    }
}

using AddDots = void (*)(const int16_t* left, const int16_t* right, uint64_t depth, int32_t* sums,
                         uint64_t apart) noexcept;
constexpr AddDots ADD_DOTS[ROWS][COLUMNS] = {
    {add_dots<1, 1>, add_dots<1, 2>},
    {add_dots<2, 1>, add_dots<2, 2>},
    {add_dots<3, 1>, add_dots<3, 2>},
    {add_dots<4, 1>, add_dots<4, 2>},
};

bool multiply_deep(const int8_t* left, const int8_t* right, int32_t* sums, ProductShape shape,
                   Workspace& workspace) noexcept {
    const uint64_t depth = shape.depth;
    if (!workspace.left.resize(ROWS / 2 * depth) || !workspace.right.resize(BLOCK / 2 * depth)) return false;
    auto* wide_left = reinterpret_cast<int16_t*>(workspace.left.data());
    auto* wide_right = reinterpret_cast<int16_t*>(workspace.right.data());
    for (uint64_t first = 0; first < shape.columns; first += BLOCK) {
        const uint64_t count = std::min(BLOCK, shape.columns - first);
        widen(right + first * depth, count * depth, wide_right);
        for (uint64_t row = 0; row < shape.rows; row += ROWS) {
            const uint64_t rows = std::min(ROWS, shape.rows - row);
            widen(left + row * depth, rows * depth, wide_left);
            int32_t* target = sums + row * shape.columns + first;
            for (uint64_t column = 0; column < count; column += COLUMNS) {
                const uint64_t columns = std::min(COLUMNS, count - column);
                const AddDots add = ADD_DOTS[rows - 1][columns - 1];
                add(wide_left, wide_right + column * depth, depth, target + column, shape.columns);
            }
        }
    }
    return true;
}

// Below, the ends of sums along the depth cost more than the sums: vectors go along the columns, of two numbers each.
constexpr uint64_t DEEP = 64;
constexpr uint64_t ALONG = 64;

struct Pair {
    int16_t first, second;
};

// Columns as rows of pairs; behind the depth there is a zero.
void turn_pairs(const int8_t* right, uint64_t depth, uint64_t count, Pair* pairs) noexcept {
    for (uint64_t column = 0; column < count; ++column, right += depth) {
        Pair* target = pairs + column;
        uint64_t place = 0;
        for (; place + 2 <= depth; place += 2, target += ALONG) *target = {right[place], right[place + 1]};
        if (place < depth) *target = {right[place], 0};
    }
}

void turn_row(const int8_t* left, uint64_t depth, Pair* row) noexcept {
    for (uint64_t place = 0; place < depth; place += 2) {
        row[place / 2] = {left[place], place + 1 < depth ? left[place + 1] : int8_t{0}};
    }
}

// A row times `count` columns.
void add_pairs(const Pair* row, const Pair* pairs, uint64_t groups, int32_t* sums, uint64_t count) noexcept {
    for (uint64_t group = 0; group < groups; ++group, pairs += ALONG) {
        const auto [first, second] = row[group];
        for (uint64_t column = 0; column < count; ++column) {
            sums[column] += first * pairs[column].first + second * pairs[column].second;
        }
    }
}

#if defined(__SSE2__)
// The same for four columns and times that, of which compilers do not know that x86-64 has an instruction for it.
template <int parts>
void add_tile(const Pair* row, const Pair* pairs, uint64_t groups, int32_t* sums) noexcept {
    auto* target = reinterpret_cast<__m128i*>(sums);
    __m128i sum[parts];
    for (int part = 0; part < parts; ++part) sum[part] = _mm_loadu_si128(target + part);
    for (uint64_t group = 0; group < groups; ++group, pairs += ALONG) {
        int32_t both;
        std::memcpy(&both, row + group, sizeof both);
        const __m128i left = _mm_set1_epi32(both);
        const auto* right = reinterpret_cast<const __m128i*>(pairs);
        for (int part = 0; part < parts; ++part) {
            sum[part] = _mm_add_epi32(sum[part], _mm_madd_epi16(left, _mm_loadu_si128(right + part)));
        }
    }
    for (int part = 0; part < parts; ++part) _mm_storeu_si128(target + part, sum[part]);
}

// How many columns that was.
uint64_t add_tiles(const Pair* row, const Pair* pairs, uint64_t groups, int32_t* sums, uint64_t count) noexcept {
    uint64_t column = 0;
    for (; column + 16 <= count; column += 16) add_tile<4>(row, pairs + column, groups, sums + column);
    for (; column + 4 <= count; column += 4) add_tile<1>(row, pairs + column, groups, sums + column);
    return column;
}
#else
uint64_t add_tiles(const Pair*, const Pair*, uint64_t, int32_t*, uint64_t) noexcept { return 0; }
#endif

void multiply_shallow(const int8_t* left, const int8_t* right, int32_t* sums, ProductShape shape) noexcept {
    const uint64_t depth = shape.depth, groups = (depth + 1) / 2;
    Pair pairs[DEEP / 2 * ALONG], row[DEEP / 2];
    for (uint64_t first = 0; first < shape.columns; first += ALONG) {
        const uint64_t count = std::min(ALONG, shape.columns - first);
        turn_pairs(right + first * depth, depth, count, pairs);
        for (uint64_t place = 0; place < shape.rows; ++place) {
            int32_t* target = sums + place * shape.columns + first;
            turn_row(left + place * depth, depth, row);
            const uint64_t column = add_tiles(row, pairs, groups, target, count);
            add_pairs(row, pairs + column, groups, target + column, count - column);
        }
    }
}

}  // namespace

bool multiply_plain(const int8_t* left, const int8_t* right, int32_t* sums, ProductShape shape,
                    Workspace& workspace) noexcept {
    if (shape.depth >= DEEP || shape.columns == 1) return multiply_deep(left, right, sums, shape, workspace);
    multiply_shallow(left, right, sums, shape);
    return true;
}

}  // namespace blockstm::ai
