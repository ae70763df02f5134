// The one rounding rule, and the one place where numbers saturate.
#pragma once

#include <algorithm>
#include <cstdint>

namespace blockstm::ai {

// number / 2^shift to the nearest, halves upwards. |number| is below 2^62 + 2^61 and shift from 1 to 62.
constexpr int64_t rounded_shift(int64_t number, int shift) noexcept {
    return (number + (int64_t{1} << (shift - 1))) >> shift;
}

constexpr int8_t clipped(int64_t number, int64_t low = -128, int64_t high = 127) noexcept {
    return static_cast<int8_t>(std::min(std::max(number, low), high));  // which no branch is made of
}

// number / divisor, rounded to the nearest, halves upwards. divisor is more than 0.
constexpr int64_t rounded_quotient(int64_t number, int64_t divisor) noexcept {
    const int64_t shifted = number + divisor / 2;
    const int64_t quotient = shifted / divisor;
    return quotient - (shifted % divisor < 0);
}

}  // namespace blockstm::ai
