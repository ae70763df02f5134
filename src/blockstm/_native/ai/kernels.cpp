// Which kernel runs, and the one that runs anywhere; see kernels.hpp.
#include "ai/kernels.hpp"

#include <algorithm>

namespace blockstm::ai {
namespace {

constexpr uint64_t BLOCK = 32;  // rows of the right side that are widened at a time

void widen(const int8_t* from, uint64_t count, int16_t* to) noexcept {
    for (uint64_t place = 0; place < count; ++place) to[place] = from[place];
}

// The shape that compilers know an instruction for, on any processor.
int32_t dot(const int16_t* left, const int16_t* right, uint64_t depth) noexcept {
    int32_t sum = 0;
    for (uint64_t place = 0; place < depth; ++place) sum += left[place] * right[place];
    return sum;
}

}  // namespace

bool has_kernel(Kernel kernel) noexcept {
#if defined(__x86_64__)
    if (kernel == Kernel::Avx2) return __builtin_cpu_supports("avx2");
    if (kernel == Kernel::Vnni) {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512vnni");
    }
#endif
    return kernel == Kernel::Plain;
}

Kernel best_kernel() noexcept {
    static const Kernel best = has_kernel(Kernel::Vnni)   ? Kernel::Vnni
                               : has_kernel(Kernel::Avx2) ? Kernel::Avx2
                                                          : Kernel::Plain;
    return best;
}

const Elementwise& elementwise([[maybe_unused]] Kernel kernel) noexcept {
#if defined(__x86_64__)
    if (kernel == Kernel::Vnni) return elementwise_avx512();
    if (kernel == Kernel::Avx2) return elementwise_avx2();
#endif
    return elementwise_plain();
}

bool multiply_plain(const int8_t* left, const int8_t* right, int32_t* sums, ProductShape shape,
                    Workspace& workspace) noexcept {
    const uint64_t depth = shape.depth;
    if (!workspace.left.resize(depth) || !workspace.right.resize(BLOCK * depth)) return false;
    auto* wide_left = reinterpret_cast<int16_t*>(workspace.left.data());
    auto* wide_right = reinterpret_cast<int16_t*>(workspace.right.data());
    for (uint64_t first = 0; first < shape.columns; first += BLOCK) {
        const uint64_t count = std::min(BLOCK, shape.columns - first);
        widen(right + first * depth, count * depth, wide_right);
        for (uint64_t row = 0; row < shape.rows; ++row) {
            widen(left + row * depth, depth, wide_left);
            int32_t* target = sums + row * shape.columns + first;
            for (uint64_t place = 0; place < count; ++place) {
                target[place] += dot(wide_left, wide_right + place * depth, depth);
            }
        }
    }
    return true;
}

bool multiply([[maybe_unused]] Kernel kernel, const int8_t* left, const int8_t* right, int32_t* sums,
              ProductShape shape, Workspace& workspace) noexcept {
#if defined(__x86_64__)
    if (kernel != Kernel::Plain) {
        if (!workspace.left.resize(ROW_BLOCK * GROUPS_MAX)) return false;
        if (!workspace.right.resize(COLUMN_BLOCK * (GROUPS_MAX + 1))) return false;
        const auto run = kernel == Kernel::Vnni ? multiply_vnni : multiply_avx2;
        run(left, right, sums, shape, workspace.left.data(), workspace.right.data());
        return true;
    }
#endif
    return multiply_plain(left, right, sums, shape, workspace);
}

}  // namespace blockstm::ai
