// Elements by AVX-512; see elementwise.hpp.
#include "ai/kernels.hpp"
#include "ai/scaling.hpp"

#if defined(__x86_64__)
// From here on the compiler may use the instructions that `has_kernel` asks for.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")
#endif

#include "ai/elementwise.hpp"

namespace blockstm::ai {

const Elementwise& elementwise_avx512() noexcept { return TABLE; }

}  // namespace blockstm::ai

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
