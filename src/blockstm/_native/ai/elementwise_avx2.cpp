// Elements by AVX2; see elementwise.hpp.
#include "ai/kernels.hpp"
#include "ai/scaling.hpp"

#if defined(__x86_64__)
// From here on the compiler may use the instructions that `has_kernel` asks for.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#include "ai/elementwise.hpp"

namespace blockstm::ai {

const Elementwise& elementwise_avx2() noexcept { return TABLE; }

}  // namespace blockstm::ai

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
