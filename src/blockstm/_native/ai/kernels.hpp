// Matrix products of int8 and what is done with each element, by the instructions that the processor has. All kernels
// give the same numbers: no order of additions overflows (limits.hpp), and where one goes through larger numbers, it
// does so modulo 2^32.
#pragma once

#include "base/bytes.hpp"

namespace blockstm::ai {

enum class Kernel : uint8_t {
    Plain,
    Avx2,
    Vnni,  // AVX-512 with VNNI
};

// Whether this processor has the instructions.
bool has_kernel(Kernel kernel) noexcept;
// The fastest that it has.
Kernel best_kernel() noexcept;

// What becomes of a number that was multiplied.
struct Scaling {
    int shift;
    int32_t zero, low, high;
};

struct Addend {
    const int8_t* numbers;
    int32_t zero, multiplier;
};

struct Factor {
    const int8_t* numbers;
    int32_t zero;
};

// Of `count` elements, which lie wherever int8 or int32 may; outputs overlap nothing.
struct Elementwise {
    void (*scale)(const int32_t* numbers, uint64_t count, int32_t multiplier, const Scaling& to,
                  int8_t* output) noexcept;
    void (*add)(const Addend& left, const Addend& right, uint64_t count, const Scaling& to, int8_t* output) noexcept;
    void (*multiply)(const Factor& left, const Factor& right, uint64_t count, int32_t multiplier, const Scaling& to,
                     int8_t* output) noexcept;
    // All of them with one number, whose zero point was taken off.
    void (*multiply_by)(const Factor& left, int32_t number, uint64_t count, int32_t multiplier, const Scaling& to,
                        int8_t* output) noexcept;
    void (*clip)(const int8_t* numbers, uint64_t count, int8_t low, int8_t high, int8_t* output) noexcept;
    // Of every `step`-th number.
    void (*keep_larger)(const int8_t* numbers, uint64_t step, uint64_t count, int8_t* output) noexcept;
    void (*add_up)(const int8_t* numbers, uint64_t step, uint64_t count, int32_t less, int32_t* sums) noexcept;
};

const Elementwise& elementwise(Kernel kernel) noexcept;

// left[rows][depth] and right[columns][depth], whose rows are multiplied with each other.
struct ProductShape {
    uint64_t rows, depth, columns;
};

// A block of each side, in words of 32 bits, as tiles have them (product_tiles.hpp); of the right one a block stays in
// the second-level cache.
inline constexpr uint64_t DEPTH_BLOCK = 1024;
inline constexpr uint64_t COLUMN_BLOCK = 256;
inline constexpr uint64_t ROW_BLOCK = 240;
inline constexpr uint64_t GROUPS_MAX = DEPTH_BLOCK / 2;

// Memory of one call.
struct Workspace {
    Array<uint32_t> left, right;
    Bytes windows;
    Array<int32_t> numbers;
    Bytes operands[3];
};

// sums[row][column] += left[row] . right[column]; false where memory ran out.
bool multiply(Kernel kernel, const int8_t* left, const int8_t* right, int32_t* sums, ProductShape shape,
              Workspace& workspace) noexcept;

const Elementwise& elementwise_plain() noexcept;
bool multiply_plain(const int8_t* left, const int8_t* right, int32_t* sums, ProductShape shape,
                    Workspace& workspace) noexcept;
#if defined(__x86_64__)
const Elementwise& elementwise_avx2() noexcept;
const Elementwise& elementwise_avx512() noexcept;
// With room for a block of each side.
void multiply_avx2(const int8_t* left, const int8_t* right, int32_t* sums, ProductShape shape, uint32_t* left_block,
                   uint32_t* right_block) noexcept;
void multiply_vnni(const int8_t* left, const int8_t* right, int32_t* sums, ProductShape shape, uint32_t* left_block,
                   uint32_t* right_block) noexcept;
#endif

}  // namespace blockstm::ai
