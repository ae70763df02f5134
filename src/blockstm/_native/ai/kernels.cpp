// Which kernel runs; see kernels.hpp.
#include "ai/kernels.hpp"

namespace blockstm::ai {

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
