// The limits under which no number of an instruction overflows, and the weights of work beside multiply-accumulates.
// docs/ai.md proves the first; tests/ai/test_costs.py measures the second.
#pragma once

#include <cstdint>

namespace blockstm::ai {

inline constexpr int32_t DIMENSION_MAX = 1 << 24;
inline constexpr int32_t SHIFT_MAX = 62;
inline constexpr int32_t PAD_MAX = 1 << 16;
inline constexpr int32_t TOP_MAX = 256;
inline constexpr int32_t SOFTMAX_MAX = 1 << 16;
inline constexpr int32_t NORM_MAX = 1 << 15;
inline constexpr uint64_t POOL_MAX = uint64_t{1} << 22;

// |bias| + depth * 128 * 128 is at most this: then no order of additions leaves int32.
inline constexpr int64_t SUM_MAX = (int64_t{1} << 31) - 1;
inline constexpr uint64_t DEPTH_MAX = SUM_MAX / (128 * 128);

inline constexpr uint64_t WINDOW_WORK = 32;   // of laying out one element of a convolution's windows
inline constexpr uint64_t SCALING_WORK = 16;  // of an element that is scaled and rounded
inline constexpr uint64_t MOVE_WORK = 12;     // of one that is looked up or moved
inline constexpr uint64_t POOL_WORK = 32;     // of each element of a pool's windows
inline constexpr uint64_t SEEN_WORK = 8;      // of each number that the largest are sought among,
inline constexpr uint64_t RANK_WORK = 16;     // and for each of the largest
inline constexpr uint64_t SOFTMAX_WORK = 80;
inline constexpr uint64_t GELU_WORK = 128;
inline constexpr uint64_t NORM_WORK = 192;

}  // namespace blockstm::ai
