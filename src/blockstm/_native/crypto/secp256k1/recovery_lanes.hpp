// Recoveries side by side, where the processor has AVX-512 IFMA.
#pragma once

#include <cstdint>

#include "crypto/secp256k1/generator.hpp"

namespace blockstm::secp256k1 {

inline constexpr int RECOVERY_LANES = 8;

// Eight recoveries: R as its x and the parity of its y, and the digits of the scalars, of lane l at [l].
struct alignas(64) LaneTask {
    uint64_t x[4][RECOVERY_LANES];  // below p
    uint8_t digits[HALF_DIGITS][RECOVERY_LANES];
    uint8_t image_digits[HALF_DIGITS][RECOVERY_LANES];
    uint8_t generator_digits[GENERATOR_DIGITS][RECOVERY_LANES];
    uint8_t odd_lanes;  // a bit for each lane
};

// What came of them: x and y as words, the lowest first.
struct alignas(64) LaneResult {
    uint64_t x[4][RECOVERY_LANES], y[4][RECOVERY_LANES];
    uint8_t on_curve;  // the lanes whose x is that of a point
    uint8_t computed;  // of these, the ones that met no exceptional case: the others have no x and y
};

inline constexpr int LANE_TASKS_MAX = 16;

bool has_lanes() noexcept;

// `count` is 1 to LANE_TASKS_MAX; `has_lanes()`. Any thread may call it.
void recover_lanes(const LaneTask* tasks, LaneResult* results, int count) noexcept;

}  // namespace blockstm::secp256k1
